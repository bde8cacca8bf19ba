//! Replicas whose workers may commit in another order than the source.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let loose = [
        ("replica_preserve_commit_order", "OFF"),
        ("slave_preserve_commit_order", "OFF"),
        ("slave_parallel_mode", "aggressive"),
    ];
    let found = loose.iter().find(|(name, value)| replica.setting(name) == *value)?;
    Some(Remark::new(
        Code::CommitOrder,
        format!("{}={}: workers may commit out of order; sets of transactions are waited for", found.0, found.1),
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
        replica.settings.insert("replica_preserve_commit_order", "OFF".to_owned());
        assert!(check(&source, &replica).is_some());
    }
}
