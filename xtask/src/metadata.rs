//! What `cargo metadata` says about our crates: [`Package`].

use crate::{Fault, tree};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the workspace.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it names in its manifest.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of a crate.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Name of the crate depended on.
    pub name: String,
    /// Only for tests, examples and benchmarks.
    pub dev: bool,
}

/// The workspace as cargo sees it.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Our crates.
    pub packages: Vec<Package>,
    /// Where cargo builds.
    pub target: PathBuf,
}

/// Asks cargo about the workspace at `root`.
pub fn read(root: &Path) -> Result<Workspace, Fault> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    parse(&tree::output(Command::new(cargo()).current_dir(root).args(arguments))?)
}

/// The cargo that runs this chore.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn parse(text: &str) -> Result<Workspace, Fault> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = list(&document, "packages").iter().map(package).collect();
    Ok(Workspace { packages, target: PathBuf::from(word(&document, "target_directory")) })
}

fn package(value: &Value) -> Package {
    let dependencies = list(value, "dependencies")
        .iter()
        .map(|dependency| Dependency { name: word(dependency, "name"), dev: word(dependency, "kind") == "dev" });
    Package { name: word(value, "name"), dependencies: dependencies.collect() }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dependencies_are_read_with_their_kind() {
        let text = r#"{"target_directory": "/t", "packages": [{"name": "a", "dependencies":
            [{"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]}]}"#;
        let workspace = parse(text).unwrap();
        let package = workspace.packages.first().unwrap();
        let seen: Vec<(&str, bool)> = package.dependencies.iter().map(|d| (d.name.as_str(), d.dev)).collect();
        assert_eq!(seen, [("b", false), ("c", true)]);
    }
}
