//! Replicas with several channels.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let channels = replica.channels();
    (channels.len() > 1).then(|| {
        Remark::new(
            Code::MultiSource,
            format!("it has {} channels; the one from this source is waited for", channels.len()),
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
        let channel = replica.channels().first().cloned().unwrap();
        replica.channels.as_mut().unwrap().push(channel);
        assert!(check(&source, &replica).is_some());
    }
}
