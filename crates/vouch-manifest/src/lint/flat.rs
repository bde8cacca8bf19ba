//! Everything that is wrong with a flat map `{"schema.table": "3847291056"}`.

use super::place::Pointer;
use super::scan::{Node, Value};
use super::{Drafts, walk};
use crate::flat;

/// Finds every fault of a flat map.
pub fn document(node: &Node, drafts: &mut Drafts) {
    let top = Pointer::default();
    let Value::Object(members) = &node.value else {
        return drafts.error("wrong-type", &top, node.at, format!("the document is {} and not an object", node.kind()));
    };
    if members.is_empty() {
        drafts.error("nothing-to-verify", &top, node.at, flat::EMPTY);
    }
    walk::duplicates(members, &top, drafts);
    for member in members {
        let place = top.below(&member.key);
        if let Err(fault) = flat::name(&member.key) {
            drafts.error("bad-name", &place, member.at, fault);
        }
        let text = match &member.node.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        };
        if let Err(fault) = flat::checksum(&member.key, text, member.node.kind()) {
            let code = if text.is_some() { "bad-value" } else { "wrong-type" };
            drafts.error(code, &place, member.node.at, fault);
        }
    }
    let message = "a flat map has no position, no backup and no definitions: `vouch manifest import` makes a manifest";
    drafts.advise("flat", &top, node.at, message);
}
