//! An error is reported, or the place says why it is none: no `Result` is dropped in silence.
//!
//! What drops one is counted by folder and held against `xtask/tidy-results.txt`,
//! where each folder has a reason. The list only shrinks. What a name cannot tell
//! (`unwrap_or_default` of an `Option`) counts too: it is rare enough.

use crate::tidy::{Complaint, Project, complaint};

/// Where the exceptions are listed: `FOLDER COUNT REASON`.
pub const PATH: &str = "xtask/tidy-results.txt";

/// What turns an error into nothing.
const DROPS: &[&str] = &[".ok()", "let _ = ", "Result::ok)", ".unwrap_or_default()"];

/// Complains about folders that drop more results than they are allowed to, or fewer.
pub fn check(project: &Project) -> Vec<Complaint> {
    let Some(text) = project.texts.iter().find(|text| text.path == PATH) else { return Vec::new() };
    let allowed: Vec<(&str, usize)> = text.text.lines().filter_map(entry).collect();
    let mut complaints = Vec::new();
    let mut counts = vec![0; allowed.len()];
    for source in project.sources.iter().filter(|source| source.crate_name() != "xtask") {
        for (line, code) in source.shipped_code() {
            let drops: usize = DROPS.iter().map(|drop| code.matches(drop).count()).sum();
            if drops == 0 {
                continue;
            }
            match allowed.iter().position(|(folder, _)| source.path.starts_with(folder)) {
                Some(at) => counts[at] += drops,
                None => complaints.push(complaint(&source.path, line, "an error is dropped here without a word")),
            }
        }
    }
    for ((folder, allowed), count) in allowed.into_iter().zip(counts) {
        let message = match count.cmp(&allowed) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Greater => {
                format!("results that are dropped grew from {allowed} to {count}: report the new ones")
            }
            std::cmp::Ordering::Less => format!("results that are dropped shrank to {count}: write that into {PATH}"),
        };
        complaints.push(complaint(folder, 0, message));
    }
    complaints
}

fn entry(line: &str) -> Option<(&str, usize)> {
    let mut words = line.split_whitespace();
    let (folder, count) = (words.next().filter(|word| !word.starts_with('#'))?, words.next()?);
    // Without a reason there is no exception.
    words.next()?;
    Some((folder, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TextFile;

    fn complaints(list: &str, code: &str) -> Vec<String> {
        let mut project = Project::of("crates/a/src/b.rs", code);
        project.texts.push(TextFile { path: PATH.to_owned(), text: list.to_owned() });
        check(&project).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn a_result_that_is_dropped_needs_a_reason() {
        let code = "fn a() { b().ok(); let _ = c(); }\n";
        assert_eq!(complaints("", code), ["an error is dropped here without a word"]);
        assert_eq!(complaints("crates/a/ 2 clients that go away\n", code), [""; 0]);
        assert_eq!(complaints("crates/a/ 2\n", code).len(), 1);
        assert!(complaints("crates/a/ 1 why\n", code)[0].contains("grew from 1 to 2"));
        assert!(complaints("crates/a/ 3 why\n", code)[0].contains("shrank to 2"));
        assert_eq!(complaints("", "#[cfg(test)]\nmod tests { fn a() { b().ok(); } }\n"), [""; 0]);
    }
}
