//! Holding a document against the shape of its version, without stopping at a fault.

use super::Drafts;
use super::place::Pointer;
use super::ranges;
use super::scan::{Member, Node, Value};
use crate::model::Method;
use crate::shape::{Bond, Object, Rule, Shape};
use std::collections::HashSet;
use vouch_convert::widen;

/// Finds every fault of a document of that shape.
pub fn document(shape: &Object, node: &Node, drafts: &mut Drafts) {
    object(shape, node, &Pointer::default(), drafts);
}

fn value(shape: &Shape, node: &Node, at: &Pointer, drafts: &mut Drafts) {
    match (shape, &node.value) {
        (Shape::Version(wanted), Value::Number(Some(number))) if number == wanted => {}
        (Shape::Whole, Value::Number(Some(_))) | (Shape::Flag, Value::Bool(_)) => {}
        (Shape::Version(_), Value::Number(_)) => {
            drafts.error("bad-value", at, node.at, "this vouch reads versions 1 and 2");
        }
        (Shape::Version(_) | Shape::Whole, _) => wrong(node, at, "a whole number from 0", drafts),
        (Shape::Flag, _) => wrong(node, at, "true or false", drafts),
        (Shape::Texts(rule), Value::List(nodes)) => {
            for (index, node) in nodes.iter().enumerate() {
                value(&Shape::Text(*rule), node, &at.below(&index.to_string()), drafts);
            }
        }
        (Shape::Texts(_), _) => wrong(node, at, "a list", drafts),
        (Shape::Text(rule), Value::Text(text)) => string(*rule, text, node, at, drafts),
        (Shape::Text(_), _) => wrong(node, at, "a string", drafts),
        (Shape::Object(inner), _) => object(inner, node, at, drafts),
        (Shape::List(item), Value::List(nodes)) => {
            for (index, node) in nodes.iter().enumerate() {
                object(item, node, &at.below(&index.to_string()), drafts);
            }
        }
        (Shape::List(_), _) => wrong(node, at, "a list", drafts),
    }
}

fn wrong(node: &Node, at: &Pointer, wanted: &str, drafts: &mut Drafts) {
    drafts.error("wrong-type", at, node.at, format!("this is {} and not {wanted}", node.kind()));
}

fn string(rule: Rule, text: &str, node: &Node, at: &Pointer, drafts: &mut Drafts) {
    if let Some(fault) = rule.fault(text) {
        drafts.error("bad-value", at, node.at, format!("`{}` {fault}", text.escape_debug()));
    }
}

fn object(shape: &Object, node: &Node, at: &Pointer, drafts: &mut Drafts) {
    let Value::Object(members) = &node.value else { return wrong(node, at, "an object", drafts) };
    duplicates(members, at, drafts);
    for member in members {
        let below = at.below(&member.key);
        match shape.fields.iter().find(|field| field.name == member.key) {
            None => {
                let message = format!("`{}` is no field that is known", member.key.escape_debug());
                drafts.error("unknown-field", &below, member.at, message);
            }
            // Null stands for absent, which is told below where it matters.
            Some(_) if member.node.value == Value::Null => {}
            Some(field) => value(&field.shape, &member.node, &below, drafts),
        }
    }
    for field in shape.fields.iter().filter(|field| field.required && node.get(field.name).is_none()) {
        drafts.error("missing-field", &at.below(field.name), node.at, format!("`{}` is missing", field.name));
    }
    bond(shape.bond, node, at, drafts);
}

/// Keys that stand twice.
pub fn duplicates(members: &[Member], at: &Pointer, drafts: &mut Drafts) {
    let mut seen = HashSet::new();
    for member in members.iter().filter(|member| !seen.insert(member.key.as_str())) {
        let message = format!("the key `{}` stands there twice", member.key.escape_debug());
        drafts.error("duplicate-key", &at.below(&member.key), member.at, message);
    }
}

fn bond(bond: Bond, node: &Node, at: &Pointer, drafts: &mut Drafts) {
    match bond {
        Bond::Free => {}
        Bond::Document => whole(node, at, drafts),
        Bond::Table | Bond::TableV2 => {
            if node.text("class") == Some("verify") && node.get("digest").is_none() {
                let message = "`digest` is missing, and the class is verify";
                drafts.error("missing-field", &at.below("digest"), node.at, message);
            }
            if bond == Bond::TableV2 {
                ranges::table(node, at, drafts);
            }
        }
        Bond::Digest => digest(node, at, drafts),
        Bond::Backup => {
            let name = |file: &Node| file.text("path").map(str::to_owned);
            twice(node.list("files"), &at.below("files"), name, "duplicate-file", drafts);
        }
    }
}

fn digest(node: &Node, at: &Pointer, drafts: &mut Drafts) {
    let (Some(method), Some(value)) = (node.text("method").and_then(Method::named), node.text("value")) else { return };
    if !method.admits(value) {
        let place = node.get("value").map_or(node.at, |value| value.at);
        let message = format!("`{}` is no value that {} has: {}", value.escape_debug(), method.name(), method.form());
        drafts.error("bad-value", &at.below("value"), place, message);
    }
}

fn twice(
    nodes: &[Node],
    at: &Pointer,
    name: impl Fn(&Node) -> Option<String>,
    code: &'static str,
    drafts: &mut Drafts,
) {
    let mut seen = HashSet::new();
    for (index, node) in nodes.iter().enumerate() {
        if let Some(name) = name(node)
            && !seen.insert(name.clone())
        {
            let message = format!("`{}` stands there twice", name.escape_debug());
            drafts.error(code, &at.below(&index.to_string()), node.at, message);
        }
    }
}

/// What one part of the document says about another.
fn whole(node: &Node, at: &Pointer, drafts: &mut Drafts) {
    let (tables, objects) = (node.list("tables"), node.list("objects"));
    // Dots are allowed in names, NUL is not.
    let name = |table: &Node| Some(format!("{}\0{}", table.text("schema")?, table.text("name")?));
    let shown = |table: &Node| name(table).map(|name| name.replacen('\0', ".", 1));
    let mut seen = HashSet::new();
    for (index, table) in tables.iter().enumerate() {
        if name(table).is_some_and(|name| !seen.insert(name)) {
            let message = format!("the table `{}` stands there twice", shown(table).unwrap_or_default().escape_debug());
            drafts.error("duplicate-table", &at.below("tables").below(&index.to_string()), table.at, message);
        }
    }
    if !tables.iter().any(|table| table.text("class") == Some("verify")) {
        let place = node.get("tables").map_or(node.at, |tables| tables.at);
        let message = "no table is to be verified: such a manifest proves nothing";
        drafts.error("nothing-to-verify", &at.below("tables"), place, message);
    }
    totals(node, tables, objects, at, drafts);
    let times = ["created_at", "expires_at"].map(|name| node.text(name).and_then(crate::time::parse));
    if let ([Some(created), Some(expires)], Some(place)) = (times, node.get("expires_at"))
        && expires <= created
    {
        drafts.error("bad-value", &at.below("expires_at"), place.at, "`expires_at` is not after `created_at`");
    }
}

fn totals(node: &Node, tables: &[Node], objects: &[Node], at: &Pointer, drafts: &mut Drafts) {
    let Some(totals) = node.get("totals") else { return };
    let rows = tables.iter().filter_map(|table| table.number("rows")).fold(0, u64::saturating_add);
    for (name, counted) in [("tables", widen(tables.len())), ("rows", rows), ("objects", widen(objects.len()))] {
        if let (Some(said), Some(place)) = (totals.number(name), totals.get(name))
            && said != counted
        {
            let message = format!("it says {said}, and there are {counted}");
            drafts.error("totals-differ", &at.below("totals").below(name), place.at, message);
        }
    }
}
