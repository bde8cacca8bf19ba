//! Indexes in full: kind, parts, prefixes, direction, visibility.

use super::Drift;
use super::full::Common;
use super::names::{folded, matched};
use crate::plan::same_name;
use vouch_report::Code;
use vouch_server::{FullDefinition, IndexDetail, KeyPartDetail};

/// An index as both servers can express it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    detail: IndexDetail,
    /// A server created it for a foreign key, and chose its name.
    for_foreign_key: bool,
}

fn indexes(definition: &FullDefinition, common: Common) -> Vec<Index> {
    let index = |index: &IndexDetail| {
        let mut detail = index.clone();
        detail.hidden &= common.hidden_indexes;
        for part in &mut detail.parts {
            part.descending &= common.descending;
            if !common.expressions && part.of.starts_with('(') {
                part.of = "(an expression)".to_owned();
            } else {
                // Names of columns that differ by case alone are one column.
                part.of = if part.of.starts_with('(') { folded(&part.of) } else { part.of.to_lowercase() };
            }
        }
        if !common.expressions {
            detail.attributes.clear();
        }
        Index { for_foreign_key: is_for_foreign_key(definition, index), detail }
    };
    definition.indexes.iter().map(index).collect()
}

/// Whether the name is one that a server gives to the index of a foreign key: that of the constraint, or of its
/// first column.
fn is_for_foreign_key(definition: &FullDefinition, index: &IndexDetail) -> bool {
    definition.foreign_keys.iter().any(|key| {
        let named =
            same_name(&index.name, &key.name) || key.columns.first().is_some_and(|first| same_name(&index.name, first));
        let same = |(part, column): (&KeyPartDetail, &String)| same_name(&part.of, column);
        named && index.parts.len() == key.columns.len() && index.parts.iter().zip(&key.columns).all(same)
    })
}

fn part_words(part: &KeyPartDetail) -> String {
    let length = part.length.map(|length| format!("({length})")).unwrap_or_default();
    let down = if part.descending { " DESC" } else { "" };
    let more: String = part.attributes.iter().map(|text| format!(" {text}")).collect();
    format!("{}{length}{down}{more}", part.of)
}

fn words(index: &IndexDetail) -> String {
    let parts: Vec<String> = index.parts.iter().map(part_words).collect();
    let hidden = if index.hidden { " INVISIBLE" } else { "" };
    let more: String = index.attributes.iter().map(|text| format!(" {text}")).collect();
    format!("{} ({}){hidden}{more}", index.kind.name(), parts.join(", "))
}

/// What decides which rows a unique key accepts; `None` for other indexes.
fn constraint(index: &IndexDetail) -> Option<Vec<String>> {
    let part = |part: &KeyPartDetail| part_words(&KeyPartDetail { descending: false, ..part.clone() });
    let mut parts: Vec<String> = index.parts.iter().map(part).collect();
    // Which column comes first is a matter of speed.
    parts.sort();
    index.kind.is_unique().then_some(parts)
}

fn code(ours: Option<&IndexDetail>, theirs: Option<&IndexDetail>) -> Code {
    let same = ours.and_then(constraint) == theirs.and_then(constraint);
    if same { Code::IndexDiffers } else { Code::UniqueKeyDiffers }
}

impl Drift<'_> {
    pub(super) fn keys(&mut self, ours: &FullDefinition, theirs: &FullDefinition, common: Common) {
        let (ours, theirs) = (indexes(ours, common), indexes(theirs, common));
        let same_meaning = |a: &Index, b: &Index| {
            let unnamed = |index: &Index| IndexDetail { name: String::new(), ..index.detail.clone() };
            unnamed(a) == unnamed(b)
        };
        let matched = matched(&ours, &theirs, |index| index.detail.name.as_str(), same_meaning);
        for (our, their) in &matched.same {
            let known = our.for_foreign_key && their.for_foreign_key;
            if !same_name(&our.detail.name, &their.detail.name) && !known {
                let what = format!("the name of the index {}", words(&our.detail));
                self.differs(Code::ConstraintNameDiffers, &what, &our.detail.name, &their.detail.name);
            }
        }
        for (our, their) in &matched.changed {
            let (our, their) = (&our.detail, &their.detail);
            self.differs(code(Some(our), Some(their)), &format!("index {}", our.name), &words(our), &words(their));
        }
        for our in &matched.source_only {
            let index = &our.detail;
            let message = format!("index {} is {} on the source and missing on the replica", index.name, words(index));
            self.add(code(Some(index), None), message, Vec::new());
        }
        for their in &matched.replica_only {
            let index = &their.detail;
            let message = format!("index {} is missing on the source and {} on the replica", index.name, words(index));
            self.add(code(None, Some(index)), message, Vec::new());
        }
    }
}
