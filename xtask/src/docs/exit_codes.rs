//! `exit-codes.md`: what the exit status of a command says.

use vouch_report::Verdict;

const HEAD: &str = "# Exit codes\n\nA finding is damage seen; an error is a failure to look. They never turn into each other. \
Made by `cargo xtask docs`.\n\n| code | name | when |\n|---|---|---|\n";

/// The page.
pub fn page() -> String {
    let verdict = |verdict: Verdict| (verdict.exit_code(), verdict.name());
    let rows = [
        (verdict(Verdict::Clean), "all that was asked for was looked at, and nothing was found"),
        (verdict(Verdict::Findings), "at least one finding"),
        ((2, "usage"), "arguments or configuration are wrong: nothing was looked at"),
        (verdict(Verdict::Incomplete), "no finding, but something could not be looked at"),
        ((70, "bug"), "vouch itself failed; please report it"),
        (verdict(Verdict::Interrupted(2)), "SIGINT: the report so far is written, with what was not run"),
        (verdict(Verdict::Interrupted(15)), "SIGTERM: the same"),
    ];
    let table: String = rows.iter().map(|((code, name), when)| format!("| {code} | {name} | {when} |\n")).collect();
    format!("{HEAD}{table}")
}
