//! Partitioning: the scheme, and each partition by its name.

use super::Drift;
use super::names::{folded, matched};
use crate::plan::same_name;
use vouch_report::Code;
use vouch_server::Partitioning;

/// Partitions that are named in one message; a table may have thousands.
const NAMED: usize = 5;

impl Drift<'_> {
    pub(super) fn partitions(&mut self, ours: Option<&Partitioning>, theirs: Option<&Partitioning>) {
        let scheme = |side: Option<&Partitioning>| {
            side.map_or_else(|| "not partitioned".to_owned(), |side| format!("partitioned by {}", side.scheme))
        };
        if folded(&scheme(ours)) != folded(&scheme(theirs)) {
            return self.differs(Code::PartitioningDiffers, "the table", &scheme(ours), &scheme(theirs));
        }
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
        // Each server adds partitions of history for itself, as rows are changed on it.
        if ours.scheme.starts_with("system_time") && ours.scheme.contains("auto") {
            return;
        }
        let differing = differing(ours, theirs);
        if differing.is_empty() {
            return self.order(ours, theirs);
        }
        let more = differing.len().saturating_sub(NAMED);
        let listed = differing.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        self.add(Code::PartitioningDiffers, format!("{listed}{tail}"), Vec::new());
    }

    fn order(&mut self, ours: &Partitioning, theirs: &Partitioning) {
        let names =
            |side: &Partitioning| side.partitions.iter().map(|(name, _)| name.to_lowercase()).collect::<Vec<_>>();
        let (ours, theirs) = (names(ours), names(theirs));
        if ours != theirs {
            let list = |names: Vec<String>| names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            self.differs(Code::PartitioningDiffers, "the order of partitions", &list(ours), &list(theirs));
        }
    }
}

/// Each partition that is not the same on both sides, in words.
fn differing(ours: &Partitioning, theirs: &Partitioning) -> Vec<String> {
    let clause = |clause: &str| if clause.is_empty() { "there".to_owned() } else { clause.to_owned() };
    // A partition is dropped by its name, so another name for the same rows is another partition.
    let same = |a: &(String, String), b: &(String, String)| same_name(&a.0, &b.0) && a.1 == b.1;
    let matched = matched(&ours.partitions, &theirs.partitions, |partition| partition.0.as_str(), same);
    let mut list: Vec<String> = Vec::new();
    for ((name, ours), (_, theirs)) in &matched.changed {
        list.push(format!("partition {name} is {ours} on the source and {theirs} on the replica"));
    }
    for (name, ours) in &matched.source_only {
        list.push(format!("partition {name} is {} on the source and missing on the replica", clause(ours)));
    }
    for (name, theirs) in &matched.replica_only {
        list.push(format!("partition {name} is missing on the source and {} on the replica", clause(theirs)));
    }
    list
}
