//! No code in comments: git keeps what was.
//!
//! A guess by the look of a line, and so a careful one: a sentence never ends
//! in a brace, nor in a semicolon after a call or an assignment.

use crate::lexer::Piece;
use crate::tidy::{Complaint, Project, complaint};

/// Complains about plain comments that look like code.
pub fn check(project: &Project) -> Vec<Complaint> {
    let complaints = project.sources.iter().flat_map(|source| {
        let code = source.lexed.comments.iter().filter(|comment| is_code(comment));
        code.map(|comment| complaint(&source.path, comment.line, "looks like code in a comment"))
    });
    complaints.collect()
}

fn is_code(comment: &Piece) -> bool {
    let Some(text) = comment.text.strip_prefix("//") else { return false };
    if text.starts_with(['/', '!']) {
        return false;
    }
    let text = text.trim();
    let only_brackets = !text.is_empty() && text.chars().all(|char| "{}()[];,".contains(char));
    let acts = text.contains(['(', '=']) || text.contains("::");
    only_brackets || text.ends_with('{') || text.ends_with("},") || text.ends_with(';') && acts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> usize {
        check(&Project::of("crates/a/src/b.rs", text)).len()
    }

    #[test]
    fn code_in_comments_is_seen() {
        for text in ["// let a = b();\n", "// if a {\n", "// }\n", "// use a::b;\n"] {
            assert_eq!(complaints(text), 1, "{text}");
        }
    }

    #[test]
    fn sentences_are_left_alone() {
        for text in
            ["// It is read once;\n", "/// let a = b();\n", "// A sentence (with a note).\n", "// The set {a, b}\n"]
        {
            assert_eq!(complaints(text), 0, "{text}");
        }
    }
}
