//! Whether the ranges of a table fit its key, its columns and its digest.

use super::Drafts;
use super::place::Pointer;
use super::scan::{Node, Value};
use crate::model::{Method, is_hex};
use crate::rows::{self, KeyFacts, RangeFacts, RowFacts};
use std::collections::HashSet;

/// Finds what is wrong between the fields that version 2 adds to a table.
pub fn table(node: &Node, at: &Pointer, drafts: &mut Drafts) {
    columns(node, at, drafts);
    let digest = node.get("digest");
    let method = digest.and_then(|digest| digest.text("method")).and_then(Method::named);
    let mut fault = |field: &str, why: &str| {
        let place = node.get(field).map_or(node.at, |found| found.at);
        drafts.error("ranges-differ", &at.below(field), place, why);
    };
    if method == Some(Method::RowSha256Tree) {
        let value = digest.and_then(|digest| digest.text("value")).filter(|value| is_hex(value, 64));
        // What is malformed in itself has its own error.
        if let (Some(facts), Some(value)) = (facts(node), value)
            && let Some((field, why)) = rows::fault(&facts, value, node.number("rows"))
        {
            fault(field, &why);
        }
        return;
    }
    for field in ["key", "ranges"].into_iter().filter(|field| !node.list(field).is_empty()) {
        fault(field, "it belongs to the method row-sha256-tree alone");
    }
    if method == Some(Method::RowLthash) {
        if node.get("rows").is_none() {
            fault("rows", "it is missing, and belongs to the method row-lthash");
        }
        return;
    }
    for field in ["columns", "virtual_columns"].into_iter().filter(|field| !node.list(field).is_empty()) {
        fault(field, "it belongs to the methods row-sha256-tree and row-lthash alone");
    }
}

/// Columns that stand twice.
fn columns(node: &Node, at: &Pointer, drafts: &mut Drafts) {
    let mut seen = HashSet::new();
    let named = node.list("columns").iter().map(|column| (column, column.text("name")));
    let virtual_ones = node.list("virtual_columns").iter().map(|column| (column, text(column)));
    for (column, name) in named.chain(virtual_ones) {
        if let Some(name) = name.filter(|name| !seen.insert(*name)) {
            let message = format!("the column `{}` stands there twice", name.escape_debug());
            drafts.error("duplicate-column", &at.below("columns"), column.at, message);
        }
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Key and ranges; `None` when one of them is malformed.
fn facts(node: &Node) -> Option<RowFacts> {
    let is_list = |name: &str| node.get(name).is_none_or(|found| matches!(found.value, Value::List(_)));
    if !is_list("key") || !is_list("ranges") {
        return None;
    }
    let key = |column: &Node| {
        Some(KeyFacts { column: column.text("column")?.to_owned(), descending: column.flag("descending")? })
    };
    Some(RowFacts {
        key: node.list("key").iter().map(key).collect::<Option<_>>()?,
        ranges: node.list("ranges").iter().map(range).collect::<Option<_>>()?,
        ..RowFacts::default()
    })
}

fn range(node: &Node) -> Option<RangeFacts> {
    let upto = match node.get("upto").map(|upto| &upto.value) {
        None => None,
        Some(Value::List(texts)) => {
            Some(texts.iter().map(|one| text(one).map(str::to_owned)).collect::<Option<Vec<_>>>()?)
        }
        Some(_) => return None,
    };
    let sha256 = node.text("sha256").filter(|digits| is_hex(digits, 64))?.to_owned();
    Some(RangeFacts { upto, rows: node.number("rows")?, sha256 })
}
