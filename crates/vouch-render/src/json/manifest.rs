//! Manifests by themselves as JSON: how two differ, and what is wrong with one.

use super::{SCHEMA, filled, shown_safely, time};
use serde::Serialize;
use vouch_report::{Change, ManifestDiff, ManifestLint, ManifestSide, RemarkLevel};

#[derive(Serialize)]
struct DiffJson<'a> {
    schema: u32,
    equal: bool,
    before: SideJson<'a>,
    after: SideJson<'a>,
    changes: Vec<ChangeJson<'a>>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    id: &'a str,
    sha256: &'a str,
    signed_by: Option<&'a str>,
    cluster: Option<&'a str>,
    serial: u64,
    created_at: Option<String>,
    tables: u64,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    kind: &'static str,
    part: &'a str,
    name: &'a str,
    aspects: Vec<AspectJson<'a>>,
}

#[derive(Serialize)]
struct AspectJson<'a> {
    what: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> SideJson<'a> {
    fn of(side: &'a ManifestSide) -> Self {
        SideJson {
            id: &side.id,
            sha256: &side.sha256,
            signed_by: side.signed_by.as_deref(),
            cluster: filled(&side.cluster),
            serial: side.serial,
            created_at: time(side.created_ms),
            tables: side.tables,
        }
    }
}

impl<'a> ChangeJson<'a> {
    fn of(change: &'a Change) -> Self {
        let aspects = change.aspects.iter();
        ChangeJson {
            kind: change.kind.name(),
            part: &change.part,
            name: &change.name,
            aspects: aspects.map(|one| AspectJson { what: one.what, before: &one.before, after: &one.after }).collect(),
        }
    }
}

/// What changed from one manifest to another, indented, ending with a newline.
pub fn manifest_diff(diff: &ManifestDiff) -> String {
    let document = DiffJson {
        schema: SCHEMA,
        equal: diff.changes.is_empty(),
        before: SideJson::of(&diff.before),
        after: SideJson::of(&diff.after),
        changes: diff.changes.iter().map(ChangeJson::of).collect(),
    };
    shown_safely(serde_json::to_string_pretty(&document)) + "\n"
}

#[derive(Serialize)]
struct LintJson<'a> {
    schema: u32,
    form: Option<&'a str>,
    errors: usize,
    advice: usize,
    remarks: Vec<RemarkJson<'a>>,
}

#[derive(Serialize)]
struct RemarkJson<'a> {
    level: &'static str,
    code: &'static str,
    pointer: &'a str,
    line: u64,
    column: u64,
    message: &'a str,
}

/// What is wrong with a manifest, indented, ending with a newline.
pub fn manifest_lint(lint: &ManifestLint) -> String {
    let remarks = lint.remarks.iter().map(|remark| RemarkJson {
        level: remark.level.name(),
        code: remark.code,
        pointer: &remark.pointer,
        line: remark.line,
        column: remark.column,
        message: &remark.message,
    });
    let document = LintJson {
        schema: SCHEMA,
        form: filled(lint.form),
        errors: lint.count(RemarkLevel::Error),
        advice: lint.count(RemarkLevel::Advice),
        remarks: remarks.collect(),
    };
    shown_safely(serde_json::to_string_pretty(&document)) + "\n"
}
