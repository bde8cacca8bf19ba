//! Third-party crates are named once, in the root manifest, each with the
//! reason; the crates inherit them and the lints.

use crate::tidy::{Complaint, Project, complaint};
use crate::tree::TextFile;

/// One comment speaks for at most this many crates under it.
const UNDER_ONE_COMMENT: usize = 3;

/// Complains about dependencies without a reason or outside the root manifest.
pub fn check(project: &Project) -> Vec<Complaint> {
    let manifests = project.texts.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    manifests.flat_map(|file| if is_root(&file.text) { check_root(file) } else { check_member(file) }).collect()
}

/// Whether the manifest begins a workspace; the fuzz targets have one of their own.
fn is_root(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "[workspace]")
}

fn check_root(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut explained = 0;
    for (line, text) in section(&file.text, |name| name.ends_with("dependencies")) {
        if text.starts_with('#') {
            explained = UNDER_ONE_COMMENT;
        } else if text.is_empty() {
            explained = 0;
        } else if text.contains('=') && !text.contains("path = ") {
            if explained == 0 {
                complaints.push(complaint(&file.path, line, "say in a comment what this crate is for"));
            }
            explained = explained.saturating_sub(1);
        }
    }
    complaints
}

fn check_member(file: &TextFile) -> Vec<Complaint> {
    let entries = section(&file.text, |name| name.ends_with("dependencies"));
    let own = entries.filter(|(_, text)| text.contains('=') && !text.starts_with('#') && !inherits(text));
    let mut complaints: Vec<Complaint> = own
        .map(|(line, _)| complaint(&file.path, line, "name the crate in the root manifest and inherit it"))
        .collect();
    if !section(&file.text, |name| name == "lints").any(|(_, text)| text == "workspace = true") {
        complaints.push(complaint(&file.path, 0, "does not inherit the lints of the workspace"));
    }
    complaints
}

fn inherits(entry: &str) -> bool {
    entry.contains("workspace = true")
}

/// Number and text of the lines in the tables whose name `wanted` accepts.
fn section(text: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().map(str::trim).enumerate().filter_map(move |(index, line)| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = wanted(name);
            return None;
        }
        inside.then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&Project::of_text(path, text)).len()
    }

    #[test]
    fn a_dependency_has_a_reason() {
        assert_eq!(
            complaints("Cargo.toml", "[workspace]\n[workspace.dependencies]\n# Why.\na = \"1\"\nb = \"1\"\n"),
            0
        );
        assert_eq!(
            complaints("Cargo.toml", "[workspace]\n[workspace.dependencies]\na = \"1\"\n# Why.\nb = \"1\"\n"),
            1
        );
        assert_eq!(
            complaints(
                "Cargo.toml",
                "[workspace]\n[workspace.dependencies]\n# Why.\na = \"1\"\nb = \"1\"\nc = \"1\"\nd = \"1\"\n"
            ),
            1
        );
    }

    #[test]
    fn a_crate_inherits() {
        let lints = "[lints]\nworkspace = true\n";
        assert_eq!(complaints("crates/a/Cargo.toml", &format!("{lints}[dependencies]\na.workspace = true\n")), 0);
        assert_eq!(complaints("crates/a/Cargo.toml", &format!("{lints}[dev-dependencies]\na = \"1\"\n")), 1);
        assert_eq!(complaints("crates/a/Cargo.toml", "[dependencies]\na = { workspace = true, features = [] }\n"), 1);
    }
}
