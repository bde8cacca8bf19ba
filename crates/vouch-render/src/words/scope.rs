//! The sentences about what was owed.
//!
//! Invariant: what the tool itself left out is counted in the headline, never only in a list.

use crate::text::{counted, grouped};
use std::collections::BTreeMap;
use vouch_report::{ExcludedBy, ItemKind, Outcome, ScopeCounts, Summary};

/// `14 items owed: 12 verified, 1 differs, 1 unproven.`; `None` where no account was kept.
pub(crate) fn sentence(summary: &Summary) -> Option<String> {
    let ScopeCounts { owed, verified, differing, unproven, excluded_by_option, excluded_by_default } =
        summary.scope.counts();
    let named = [
        (verified, "verified"),
        (differing, "with differences"),
        (unproven, "unproven"),
        (excluded_by_option, "left out by option"),
        (excluded_by_default, "left out by default"),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{} {name}", grouped(*count)))
        .collect();
    (owed > 0).then(|| format!("Scope: {}: {}.", counted(owed, "item", "items"), parts.join(", ")))
}

/// ` 2 files were not verified: file-kind.`, with its leading space; empty where the tool left nothing out.
pub(crate) fn left_out_by_default(summary: &Summary) -> String {
    let mut groups: BTreeMap<(ItemKind, &str), u64> = BTreeMap::new();
    for (item, outcome) in summary.scope.items() {
        if let Outcome::Excluded { by: ExcludedBy::Default | ExcludedBy::Kind, code } = outcome {
            *groups.entry((item.kind, code.name())).or_default() += 1;
        }
    }
    let sentence = |((kind, code), count): (&(ItemKind, &str), &u64)| {
        let (one, many) = nouns(*kind);
        let verb = if *count == 1 { "was" } else { "were" };
        format!(" {} {verb} not verified ({code}).", counted(*count, one, many))
    };
    groups.iter().map(sentence).collect()
}

fn nouns(kind: ItemKind) -> (&'static str, &'static str) {
    match kind {
        ItemKind::Run => ("run", "runs"),
        ItemKind::Listing => ("listing", "listings"),
        ItemKind::Table => ("table", "tables"),
        ItemKind::Definition => ("definition", "definitions"),
        ItemKind::Object => ("object", "objects"),
        ItemKind::History => ("transaction history", "transaction histories"),
        ItemKind::Position => ("position", "positions"),
        ItemKind::File => ("file", "files"),
        ItemKind::Log => ("log", "logs"),
        ItemKind::Directory => ("directory", "directories"),
        ItemKind::Node => ("node", "nodes"),
        ItemKind::Step => ("step", "steps"),
    }
}
