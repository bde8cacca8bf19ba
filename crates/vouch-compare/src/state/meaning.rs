//! What the stored chunks of a table mean, as text.
//!
//! A chunk that was equal says so about a key, columns, definitions and servers. When any
//! of these is another one later, the chunk says nothing.

use crate::plan::TablePlan;
use std::fmt::Debug;
use vouch_server::{ColumnEntry, IndexEntry, TableDefinition};
use xxhash_rust::xxh3::xxh3_128;

/// The meaning of a table's chunks: a line for each part of it, as `part: digest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning(String);

impl Meaning {
    /// The meaning by a plan; `servers` names and identifies the source and each replica, in
    /// the order of the plan.
    pub fn of(plan: &TablePlan, source: &str, replicas: &[String]) -> Self {
        let mut meaning = Meaning(String::new());
        // Descriptions hold the columns of the key, their kinds, their direction and the index.
        meaning.add("its key", &(&plan.key, &plan.reading));
        meaning.add("the regions to compare", &plan.regions);
        meaning.add("the source", &source);
        meaning.add("its definition on the source", &shape(&plan.definition));
        for ((name, reading), definition) in replicas.iter().zip(&plan.replicas).zip(&plan.replica_definitions) {
            meaning.add(&format!("the replica {name}"), &reading);
            meaning.add(&format!("its definition on {name}"), &definition.as_ref().map(shape));
        }
        meaning
    }

    /// The same, as it is stored.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// What is another one than in `stored`, in words; `None` when nothing is.
    pub fn difference(&self, stored: &str) -> Option<String> {
        if self.0 == stored {
            return None;
        }
        let changed = self.0.lines().find(|line| stored.lines().all(|other| other != *line));
        // Where every line of ours is among the stored ones, one of theirs is gone.
        let part = changed.and_then(|line| line.rsplit_once(": ")).map_or("the set of replicas", |(part, _)| part);
        Some(format!("{part} changed since the run began"))
    }

    fn add(&mut self, part: &str, value: &dyn Debug) {
        let digest = xxh3_128(format!("{value:?}").as_bytes());
        self.0.push_str(&format!("{}: {digest:032x}\n", part.replace('\n', " ")));
    }
}

/// What decides how rows of a table are read and understood: no names of constraints, and
/// nothing that servers estimate.
fn shape(definition: &TableDefinition) -> (&[ColumnEntry], Vec<IndexEntry>) {
    let indexes = definition.indexes.iter().map(|index| IndexEntry { cardinality: 0, ..index.clone() });
    (&definition.columns, indexes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(lines: &[(&str, u32)]) -> Meaning {
        let mut meaning = Meaning(String::new());
        lines.iter().for_each(|(part, value)| meaning.add(part, value));
        meaning
    }

    #[test]
    fn a_difference_names_its_part() {
        let stored = meaning(&[("its key", 1), ("the replica a:1", 2), ("the replica b:1", 3)]);
        let difference = |lines| meaning(lines).difference(stored.as_text());
        assert_eq!(difference(&[("its key", 1), ("the replica a:1", 2), ("the replica b:1", 3)]), None);
        let other_key = difference(&[("its key", 9), ("the replica a:1", 2), ("the replica b:1", 3)]);
        assert_eq!(other_key.as_deref(), Some("its key changed since the run began"));
        let one_less = difference(&[("its key", 1), ("the replica a:1", 2)]);
        assert_eq!(one_less.as_deref(), Some("the set of replicas changed since the run began"));
    }
}
