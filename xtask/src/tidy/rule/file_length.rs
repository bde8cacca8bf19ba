//! No Rust file has over 800 lines without a name on the list of exceptions.

use crate::tidy::{Complaint, Project, complaint};

const LIMIT: usize = 800;

/// Complains about long files, and about entries of the list that name nothing.
pub fn check(project: &Project) -> Vec<Complaint> {
    let long = project.sources.iter().filter_map(|source| {
        let fault = project.allow.judge(&source.path, None, source.length(), LIMIT)?;
        Some(complaint(&source.path, 0, fault))
    });
    let mut known = Vec::new();
    for source in &project.sources {
        known.push((source.path.as_str(), None));
        known.extend(source.functions.iter().map(|function| (source.path.as_str(), Some(function.name.as_str()))));
    }
    let unused = project.allow.unused(&known).into_iter();
    long.chain(unused.map(|path| complaint(path, 0, "is on the list of exceptions and not in the project"))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tidy::allow::Allow;

    #[test]
    fn a_file_has_at_most_800_lines() {
        assert_eq!(check(&Project::of("a.rs", &"\n".repeat(800))).len(), 0);
        assert_eq!(check(&Project::of("a.rs", &"\n".repeat(801))).len(), 1);
    }

    #[test]
    fn an_exception_must_name_something() {
        let mut project = Project::of("a.rs", &"\n".repeat(801));
        project.allow = Allow::parse("file a.rs 801\nfile gone.rs 900\n").unwrap();
        assert_eq!(check(&project).len(), 1);
    }
}
