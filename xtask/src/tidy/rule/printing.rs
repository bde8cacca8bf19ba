//! Libraries never print.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

/// The binary; the chores; the test kit, which says where it keeps a failed server.
const EXEMPT: &[&str] = &["vouch", "xtask", "vouch-testkit"];

const WORDS: &[&str] = &["println!", "eprintln!", "print!", "eprint!"];

/// Complains about macros that print, in libraries.
pub fn check(project: &Project) -> Vec<Complaint> {
    let libraries = project.sources.iter().filter(|source| !EXEMPT.contains(&source.crate_name()));
    libraries.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    let prints = |code: &str| WORDS.iter().any(|word| has_word(code, word));
    let lines = source.shipped_code().filter(|(_, code)| prints(code));
    lines.map(|(line, _)| complaint(&source.path, line, "a library never prints: emit an event")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_never_prints() {
        assert_eq!(check(&Project::of("crates/vouch-compare/src/a.rs", "eprintln!(\"a\");\n")).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-compare/src/a.rs", "// println!\nlet a = \"print!\";\n")).len(), 0);
        assert_eq!(check(&Project::of("crates/vouch/src/a.rs", "println!(\"a\");\n")).len(), 0);
    }
}
