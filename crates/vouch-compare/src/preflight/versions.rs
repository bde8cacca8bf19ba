//! Servers of different flavors or series.

use super::{Facts, Remark};
use vouch_report::Code;

/// See the top of the file.
pub fn check(source: &Facts, replica: &Facts) -> Option<Remark> {
    let series = |facts: &Facts| facts.identity.version.split('.').take(2).collect::<Vec<_>>().join(".");
    let differs = source.flavor() != replica.flavor() || series(source) != series(replica);
    differs.then(|| {
        Remark::new(
            Code::VersionDiffers,
            format!("the source is {} and this is {}", source.identity.version, replica.identity.version),
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
        replica.identity.version = "8.4.0".to_owned();
        assert!(check(&source, &replica).is_some());
    }
}
