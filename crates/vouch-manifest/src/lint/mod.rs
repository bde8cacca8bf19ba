//! Everything that is wrong with a manifest at once, each with its place: [`lint`].
//!
//! For whoever makes manifests: it looks at bytes whose signature nobody verified, and
//! nothing that it says is acted on. Invariant: what the strict reader refuses has an error here.

mod advice;
mod flat;
mod place;
mod ranges;
mod scan;
mod walk;

use crate::shape::{DOCUMENT_V1, DOCUMENT_V2};
use crate::trust::Untrusted;
use place::{Lines, Pointer};
use scan::{Node, Value};
use vouch_report::{ManifestLint, Remark, RemarkLevel};

/// A remark whose place is still in bytes.
struct Draft {
    level: RemarkLevel,
    code: &'static str,
    pointer: Pointer,
    at: usize,
    message: String,
}

/// Remarks as they are found.
#[derive(Default)]
struct Drafts(Vec<Draft>);

impl Drafts {
    fn error(&mut self, code: &'static str, pointer: &Pointer, at: usize, message: impl Into<String>) {
        let (pointer, message) = (pointer.clone(), message.into());
        self.0.push(Draft { level: RemarkLevel::Error, code, pointer, at, message });
    }

    fn advise(&mut self, code: &'static str, pointer: &Pointer, at: usize, message: impl Into<String>) {
        let (pointer, message) = (pointer.clone(), message.into());
        self.0.push(Draft { level: RemarkLevel::Advice, code, pointer, at, message });
    }

    fn errors(&self) -> bool {
        self.0.iter().any(|draft| draft.level == RemarkLevel::Error)
    }
}

/// All that there is to say about the bytes of a manifest at `now_ms`.
pub fn lint(bytes: &[u8], now_ms: u64) -> ManifestLint {
    let mut drafts = Drafts::default();
    let form = match scan::scan(bytes) {
        Err((at, why)) => {
            drafts.error("syntax", &Pointer::default(), at, why);
            ""
        }
        Ok(document) => look(&document, now_ms, &mut drafts),
    };
    if !drafts.errors()
        && let Err(refused) = Untrusted::new(bytes.to_vec()).without_signature().manifest()
    {
        drafts.error("refused", &Pointer::default(), 0, refused.message);
    }
    ManifestLint { form, remarks: placed(bytes, drafts) }
}

fn look(document: &Node, now_ms: u64, drafts: &mut Drafts) -> &'static str {
    // As `Verified::manifest` tells them apart.
    let is_manifest = matches!(&document.value, Value::Object(members)
        if members.iter().any(|member| member.key == "schema" && !matches!(member.node.value, Value::Text(_))));
    if !is_manifest {
        flat::document(document, drafts);
        return "flat";
    }
    // Whatever is no version is looked at as the newest.
    let (shape, name) = match document.number("schema") {
        Some(1) => (&DOCUMENT_V1, "v1"),
        _ => (&DOCUMENT_V2, "v2"),
    };
    walk::document(shape, document, drafts);
    advice::document(document, now_ms, drafts);
    name
}

fn placed(bytes: &[u8], mut drafts: Drafts) -> Vec<Remark> {
    drafts.0.sort_by_key(|draft| (draft.at, draft.level));
    let lines = Lines::of(bytes);
    let remark = |draft: Draft| {
        let (line, column) = lines.place(draft.at);
        let Draft { level, code, pointer, message, .. } = draft;
        Remark { level, code, pointer: pointer.text().to_owned(), line, column, message }
    };
    drafts.0.into_iter().map(remark).collect()
}
