//! What a run said, without what differs from run to run: [`said`].

use super::case::Roles;
use crate::harness::Outcome;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Findings that are listed; a damaged page 0 may be told in many words.
const LISTED: usize = 6;

/// What a decoder makes of damage, which depends on all that is compressed: both are told by the first.
const UNDECODED: [&str; 2] = ["the compressed data is damaged", "it decompresses to another length"];

/// What is told of the moment and not of the damage.
const TIMELY: [&str; 4] = ["raw-state", "file-open", "file-unwritten", "zero-unproven"];

/// Holds text against the snapshot of that name.
pub fn keep(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Holds all that a run said of a damage of a log against the snapshot of that name.
pub fn keep_said(name: &str, outcome: &Outcome) {
    let said = said(outcome, &Roles::default(), Path::new("/"));
    // Whether recovery needs the place is a matter of when the server made a checkpoint.
    let lines = said.lines().map(|line| line.split("; recovery").next().unwrap_or(line));
    keep(name, &format!("exit code {}{}", outcome.code, lines.collect::<Vec<_>>().join("\n")));
}

/// A line for each finding, error and notice, with pages told by what they are and all other numbers left out.
pub fn said(outcome: &Outcome, roles: &Roles, folder: &Path) -> String {
    let mut lines = String::new();
    let findings = outcome.findings();
    for finding in findings.iter().take(LISTED) {
        write!(lines, "\n    {}: {}", place(finding, roles), masked(text(finding), roles, folder)).unwrap();
    }
    if findings.len() > LISTED {
        write!(lines, "\n    and more").unwrap();
    }
    for (kind, list) in [("error", outcome.errors()), ("notice", outcome.notices())] {
        for entry in list.iter().filter(|entry| !TIMELY.contains(&entry["code"].as_str().unwrap())) {
            let code = entry["code"].as_str().unwrap();
            write!(lines, "\n    {kind} {code}: {}", masked(text(entry), roles, folder)).unwrap();
        }
    }
    lines
}

fn text(entry: &Value) -> &str {
    entry["message"].as_str().unwrap()
}

/// The code, and of what table, page and index.
fn place(finding: &Value, roles: &Roles) -> String {
    let mut place = finding["code"].as_str().unwrap().to_owned();
    if let Some(table) = finding["table"].as_str() {
        write!(place, ", {table}").unwrap();
    }
    let page = |name: &str| finding["file"][name].as_u64().map(|page| usize::try_from(page).unwrap());
    if let (Some(first), last) = (page("first_page"), page("last_page")) {
        write!(place, ", page {}", roles.name(first)).unwrap();
        if let Some(last) = last.filter(|last| *last != first) {
            write!(place, " to {}", roles.name(last)).unwrap();
        }
    }
    if let Some(index) = finding["file"]["index"].as_str() {
        write!(place, ", {}", masked(index, roles, Path::new("/"))).unwrap();
    }
    place
}

/// The words with roles for pages, and `N` for every other number. Whether there is a good copy is a matter of when
/// the server wrote the page last.
fn masked(text: &str, roles: &Roles, folder: &Path) -> String {
    let text = text.split("; a good copy").next().unwrap_or(text);
    let folder = format!("{}/", folder.display());
    let text = if folder.len() > 2 { text.replace(&folder, "") } else { text.to_owned() };
    let text = text.replace(UNDECODED[1], UNDECODED[0]);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(word.max(first.len_utf8()));
        let number: Option<usize> = token.parse().ok();
        match number {
            Some(page) if out.ends_with("page ") => out.push_str(roles.name(page)),
            _ if is_number(token) => out.push('N'),
            _ => out.push_str(token),
        }
        rest = behind;
    }
    out
}

/// Decimal, or hexadecimal as checksums and halves of an LSN are.
fn is_number(token: &str) -> bool {
    let hex = token.strip_prefix("0x").unwrap_or(token);
    let all = |digits: &str| digits.chars().all(|c| c.is_ascii_hexdigit());
    token.starts_with(|c: char| c.is_ascii_digit()) && all(hex) || token.len() == 8 && all(token)
}
