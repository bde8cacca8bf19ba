//! Every Rust file opens with `//!`: what it is for.

use crate::tidy::{Complaint, Project, complaint};

/// Complains about files that open otherwise.
pub fn check(project: &Project) -> Vec<Complaint> {
    let silent = project.sources.iter().filter(|source| !source.text.starts_with("//! "));
    silent.map(|source| complaint(&source.path, 1, "opens without `//!`: say what the file is for")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opens_with_its_purpose() {
        assert_eq!(check(&Project::of("crates/a/src/b.rs", "use std::fmt;\n")).len(), 1);
        assert_eq!(check(&Project::of("crates/a/src/b.rs", "//! What it is.\nuse std::fmt;\n")).len(), 0);
    }
}
