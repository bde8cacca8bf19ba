//! What a backup tool has noted of the server's settings, where it is no more than a hint.

use crate::demands::setting;
use crate::instance::SETTINGS;
use crate::packed;
use std::path::Path;
use vouch_innodb::Method;

/// The formula of checksums that the settings beside the files of a backup name. Tools write a wrong one there,
/// so it tells which to try first, and never what to accept.
pub fn noted_method(folder: &Path) -> Option<Method> {
    let text = packed::beside(&folder.join(SETTINGS), None).ok()??;
    match setting(&text, "innodb_checksum_algorithm")?.trim_start_matches("strict_") {
        "innodb" => Some(Method::Innodb),
        "crc32" | "full_crc32" => Some(Method::Crc32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::fixture::write;

    #[test]
    fn settings_tell_what_to_try_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(noted_method(folder.path()), None);
        for (value, method) in [
            ("innodb", Some(Method::Innodb)),
            ("strict_innodb", Some(Method::Innodb)),
            ("full_crc32", Some(Method::Crc32)),
            ("none", None),
            ("", None),
        ] {
            let text = format!("[mysqld]\ninnodb_checksum_algorithm={value}\n");
            write(folder.path(), SETTINGS, text.as_bytes());
            assert_eq!(noted_method(folder.path()), method, "{value}");
        }
    }
}
