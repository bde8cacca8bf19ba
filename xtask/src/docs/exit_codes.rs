//! `exit-codes.md`: what the exit status of a command says.

use vouch_report::Verdict;

const HEAD: &str = "# Exit codes\n\nA finding is damage seen; an error is a failure to look. They never turn into each other. \
Made by `cargo xtask docs`.\n\n| code | name | when |\n|---|---|---|\n";

/// The page.
pub fn page() -> String {
    let [clean, findings, incomplete, bug, interrupted, terminated] = Verdict::catalogue();
    let rows = [
        (clean, "every item of the request was verified, or left out by an option or a documented default"),
        (findings, "at least one finding; for `validate` and `drill`, anything that is not proven"),
        ((2, "usage"), "arguments or configuration are wrong: nothing was checked"),
        (incomplete, "no finding, but something could not be checked"),
        (bug, "vouch itself failed; please report it"),
        (interrupted, "SIGINT: the report so far is written, with what was not run"),
        (terminated, "SIGTERM: the same"),
    ];
    let table: String = rows.iter().map(|((code, name), when)| format!("| {code} | {name} | {when} |\n")).collect();
    format!("{HEAD}{table}")
}
