//! Who may import whom among our crates, and which of them need `std` alone.

use crate::metadata::{Dependency, Package};
use crate::tidy::{Complaint, Project, complaint};

/// A crate and those of ours that it may import; `*` means all of them.
const ALLOWED: &[(&str, &[&str])] = &[
    ("vouch", &["*"]),
    ("vouch-probe", &["vouch-convert", "vouch-server", "vouch-report"]),
    ("vouch-compare", &["vouch-convert", "vouch-server", "vouch-report"]),
    ("vouch-datadir", &["vouch-convert", "vouch-innodb", "vouch-report"]),
    ("vouch-innodb", &["vouch-convert", "vouch-report"]),
    ("vouch-manifest", &["vouch-convert", "vouch-report"]),
    ("vouch-validate", &["vouch-convert", "vouch-server", "vouch-manifest", "vouch-report"]),
    ("vouch-render", &["vouch-convert", "vouch-report"]),
    ("vouch-server", &["vouch-convert"]),
    ("vouch-report", &[]),
    ("vouch-convert", &[]),
    ("vouch-testkit", &[]),
    // For the list of codes alone, which the reference is made from.
    ("xtask", &["vouch-report"]),
];

/// These need `std` alone.
const STD_ALONE: [&str; 1] = ["vouch-report"];

/// These may serve the tests of every crate.
const FOR_TESTS: [&str; 2] = ["vouch-testkit", "vouch-render"];

/// Complains about each import that the table does not have.
pub fn check(project: &Project) -> Vec<Complaint> {
    project.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Complaint> {
    let path = format!("crate {}", package.name);
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        return vec![complaint(&path, 0, "is in no row of the table in xtask/src/tidy/rule/imports.rs")];
    };
    let refused = |dependency: &&Dependency| !may(package, allowed, dependency);
    let wrong = package.dependencies.iter().filter(refused);
    wrong.map(|dependency| complaint(&path, 0, format!("must not depend on {}", dependency.name))).collect()
}

fn may(package: &Package, allowed: &[&str], dependency: &Dependency) -> bool {
    if ALLOWED.iter().any(|(name, _)| *name == dependency.name) {
        let listed = allowed.contains(&"*") || allowed.contains(&dependency.name.as_str());
        return listed || dependency.dev && FOR_TESTS.contains(&dependency.name.as_str());
    }
    dependency.dev || !STD_ALONE.contains(&package.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, dependency: &str, dev: bool) -> usize {
        let dependencies = vec![Dependency { name: dependency.to_owned(), dev }];
        let packages = vec![Package { name: name.to_owned(), dependencies }];
        check(&Project { packages, ..Project::default() }).len()
    }

    #[test]
    fn imports_follow_the_table() {
        assert_eq!(complaints("vouch-compare", "vouch-server", false), 0);
        assert_eq!(complaints("vouch-server", "vouch-compare", false), 1);
        assert_eq!(complaints("vouch-render", "vouch-server", false), 1);
        assert_eq!(complaints("vouch", "vouch-testkit", false), 0);
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        assert_eq!(complaints("vouch-server", "vouch-testkit", true), 0);
        assert_eq!(complaints("vouch-server", "vouch-testkit", false), 1);
    }

    #[test]
    fn the_vocabulary_needs_std_alone() {
        assert_eq!(complaints("vouch-report", "serde", false), 1);
        assert_eq!(complaints("vouch-server", "mysql", false), 0);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        assert_eq!(complaints("vouch-new", "serde", false), 1);
    }
}
