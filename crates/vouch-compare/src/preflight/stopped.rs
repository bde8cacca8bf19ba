//! Replicas that do not receive or apply.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let channel = replica.channels().iter().find(|channel| !channel.receiving || !channel.applying)?;
    let what = if channel.applying { "receiver" } else { "applier" };
    let cause = if channel.last_error.is_empty() { String::new() } else { format!(": {}", channel.last_error) };
    Some(Remark::new(Code::ReplicationStopped, format!("its {what} is stopped{cause}")))
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
        replica.channels.as_mut().unwrap()[0].applying = false;
        assert!(check(&source, &replica).is_some());
    }
}
