//! The public JSON, version 1: one result document, and one line for each event.
//!
//! Main items: [`document`], [`Jsonl`]. The layout is described by
//! `docs/reference/compare.schema.json` and `events.schema.json`, and tests
//! hold it to them. Domain types are borrowed by the private types here, so
//! that a change of theirs cannot change the JSON by accident.

pub mod alert;
mod coverage;
mod event;
mod evidence;
mod files;
mod finding;
mod gate;
pub mod health;
mod jsonl;
mod manifest;
mod rotation;
mod scope;
mod summary;

pub use evidence::{EVIDENCE_KIND, evidence};
pub use gate::{GateLines, refused};
pub use jsonl::Jsonl;
pub use manifest::{manifest_diff, manifest_lint};
pub use rotation::plan;

use crate::text::is_unsafe;
use serde::Serialize;
use vouch_report::Summary;

/// The version that every document and line bears as `schema`.
pub const SCHEMA: u32 = 1;

/// The result document, indented, ending with a newline.
pub fn document(summary: &Summary) -> String {
    let mut text = shown_safely(serde_json::to_string_pretty(&summary::Document::of(summary)));
    text.push('\n');
    text
}

/// The text of a value in which everything that a terminal would act on is escaped.
///
/// `serde_json` escapes what JSON demands, and leaves DEL, C1 controls and marks
/// of direction as they are. Outside strings none of them occurs, so replacing
/// them everywhere is safe.
fn shown_safely(text: serde_json::Result<String>) -> String {
    // Plain structs of strings and numbers cannot fail to serialise.
    let text = text.unwrap_or_else(|_| String::new());
    if !text.contains(needs_escape) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if needs_escape(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)))
        } else {
            out.push(c)
        }
        out
    })
}

/// True for unsafe characters but the newlines between lines of the document; all are below U+10000.
fn needs_escape(c: char) -> bool {
    c != '\n' && is_unsafe(c)
}

/// A time as RFC 3339; `null` for 0, which stands for never.
fn time(at_ms: u64) -> Option<String> {
    (at_ms > 0).then(|| crate::time::rfc3339(at_ms))
}

/// A value as one line.
fn compact(value: &impl Serialize) -> String {
    shown_safely(serde_json::to_string(value))
}

/// `None` for empty text.
fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
