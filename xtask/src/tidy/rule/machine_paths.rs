//! Nothing in the project knows the machine that it was written on.

use crate::tidy::{Complaint, Project, complaint};

/// Put together here so that this file does not complain about itself.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ro", "ot "), concat!("/tmp", "/e/")];

/// Complains about such paths in any text file.
pub fn check(project: &Project) -> Vec<Complaint> {
    let complaints = project.texts.iter().flat_map(|file| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| PATHS.iter().any(|path| stands_in(line, path)));
        lines.map(|(index, _)| complaint(&file.path, index + 1, "names a path of one machine"))
    });
    complaints.collect()
}

/// Whether `path` begins a path in `line`, rather than being the end of a longer one.
fn stands_in(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|char| char.is_alphanumeric() || "_-.}<>$".contains(char))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_are_seen() {
        let text = format!("cd {}project\n", concat!("/wo", "rk/"));
        assert_eq!(check(&Project::of_text("script/a", &text)).len(), 1);
        assert_eq!(check(&Project::of_text("a.md", "a frame/work/thing and /tmp/vouch\n")).len(), 0);
    }
}
