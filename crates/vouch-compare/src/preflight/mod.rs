//! Preflight: what has to be known about the servers before anything is read.
//! One check a file, run all, report all. A check is a pure rule over facts.

mod cluster;
mod commit_order;
mod delayed;
mod facts;
mod filters;
mod hidden;
mod log_updates;
mod multi_source;
mod read_only;
mod relation;
mod settings;
mod stopped;
mod versions;

pub use facts::{Facts, gather};
pub use hidden::{HiddenTables, report as report_hidden};
pub use relation::{Relation, relation};

use vouch_report::Code;

/// What a check has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The code.
    pub code: Code,
    /// One sentence.
    pub message: String,
}

impl Remark {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Remark { code, message: message.into() }
    }
}

/// A check of one replica against its source.
type Check = fn(&Facts, &Facts) -> Option<Remark>;

const CHECKS: &[Check] = &[
    cluster::check,
    commit_order::check,
    delayed::check,
    filters::check,
    log_updates::check,
    multi_source::check,
    read_only::check,
    settings::check,
    stopped::check,
    versions::check,
];

/// Runs every check of a replica.
pub fn remarks(source: &Facts, replica: &Facts) -> Vec<Remark> {
    CHECKS.iter().filter_map(|check| check(source, replica)).collect()
}
