//! No marks of unfinished work: what is left to do is an issue, not a comment.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

const IN_COMMENTS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
const IN_CODE: &[&str] = &["todo!", "unimplemented!", "dbg!"];

/// Complains about such marks in comments and code, tests included.
pub fn check(project: &Project) -> Vec<Complaint> {
    project.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    let comments = source.lexed.comments.iter().map(|comment| (comment.line, comment.text.as_str(), IN_COMMENTS));
    let code = source.lexed.code.lines().enumerate().map(|(index, code)| (index + 1, code, IN_CODE));
    let marked = comments.chain(code).filter_map(|(line, text, words)| {
        let word = words.iter().find(|word| has_word(text, word))?;
        Some(complaint(&source.path, line, format!("{word} marks unfinished work")))
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_not_left_behind() {
        for code in ["// TODO: later\n", "/* FIXME */\n", "fn a() { dbg!(b); }\n", "todo!()\n"] {
            assert_eq!(check(&Project::of("crates/a/src/b.rs", code)).len(), 1, "{code}");
        }
        assert_eq!(check(&Project::of("crates/a/src/b.rs", "let a = \"TODO\"; // a todo list\n")).len(), 0);
    }
}
