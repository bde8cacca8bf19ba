//! Replication filters, which make tables differ on purpose.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let filters =
        replica.channels().iter().map(|channel| channel.filters.as_str()).find(|filters| !filters.is_empty())?;
    Some(Remark::new(Code::ReplicationFilter, format!("it filters replication: {filters}")))
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
        replica.channels.as_mut().unwrap()[0].filters = "Replicate_Ignore_DB=x".to_owned();
        assert!(check(&source, &replica).is_some());
    }
}
