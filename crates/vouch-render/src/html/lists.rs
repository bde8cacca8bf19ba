//! What could not be looked at, what to know, and what was left out.

use super::matrix::more;
use super::{Section, text};
use crate::groups::by_reason;
use crate::text::{clip, counted, listed};
use crate::words;
use maud::{Markup, html};
use vouch_convert::widen;
use vouch_report::{Failure, Summary};

/// Errors, notices and reasons that are written out.
const SHOWN: usize = 500;
/// Objects that are named for each reason to skip.
const NAMED: usize = 50;

pub(super) fn errors(summary: &Summary) -> Option<Section> {
    let errors = &summary.errors;
    let body = html! {
        p class="muted" { "Failures to look. They are no findings, and what they touch is not proven." }
        ul class="items" { @for failure in errors.iter().take(SHOWN) { (error(failure)) } }
        (more(errors.len(), SHOWN, "errors"))
    };
    let section =
        Section { id: "errors", title: "Could not be looked at", short: "Errors", count: Some(errors.len()), body };
    (!errors.is_empty()).then_some(section)
}

fn error(failure: &Failure) -> Markup {
    let location = &failure.location;
    html! {
        li class="warn" {
            p {
                span class="pill" { (failure.code.name()) } " "
                strong { (words::place_of(location)) }
                @if !location.key.is_empty() { " " code { (words::key(&location.key)) } }
            }
            p { (words::message(&failure.message)) }
            p class="muted" { "Hint: " (words::message(words::hint(failure))) }
        }
    }
}

pub(super) fn notices(summary: &Summary) -> Option<Section> {
    let notices = &summary.notices;
    let body = html! {
        ul class="items" {
            @for notice in notices.iter().take(SHOWN) {
                li class="none" {
                    p {
                        span class="pill" { (notice.code.name()) } " "
                        @if let Some(server) = &notice.server { strong { (text(server)) } }
                    }
                    p { (words::message(&notice.message)) }
                    p class="muted" { (notice.code.explanation().action) }
                }
            }
        }
        (more(notices.len(), SHOWN, "notices"))
    };
    let section = Section { id: "notices", title: "Good to know", short: "Notices", count: Some(notices.len()), body };
    (!notices.is_empty()).then_some(section)
}

pub(super) fn skips(summary: &Summary) -> Option<Section> {
    let groups = by_reason(&summary.skips);
    let body = html! {
        div class="scroll" {
            table {
                thead { tr { th scope="col" { "code" } th scope="col" { "reason" } th scope="col" { "left out" } } }
                tbody {
                    @for group in groups.iter().take(SHOWN) {
                        tr {
                            td { span class="pill none" { (group.code.name()) } }
                            td { (words::message(group.reason)) }
                            td {
                                (counted(widen(group.skips.len()), "object", "objects")) ": "
                                span class="muted" {
                                    (listed(&group.skips.iter().take(NAMED).map(|skip| clip(&skip.what, 120)).collect::<Vec<_>>(), group.skips.len()))
                                }
                            }
                        }
                    }
                }
            }
        }
        (more(groups.len(), SHOWN, "reasons"))
    };
    let section =
        Section { id: "skips", title: "Left out on purpose", short: "Skips", count: Some(summary.skips.len()), body };
    (!summary.skips.is_empty()).then_some(section)
}
