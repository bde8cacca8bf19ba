//! What a manifest could say and does not, and what is about to make it useless.

use super::Drafts;
use super::place::Pointer;
use super::scan::Node;
use crate::model::Method;
use crate::pattern::matches;
use crate::time::{parse, rfc3339};

/// A clock that is ahead by more than this is not a matter of seconds.
const AHEAD_MS: u64 = 600_000;

/// Advice about a document of version 1.
pub fn document(node: &Node, now_ms: u64, drafts: &mut Drafts) {
    times(node, now_ms, drafts);
    position(node, drafts);
    backup(node, drafts);
    digests(node, drafts);
    tables(node, drafts);
}

fn field(name: &str) -> Pointer {
    Pointer::default().below(name)
}

fn times(node: &Node, now_ms: u64, drafts: &mut Drafts) {
    let time = |name: &str| Some((node.get(name)?.at, node.text(name).and_then(parse)?));
    match time("expires_at") {
        Some((at, expires)) if expires <= now_ms => {
            let message = format!("it expired at {}, and is refused", rfc3339(expires));
            drafts.error("expired", &field("expires_at"), at, message);
        }
        None if node.get("expires_at").is_none() => {
            drafts.advise("no-expiry", &field("expires_at"), node.at, "it holds for ever: see --valid-for");
        }
        _ => {}
    }
    if let Some((at, created)) = time("created_at").filter(|(_, created)| *created > now_ms.saturating_add(AHEAD_MS)) {
        let message = format!("it says that it was made at {}, which is yet to come", rfc3339(created));
        drafts.advise("made-in-the-future", &field("created_at"), at, message);
    }
}

fn position(node: &Node, drafts: &mut Drafts) {
    let (code, at, message) = match node.get("position") {
        None => ("no-position", node.at, "it has no position: a server that moves cannot be held against it"),
        Some(position) if position.text("gtid") == Some("") => (
            "no-gtid",
            position.at,
            "the position has no GTID: servers other than the one it was taken from cannot be waited for",
        ),
        Some(_) => return,
    };
    drafts.advise(code, &field("position"), at, message);
}

fn backup(node: &Node, drafts: &mut Drafts) {
    let (at, message) = match node.get("backup") {
        None => (node.at, "it names no backup: missing and changed files of it will not be found"),
        Some(backup) if backup.list("files").is_empty() => (backup.at, "it names no files of the backup: see --backup"),
        Some(_) => return,
    };
    drafts.advise("no-backup-files", &field("backup"), at, message);
}

fn digests(node: &Node, drafts: &mut Drafts) {
    let weak = [
        (Method::ChecksumTable, "32 bits, and of no use on another series of servers"),
        (Method::RowCount, "rows that were changed are not found"),
    ];
    for (method, why) in weak {
        let uses = |table: &Node| table.get("digest").and_then(|digest| digest.text("method")) == Some(method.name());
        let tables = node.list("tables");
        let Some((first, table)) = tables.iter().enumerate().find(|(_, table)| uses(table)) else { continue };
        let count = tables.iter().filter(|table| uses(table)).count();
        let place = field("tables").below(&first.to_string()).below("digest");
        let message = format!("digests of method {} ({count} in all): {why}", method.name());
        drafts.advise("weak-digest", &place, table.at, message);
        if method == Method::ChecksumTable && node.get("server").is_none() {
            let message = "it does not say where checksum-table was taken: another series of servers cannot be refused";
            drafts.advise("no-server", &field("server"), node.at, message);
        }
    }
}

fn tables(node: &Node, drafts: &mut Drafts) {
    let excludes: Vec<(&str, &str)> =
        node.list("excludes").iter().filter_map(|one| Some((one.text("pattern")?, one.text("reason")?))).collect();
    let mut undefined = None;
    for (index, table) in node.list("tables").iter().enumerate() {
        let place = field("tables").below(&index.to_string());
        let (Some(schema), Some(name)) = (table.text("schema"), table.text("name")) else { continue };
        let label = format!("{schema}.{name}");
        let explained = || excludes.iter().any(|(pattern, reason)| !reason.is_empty() && matches(pattern, &label));
        let defined = table.get("definition_digest").is_some();
        match table.text("class") {
            Some("volatile") if !explained() => {
                let message = format!("`{}` is volatile, and no reason is given in excludes", label.escape_debug());
                drafts.advise("volatile-unexplained", &place, table.at, message);
            }
            Some("schema-only") if !defined => {
                let message =
                    format!("of `{}` nothing is held: schema-only without a definition_digest", label.escape_debug());
                drafts.advise("nothing-held", &place, table.at, message);
            }
            Some("verify") if !defined => undefined = undefined.or(Some((place, table.at))),
            _ => {}
        }
    }
    if let Some((place, at)) = undefined {
        let message = "tables without a definition_digest: changed columns and indexes will not be found";
        drafts.advise("no-definitions", &place, at, message);
    }
}
