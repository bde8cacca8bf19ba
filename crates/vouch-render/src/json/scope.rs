//! What was owed and how it was settled, as JSON: [`ScopeJson`].

use serde::Serialize;
use vouch_report::{Item, Outcome, Scope, ScopeCounts};

/// Counts over all items, and each item that was not verified, by name.
#[derive(Serialize)]
pub(super) struct ScopeJson<'a> {
    owed: u64,
    verified: u64,
    differing: u64,
    unproven: u64,
    excluded_by_option: u64,
    excluded_by_default: u64,
    /// Every item that was not positively verified; never cut.
    not_verified: Vec<ItemJson<'a>>,
}

#[derive(Serialize)]
struct ItemJson<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl<'a> ScopeJson<'a> {
    pub(super) fn of(scope: &'a Scope) -> Self {
        let ScopeCounts { owed, verified, differing, unproven, excluded_by_option, excluded_by_default } =
            scope.counts();
        let not_verified = scope.items().filter_map(|(item, outcome)| ItemJson::of(item, outcome)).collect();
        ScopeJson { owed, verified, differing, unproven, excluded_by_option, excluded_by_default, not_verified }
    }
}

impl<'a> ItemJson<'a> {
    /// `None` for an item that was verified: the coverage has it.
    fn of(item: &'a Item, outcome: &'a Outcome) -> Option<Self> {
        let (by, code) = match outcome {
            Outcome::Verified { .. } => return None,
            Outcome::Differs => (None, None),
            Outcome::Unproven(code) => (None, Some(code.name())),
            Outcome::Excluded { by, code } => (Some(by.name()), Some(code.name())),
        };
        let (kind, outcome) = (item.kind.name(), outcome.name());
        Some(ItemJson { kind, name: &item.name, on: item.on.as_deref(), outcome, by, code })
    }
}
