//! Errors of clap in the words of all our errors.

use crate::complaint::Complaint;
use crate::config::Origins;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// What clap refuses, as a complaint; a value that came from a file or from the
/// environment is named with its place.
pub fn complaint(error: &Error, origins: &Origins) -> Complaint {
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    let sentence = first.strip_prefix("error: ").unwrap_or(first);
    let place = strings(error, ContextKind::InvalidArg).first().and_then(|option| origins.place(option));
    let sentence = place.map(|place| format!("{sentence} ({place})")).unwrap_or_else(|| sentence.to_owned());
    Complaint::usage(sentence).hint(hint(error))
}

fn hint(error: &Error) -> String {
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        // The nearest comes last.
        if let [.., nearest] = strings(error, kind).as_slice() {
            return format!("did you mean {nearest}");
        }
    }
    for kind in [ContextKind::ValidValue, ContextKind::ValidSubcommand] {
        let known = strings(error, kind);
        if !known.is_empty() {
            return format!("one of {}", known.join(", "));
        }
    }
    match error.kind() {
        ErrorKind::MissingSubcommand => "see `vouch --help`".to_owned(),
        _ => "see --help".to_owned(),
    }
}

fn strings(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
