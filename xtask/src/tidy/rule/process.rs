//! Only the crate `vouch` reads arguments, environment and terminal, and exits.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

/// The binary; the chores; the test kit, which is told by environment where servers are.
const EXEMPT: &[&str] = &["vouch", "xtask", "vouch-testkit"];

const PHRASES: &[&str] = &["std::env", "env::args", "env::var", "process::exit", "process::abort"];
const WORDS: &[&str] = &["IsTerminal", "is_terminal", "isatty", "stdin"];

/// Complains about libraries that look at the process they run in.
pub fn check(project: &Project) -> Vec<Complaint> {
    let libraries = project.sources.iter().filter(|source| !EXEMPT.contains(&source.crate_name()));
    libraries.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    let looks = |code: &str| {
        PHRASES.iter().any(|phrase| code.contains(phrase)) || WORDS.iter().any(|word| has_word(code, word))
    };
    let lines = source.shipped_code().filter(|(_, code)| looks(code));
    let message = "only crate vouch reads arguments, environment and terminal, and exits";
    lines.map(|(line, _)| complaint(&source.path, line, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_does_not_look_at_its_process() {
        for code in ["let a = std::env::var(\"A\");", "std::process::exit(1)", "io::stdout().is_terminal()"] {
            assert_eq!(check(&Project::of("crates/vouch-render/src/a.rs", code)).len(), 1, "{code}");
            assert_eq!(check(&Project::of("crates/vouch/src/a.rs", code)).len(), 0, "{code}");
        }
        assert_eq!(check(&Project::of("crates/vouch-render/src/a.rs", "std::process::id(); env!(\"A\")")).len(), 0);
    }
}
