//! `cli.md`: the help of every command, as the built binary prints it.

use crate::{Fault, metadata, tree};
use std::path::Path;
use std::process::Command;

const HEAD: &str = "# Command line\n\nThe help of every command. Made by `cargo xtask docs` from `vouch … --help`.\n";

/// Builds the binary and asks it.
pub fn page() -> Result<String, Fault> {
    let root = tree::root();
    let target = metadata::read(&root)?.target;
    tree::output(Command::new(metadata::cargo()).current_dir(&root).args(["build", "-q", "-p", "vouch"]))?;
    let mut page = HEAD.to_owned();
    describe(&target.join("debug/vouch"), &[], &mut page)?;
    Ok(page)
}

/// Adds the help of the command at `path`, then that of each command under it.
fn describe(binary: &Path, path: &[&str], page: &mut String) -> Result<(), Fault> {
    let help = help(binary, path)?;
    let title = std::iter::once("vouch").chain(path.iter().copied()).collect::<Vec<&str>>().join(" ");
    let level = "#".repeat(path.len() + 2);
    page.push_str(&format!("\n{level} `{title}`\n\n```text\n{}\n```\n", trimmed(&help)));
    for name in commands(&help) {
        let under: Vec<&str> = path.iter().copied().chain(std::iter::once(name)).collect();
        describe(binary, &under, page)?;
    }
    Ok(())
}

/// The help, in an environment that shows nothing of this machine.
fn help(binary: &Path, path: &[&str]) -> Result<String, Fault> {
    let mut command = Command::new(binary);
    command.args(path).arg("--help").env_clear().env("COLUMNS", "100").env("HOME", "/home/dba");
    tree::output(command.stdin(std::process::Stdio::null()))
}

/// Lines without blanks at their ends, and no blank lines around them.
fn trimmed(help: &str) -> String {
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// The names under `Commands:`, without `help`.
fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_help() {
        let help = "Usage: vouch\n\nCommands:\n  compare  Compares\n           and more\n  help     Prints\n\nOptions:\n  -h\n";
        assert_eq!(commands(help), ["compare"]);
        assert_eq!(commands("Usage: vouch compare\n"), Vec::<&str>::new());
    }
}
