//! Manifests by themselves: how two differ, and what is wrong with one.

use super::table::{Column, draw};
use super::{Canvas, HumanStyle};
use crate::style::{Paint, Tone};
use crate::text::{clip, counted, grouped};
use crate::time::stamp;
use comfy_table::{Cell, Color};
use vouch_convert::widen;
use vouch_report::{Aspect, Change, ChangeKind, ManifestDiff, ManifestLint, ManifestSide, RemarkLevel};

/// Most changes that are listed.
const CHANGES_SHOWN: usize = 200;
/// A value is cut to this many characters.
const VALUE_CHARS: usize = 24;

/// What changed from one manifest to another, ending with a newline.
pub fn manifest_diff(diff: &ManifestDiff, style: &HumanStyle) -> String {
    let paint = Paint { colour: style.colour };
    let canvas = Canvas { paint, width: style.width.max(40) };
    let mut out = format!("before  {}\nafter   {}\n", side(&diff.before), side(&diff.after));
    if diff.changes.is_empty() {
        return out + "\n" + &paint.paint(Tone::Good, "EQUAL") + "\n  Both say the same about data and backup.\n";
    }
    let columns = ["", "part", "name", "what changed"]
        .map(|name| Column { name, wraps: matches!(name, "name" | "what changed") });
    let shown = diff.changes.get(..CHANGES_SHOWN).unwrap_or(&diff.changes);
    out.push('\n');
    out.push_str(&draw(&columns, shown.iter().map(row), canvas));
    if let Some(more @ 1..) = diff.changes.len().checked_sub(CHANGES_SHOWN) {
        let line = format!(" … and {} more, see --format json", grouped(widen(more)));
        out.push_str(&(paint.paint(Tone::Dim, &line) + "\n"));
    }
    let of = |kind| diff.changes.iter().filter(|change| change.kind == kind).count();
    out.push_str(&format!(
        "\n{}\n  {} added, {} removed, {} changed.\n",
        paint.paint(Tone::Bad, "DIFFERENT"),
        of(ChangeKind::Added),
        of(ChangeKind::Removed),
        of(ChangeKind::Changed)
    ));
    out
}

fn side(side: &ManifestSide) -> String {
    let signed =
        side.signed_by.as_ref().map_or_else(|| "unsigned".to_owned(), |key| format!("signed by {}", clip(key, 60)));
    let about = match side.cluster.as_str() {
        "" => "flat map".to_owned(),
        cluster => format!("{}, serial {}, made at {}", clip(cluster, 60), side.serial, stamp(side.created_ms)),
    };
    format!("{about}, {}, {signed}", counted(side.tables, "table", "tables"))
}

fn row(change: &Change) -> Vec<Cell> {
    let (mark, colour) = match change.kind {
        ChangeKind::Added => ("+", Color::Green),
        ChangeKind::Removed => ("-", Color::Red),
        ChangeKind::Changed => ("~", Color::Yellow),
    };
    let what: Vec<String> = change.aspects.iter().map(aspect).collect();
    let what = if what.is_empty() { change.kind.name().to_owned() } else { what.join(", ") };
    vec![
        Cell::new(mark).fg(colour),
        Cell::new(clip(&change.part, 20)),
        Cell::new(clip(&change.name, 80)),
        Cell::new(what),
    ]
}

/// `rows 10 → 12`; of digests only the name, for nobody compares them by eye.
fn aspect(aspect: &Aspect) -> String {
    if matches!(aspect.what, "digest" | "definition") && !aspect.before.is_empty() && !aspect.after.is_empty() {
        return aspect.what.to_owned();
    }
    let value = |text: &str| if text.is_empty() { "nothing".to_owned() } else { clip(text, VALUE_CHARS) };
    format!("{} {} → {}", aspect.what, value(&aspect.before), value(&aspect.after))
}

/// What is wrong with the manifest in `file`, a line for each remark as compilers write them, ending with a newline.
pub fn manifest_lint(file: &str, lint: &ManifestLint, style: &HumanStyle) -> String {
    let paint = Paint { colour: style.colour };
    let file = clip(file, 200);
    let mut out = String::new();
    for remark in &lint.remarks {
        let tone = if remark.level == RemarkLevel::Error { Tone::Bad } else { Tone::Warn };
        let place =
            if remark.pointer.is_empty() { String::new() } else { format!(" ({})", clip(&remark.pointer, 120)) };
        out.push_str(&format!(
            "{file}:{}:{}: {}: {}{} [{}]\n",
            remark.line,
            remark.column,
            paint.paint(tone, remark.level.name()),
            clip(&remark.message, 400),
            paint.paint(Tone::Dim, &place),
            remark.code
        ));
    }
    let (errors, advice) = (widen(lint.count(RemarkLevel::Error)), widen(lint.count(RemarkLevel::Advice)));
    let form = match lint.form {
        "v1" => "manifest of version 1",
        "flat" => "flat map",
        _ => "no JSON",
    };
    out.push_str(&format!(
        "{file}: {form}, {}, {}\n",
        counted(errors, "error", "errors"),
        counted(advice, "piece of advice", "pieces of advice")
    ));
    out
}
