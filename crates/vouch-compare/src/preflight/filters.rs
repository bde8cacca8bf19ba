//! Replication filters, which make tables differ on purpose.

use super::{Facts, Remark};
use vouch_report::Code;
use vouch_server::ReplicaStatus;

/// See the top of the file.
pub fn check(_source: &Facts, replica: &Facts) -> Option<Remark> {
    let rules: Vec<String> =
        replica.channels().iter().filter(|channel| !channel.filters.is_empty()).map(rule).collect();
    if rules.is_empty() {
        return None;
    }
    let maps = replica.channels().iter().flat_map(|channel| &channel.rewrites);
    let maps: Vec<String> = maps.map(|(from, to)| format!("--map {from}={to}")).collect();
    let hint = if maps.is_empty() { String::new() } else { format!("; {} compares what it renames", maps.join(" ")) };
    Some(Remark::new(Code::ReplicationFilter, format!("it filters replication: {}{hint}", rules.join("; "))))
}

/// The filters of a channel, with its name where it has one.
fn rule(channel: &ReplicaStatus) -> String {
    match channel.channel.as_str() {
        "" => channel.filters.clone(),
        name => format!("{} (channel {name})", channel.filters),
    }
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
        let channel = &mut replica.channels.as_mut().unwrap()[0];
        channel.filters = "Replicate_Rewrite_DB=(a,b)".to_owned();
        channel.rewrites = vec![("a".to_owned(), "b".to_owned())];
        channel.channel = "east".to_owned();
        let told =
            "it filters replication: Replicate_Rewrite_DB=(a,b) (channel east); --map a=b compares what it renames";
        assert_eq!(check(&source, &replica).map(|remark| remark.message).as_deref(), Some(told));
    }
}
