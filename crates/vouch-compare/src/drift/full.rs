//! The whole definitions of a table: what each part compares, within what both servers can express.

use super::{Drift, Pair};
use crate::plan::same_name;
use vouch_report::Code;
use vouch_server::{ColumnDetail, FullDefinition, Language};

/// What both servers can express.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    /// One flavor: expressions and options are printed by one grammar.
    pub expressions: bool,
    /// Both know descending key parts.
    pub descending: bool,
    /// Both know hidden indexes.
    pub hidden_indexes: bool,
    /// Both know CHECK constraints.
    pub checks: bool,
}

impl Common {
    fn of(ours: Language, theirs: Language) -> Self {
        Common {
            expressions: ours.flavor == theirs.flavor,
            descending: ours.descending && theirs.descending,
            hidden_indexes: ours.hidden_indexes && theirs.hidden_indexes,
            checks: ours.checks && theirs.checks,
        }
    }
}

/// Compares all but what [`super::Drift::columns`] and [`super::Drift::storage`] do.
pub fn compare(drift: &mut Drift<'_>, ours: &FullDefinition, theirs: &FullDefinition, pair: &Pair<'_>) {
    let common = Common::of(ours.language, theirs.language);
    let columns = common_columns(ours, theirs, pair);
    for (our, their) in &columns {
        drift.attributes(our, their, common);
    }
    order(drift, &columns, theirs);
    drift.keys(ours, theirs, common);
    drift.foreign_keys(ours, theirs, pair.names);
    if common.checks {
        drift.checks(ours, theirs, common);
    }
    drift.partitions(ours.partitioning.as_ref(), theirs.partitioning.as_ref());
    versioning(drift, ours, theirs);
    if common.expressions {
        options(drift, ours, theirs);
    }
    let collation = |side: &super::Side| side.entry.collation.replace("utf8mb3_", "utf8_");
    let (source, replica) = (collation(pair.source), collation(pair.other));
    if source != replica {
        drift.differs(Code::TableOptionDiffers, "the default collation", &source, &replica);
    }
}

/// The columns that both sides have and that take part, in the source's order.
fn common_columns<'a>(
    ours: &'a FullDefinition,
    theirs: &'a FullDefinition,
    pair: &Pair<'_>,
) -> Vec<(&'a ColumnDetail, &'a ColumnDetail)> {
    let wanted = ours.columns.iter().filter(|column| !(pair.ignored)(&column.name));
    wanted
        .filter_map(|our| Some((our, theirs.columns.iter().find(|their| same_name(&their.name, &our.name))?)))
        .collect()
}

/// Names that are listed in a message.
const LISTED: usize = 12;

fn order(drift: &mut Drift<'_>, columns: &[(&ColumnDetail, &ColumnDetail)], theirs: &FullDefinition) {
    let ours: Vec<&str> = columns.iter().map(|(_, their)| their.name.as_str()).collect();
    let order = theirs.columns.iter().map(|column| column.name.as_str());
    let theirs: Vec<&str> = order.filter(|name| ours.contains(name)).collect();
    let Some(first) = ours.iter().zip(&theirs).position(|(our, their)| our != their) else { return };
    let list = |names: &[&str]| {
        let from = names.get(first..).unwrap_or_default();
        let more = if from.len() > LISTED { ", …" } else { "" };
        format!("{}{more}", from.iter().take(LISTED).copied().collect::<Vec<_>>().join(", "))
    };
    let message = format!(
        "from column {} of both on, the order is {} on the source and {} on the replica",
        first.saturating_add(1),
        list(&ours),
        list(&theirs)
    );
    drift.add(Code::ColumnOrderDiffers, message, Vec::new());
}

fn versioning(drift: &mut Drift<'_>, ours: &FullDefinition, theirs: &FullDefinition) {
    let words = |versioned: bool| if versioned { "kept" } else { "not kept" };
    if ours.versioned != theirs.versioned {
        drift.differs(Code::VersioningDiffers, "the history of rows", words(ours.versioned), words(theirs.versioned));
    }
    let list = |periods: &[String]| if periods.is_empty() { "none".to_owned() } else { periods.join("; ") };
    if ours.periods != theirs.periods {
        drift.differs(Code::VersioningDiffers, "the PERIOD", &list(&ours.periods), &list(&theirs.periods));
    }
}

/// Compared by the listing of tables, which has them even where they are not printed.
const LISTED_ELSEWHERE: [&str; 3] = ["charset", "collate", "character"];

fn options(drift: &mut Drift<'_>, ours: &FullDefinition, theirs: &FullDefinition) {
    let value = |definition: &FullDefinition, name: &str| definition.options.get(name).cloned();
    let mut names: Vec<&String> = ours.options.keys().chain(theirs.options.keys()).collect();
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| !LISTED_ELSEWHERE.contains(&name.as_str())) {
        let (source, replica) = (value(ours, name), value(theirs, name));
        if source != replica {
            let words = |value: Option<String>| value.unwrap_or_else(|| "not set".to_owned());
            drift.differs(Code::TableOptionDiffers, &format!("the option {name}"), &words(source), &words(replica));
        }
    }
}
