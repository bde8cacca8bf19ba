//! Replicas that keep replicated changes out of their own binlog.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let off = ["log_replica_updates", "log_slave_updates"].iter().any(|name| replica.setting(name) == "OFF");
    off.then(|| {
        Remark::new(
            Code::NoReplicaUpdates,
            "it does not log replicated changes, so replicas behind it cannot be compared through it",
        )
    })
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
        replica.settings.insert("log_replica_updates", "OFF".to_owned());
        assert!(check(&source, &replica).is_some());
    }
}
