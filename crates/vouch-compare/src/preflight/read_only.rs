//! Replicas that take writes from clients.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    (replica.setting("read_only") == "OFF")
        .then(|| Remark::new(Code::NotReadOnly, "it accepts writes from clients (read_only=OFF)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::facts::tests::server;

    #[test]
    fn it_speaks_only_when_there_is_reason() {
        let source = server("9.7.4", 1);
        let mut replica = server("9.7.4", 2);
        assert_eq!(check(&source, &replica), None);
        replica.settings.insert("read_only", "OFF".to_owned());
        assert!(check(&source, &replica).is_some());
    }
}
