//! Servers with other time zones or SQL modes.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(source: &Facts, replica: &Facts) -> Option<Remark> {
    let differs = ["time_zone", "system_time_zone", "sql_mode"]
        .into_iter()
        .find(|name| source.setting(name) != replica.setting(name))?;
    Some(Remark::new(
        Code::TimeZoneDiffers,
        format!(
            "{differs} is {} on the source and {} here; rows are compared in UTC all the same",
            source.setting(differs),
            replica.setting(differs)
        ),
    ))
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
        replica.settings.insert("time_zone", "+05:00".to_owned());
        assert!(check(&source, &replica).is_some());
    }
}
