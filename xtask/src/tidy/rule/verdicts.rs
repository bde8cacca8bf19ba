//! A verdict is made from an account, in `vouch-report`, and nowhere else.
//!
//! Others may look at one: as a pattern, or compared with one.

use crate::source::Source;
use crate::tidy::{Complaint, Project, complaint};

/// The verdicts of a run. The verdict about a page is another type, with other names.
const NAMES: &[&str] = &["Clean", "Findings", "Incomplete", "Interrupted", "Bug"];

/// Functions that make one.
const MAKERS: &[&str] = &["of(", "derive("];

/// Complains about verdicts that are made outside `vouch-report`.
pub fn check(project: &Project) -> Vec<Complaint> {
    let others = project.sources.iter().filter(|source| source.crate_name() != "vouch-report");
    others.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    let made = source.shipped_code().filter(|(_, code)| makes_one(code));
    let message = "a verdict is derived from an account, in crates/vouch-report";
    made.map(|(line, _)| complaint(&source.path, line, message)).collect()
}

fn makes_one(code: &str) -> bool {
    code.match_indices("Verdict::").any(|(at, path)| {
        let before = code.get(..at).unwrap_or_default().trim_end();
        let after = code.get(at + path.len()..).unwrap_or_default();
        let whole = !before.ends_with(|char: char| char.is_alphanumeric() || char == '_');
        let compared = before.ends_with("==") || before.ends_with("!=");
        whole && !compared && (MAKERS.iter().any(|maker| after.starts_with(maker)) || is_value(after))
    })
}

/// Whether what follows `Verdict::` is a value rather than a pattern.
fn is_value(after: &str) -> bool {
    let Some(name) = NAMES.iter().find(|name| after.starts_with(**name)) else { return false };
    let mut rest = after.get(name.len()..).unwrap_or_default();
    if let Some((_, behind)) = rest.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
        rest = behind;
    }
    let rest = rest.trim_start();
    // The end of a line of a pattern that goes on, an arm, an alternative, a guard, the end of `matches!`.
    let pattern = rest.is_empty() || ["=>", "|", "if ", ")", "=", "&&"].iter().any(|next| rest.starts_with(next));
    !pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(code: &str) -> usize {
        check(&Project::of("crates/vouch-datadir/src/a.rs", code)).len()
    }

    #[test]
    fn making_a_verdict_is_seen() {
        for code in [
            "let verdict = Verdict::of(&findings, &errors, None);",
            "verdict: Verdict::Incomplete,",
            "Verdict::derive(command, &scope)",
            "let a = Verdict::Findings;",
            "Err(_) => Verdict::Interrupted(2),",
        ] {
            assert_eq!(complaints(code), 1, "{code}");
        }
        assert_eq!(check(&Project::of("crates/vouch-report/src/a.rs", "Verdict::Findings;")).len(), 0);
    }

    #[test]
    fn looking_at_one_is_not() {
        for code in [
            "Verdict::Clean(_) if seen => 1,",
            "Verdict::Findings | Verdict::Bug => 2,",
            "matches!(summary.verdict, Verdict::Interrupted(_))",
            "if summary.verdict == Verdict::Findings && more {",
            "Verdict::Sound(Method::Crc32)",
            "PageVerdict::Clean,",
        ] {
            assert_eq!(complaints(code), 0, "{code}");
        }
    }
}
