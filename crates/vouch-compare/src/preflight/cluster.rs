//! Members of Group Replication and Galera: positions mean less there.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(source: &Facts, replica: &Facts) -> Option<Remark> {
    let member =
        |facts: &Facts| facts.setting("wsrep_on") == "ON" || !facts.setting("group_replication_group_name").is_empty();
    (member(source) || member(replica)).then(|| {
        Remark::new(Code::Cluster, "a member of Group Replication or Galera: findings rest on plain positions alone")
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
        replica.settings.insert("wsrep_on", "ON".to_owned());
        assert!(check(&source, &replica).is_some());
    }
}
