//! Replicas that are delayed on purpose.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let delay = replica.channels().iter().map(|channel| channel.delay_s).max().filter(|&delay| delay > 0)?;
    Some(Remark::new(Code::ReplicaDelayed, format!("delayed by {delay} s on purpose; every position is waited for")))
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
        replica.channels.as_mut().unwrap()[0].delay_s = 15;
        assert!(check(&source, &replica).is_some());
    }
}
