//! Report files: the result as a page or a document.

use crate::cli::value::{ReportFile, ReportKind};
use crate::complaint::{Complaint, cause};
use std::fs;
use vouch_report::Summary;

/// Writes every report that was asked for, and tries all before it complains.
///
/// # Errors
/// The first that could not be written.
pub fn write(reports: &[ReportFile], summary: &Summary) -> Result<(), Complaint> {
    let written: Vec<_> = reports.iter().map(|report| write_one(report, summary)).collect();
    written.into_iter().collect()
}

fn write_one(report: &ReportFile, summary: &Summary) -> Result<(), Complaint> {
    let text = match report.kind {
        ReportKind::Html => vouch_render::html::page(summary),
        ReportKind::Json => vouch_render::json::document(summary),
        ReportKind::Junit => vouch_render::junit::suites(summary),
    };
    fs::write(&report.path, text).map_err(|error| {
        Complaint::incomplete(format!("the report {} could not be written: {}", report.path.display(), cause(&error)))
            .hint("look for a full disk or a missing permission")
    })
}
