//! An error is reported, or the place says why it is none: no `Result` is dropped in silence.
//!
//! What drops one is listed in `xtask/tidy-results.txt`, file by file. Clippy, which knows types, refuses
//! `Result::unwrap_or_default` altogether (`clippy.toml`); of an `Option` it drops nothing.

use crate::tidy::exceptions::{Counted, judge};
use crate::tidy::{Complaint, Project};

/// What turns an error into nothing.
const DROPS: &[&str] = &[".ok()", "let _ = ", "Result::ok)"];

const RULE: Counted = Counted {
    list: "xtask/tidy-results.txt",
    places: |code| DROPS.iter().map(|drop| code.matches(drop).count()).sum(),
    what: "dropped results",
};

/// Complains about files that drop more results than they are allowed to, or fewer.
pub fn check(project: &Project) -> Vec<Complaint> {
    judge(project, &RULE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TextFile;

    #[test]
    fn a_result_that_is_dropped_needs_a_reason() {
        let code = "fn a() { b().ok(); let _ = c(); d.filter_map(Result::ok); }\n";
        let tests = "#[cfg(test)]\nmod tests { fn a() { b().ok(); } }\n";
        let mut project = Project::of("crates/a/src/b.rs", &format!("{code}{tests}"));
        project.texts.push(TextFile { path: RULE.list.to_owned(), text: "crates/a/src/b.rs 3 why\n".to_owned() });
        assert_eq!(check(&project), []);
    }
}
