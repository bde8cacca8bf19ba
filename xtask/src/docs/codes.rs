//! `codes.md`: every code that a report can bear, from the table that `vouch explain` reads.

use vouch_report::{Code, Kind};

const HEAD: &str = "# Codes\n\nWhat a report can say, by its stable code. `vouch explain CODE` prints the same. \
Made by `cargo xtask docs` from `vouch_report::Code`.\n";

/// The lists: the four of a report in its order, and that of health verdicts.
const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Finding, "Findings", "Damage that was seen."),
    (Kind::Error, "Errors", "Failures to look. They never count as findings, and never as clean."),
    (Kind::Skip, "Skips", "Choices not to look, each with its reason."),
    (Kind::Notice, "Notices", "What one should know about how a run looked."),
    (
        Kind::Reason,
        "Reasons",
        "Why `vouch probe` and `vouch serve` answer as they do. Protocols write them with underscores, and with the server's error number where there is one: `sql_stopped:1062`.",
    ),
];

/// The page.
pub fn page() -> String {
    let lists = KINDS.iter().map(|(kind, title, about)| {
        let entries = Code::ALL.iter().map(|code| code.explanation()).filter(|entry| entry.kind == *kind);
        let entries: String =
            entries.map(|entry| format!("\n### `{}`\n\n{}\n\n{}\n", entry.name, entry.meaning, entry.action)).collect();
        format!("\n## {title}\n\n{about}\n{entries}")
    });
    format!("{HEAD}{}", lists.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_on_the_page() {
        let page = page();
        for code in Code::ALL {
            assert_eq!(page.matches(&format!("### `{}`\n", code.explanation().name)).count(), 1);
        }
    }
}
