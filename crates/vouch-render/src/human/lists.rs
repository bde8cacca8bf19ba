//! What could not be looked at, what to know, and what was left out.
//!
//! Main functions: [`errors`], [`notices`], [`skips`], each empty when there is nothing.

use super::Canvas;
use crate::groups::by_reason;
use crate::style::Tone;
use crate::text::{clip, counted, grouped, listed, wrap};
use crate::words;
use vouch_convert::widen;
use vouch_report::{Failure, Summary};

/// Errors and notices that are written out.
const SHOWN: usize = 30;
/// Objects that are named for each reason to skip.
const SKIPS_NAMED: usize = 4;

/// Each failure with its cause and a hint.
pub(super) fn errors(summary: &Summary, canvas: Canvas) -> String {
    if summary.errors.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", canvas.paint.paint(Tone::Strong, "errors: what could not be looked at"));
    for failure in summary.errors.iter().take(SHOWN) {
        out.push_str(&error(failure, canvas));
    }
    out + &rest(summary.errors.len())
}

fn error(failure: &Failure, canvas: Canvas) -> String {
    let location = &failure.location;
    let mut place = words::place_of(location);
    if !location.key.is_empty() {
        place = format!("{place}  {}", words::key(&location.key));
    }
    let name = canvas.paint.paint(Tone::Warn, failure.code.name());
    let cause = wrap(&words::message(&failure.message), canvas.prose(), "   ");
    let hint = wrap(&format!("hint: {}", words::message(words::hint(failure))), canvas.prose(), "   ");
    format!("{}\n{cause}{hint}", format!(" {name}  {place}").trim_end())
}

/// Each notice on its own lines, with the server that it is about.
pub(super) fn notices(summary: &Summary, canvas: Canvas) -> String {
    if summary.notices.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", canvas.paint.paint(Tone::Strong, "notices"));
    for notice in summary.notices.iter().take(SHOWN) {
        let server = notice.server.as_deref().map(|server| format!("{}: ", clip(server, 80))).unwrap_or_default();
        let text = format!("{}  {server}{}", notice.code.name(), words::message(&notice.message));
        let wrapped = wrap(&text, canvas.prose(), "   ");
        out.push_str(&format!(" {}", wrapped.trim_start()));
    }
    out + &rest(summary.notices.len())
}

/// Skips by their code, counted, with a few names.
pub(super) fn skips(summary: &Summary, canvas: Canvas) -> String {
    if summary.skips.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", canvas.paint.paint(Tone::Strong, "skips: what was left out on purpose"));
    let groups = by_reason(&summary.skips);
    for group in groups.iter().take(SHOWN) {
        let names: Vec<String> = group.skips.iter().take(SKIPS_NAMED).map(|skip| clip(&skip.what, 80)).collect();
        let named = listed(&names, group.skips.len());
        let count = counted(widen(group.skips.len()), "object", "objects");
        let text = format!("{}  {count}, {}: {named}", group.code.name(), words::message(group.reason));
        let wrapped = wrap(&text, canvas.prose(), "   ");
        out.push_str(&format!(" {}", wrapped.trim_start()));
    }
    out + &rest(groups.len())
}

fn rest(count: usize) -> String {
    match count.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" … and {} more, see --format json or --report\n", grouped(widen(more))),
    }
}
