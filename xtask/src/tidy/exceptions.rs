//! Places that a rule lets stand, with the reason of each: [`judge`].
//!
//! Invariant: a list states how many places there are, exactly. One more is
//! refused, and one less must be written down, so a list only shrinks.

use crate::source::Source;
use crate::tidy::{Complaint, Project, complaint};

/// What a rule counts, and how it words its complaints.
pub struct Counted<'a> {
    /// The file with lines of `FILE COUNT REASON`; `#` opens a comment line.
    /// `FOLDER/ COUNT REASON` holds for code that serves tests alone.
    pub list: &'a str,
    /// How often a line of code breaks the rule.
    pub places: fn(&str) -> usize,
    /// What such a place is, in the plural: "conversions".
    pub what: &'a str,
}

/// An exception.
struct Entry<'a> {
    path: &'a str,
    allowed: usize,
    found: usize,
}

/// Folders that may be counted as a whole: none of their code judges anything for a user.
const FOR_TESTS: [&str; 2] = ["crates/vouch-testkit/", "fuzz/"];

/// Complains about places that the list does not have, and about entries that are not exact.
pub fn judge(project: &Project, counted: &Counted) -> Vec<Complaint> {
    let Some(list) = project.texts.iter().find(|text| text.path == counted.list) else { return Vec::new() };
    let mut complaints = Vec::new();
    let mut entries = Vec::new();
    for (at, line) in list.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        match entry(line) {
            Ok(entry) => entries.push(entry),
            Err(why) => complaints.push(complaint(counted.list, at + 1, why)),
        }
    }
    for source in project.sources.iter().filter(|source| source.crate_name() != "xtask") {
        complaints.extend(unlisted(source, counted, &mut entries));
    }
    complaints.extend(entries.iter().filter_map(|entry| inexact(entry, counted)));
    complaints
}

fn entry(line: &str) -> Result<Entry<'_>, String> {
    let mut words = line.split_whitespace();
    let (Some(path), Some(Ok(allowed))) = (words.next(), words.next().map(str::parse)) else {
        return Err("must be FILE COUNT REASON".to_owned());
    };
    if words.next().is_none() {
        return Err("an exception needs a reason".to_owned());
    }
    if path.ends_with('/') && !FOR_TESTS.contains(&path) {
        return Err("name each file, with a reason of its own".to_owned());
    }
    Ok(Entry { path, allowed, found: 0 })
}

fn unlisted(source: &Source, counted: &Counted, entries: &mut [Entry]) -> Vec<Complaint> {
    let is_of = |entry: &&mut Entry| {
        entry.path == source.path || entry.path.ends_with('/') && source.path.starts_with(entry.path)
    };
    let mut listed = entries.iter_mut().find(is_of);
    let mut complaints = Vec::new();
    for (line, code) in source.shipped_code() {
        let found = (counted.places)(code);
        match &mut listed {
            Some(entry) => entry.found += found,
            None if found > 0 => {
                complaints.push(complaint(&source.path, line, format!("{} are not for here", counted.what)));
            }
            None => {}
        }
    }
    complaints
}

fn inexact(entry: &Entry, counted: &Counted) -> Option<Complaint> {
    let Entry { path, allowed, found } = entry;
    let message = match found.cmp(allowed) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => {
            format!("{} grew from {allowed} to {found}: remove the new ones", counted.what)
        }
        std::cmp::Ordering::Less => {
            format!("{} shrank to {found}: write that into {}", counted.what, counted.list)
        }
    };
    Some(complaint(path, 0, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TextFile;

    const RULE: Counted = Counted { list: "list.txt", places: |code| code.matches("bad").count(), what: "bad words" };

    fn complaints(path: &str, list: &str) -> Vec<String> {
        let mut project = Project::of(path, "fn a() { bad(); bad(); }\n");
        project.texts.push(TextFile { path: RULE.list.to_owned(), text: list.to_owned() });
        judge(&project, &RULE).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn each_file_has_its_count_and_its_reason() {
        let file = "crates/a/src/b.rs";
        assert_eq!(complaints(file, ""), ["bad words are not for here"]);
        assert_eq!(complaints(file, "# why\ncrates/a/src/b.rs 2 clients that go away\n"), [""; 0]);
        assert!(complaints(file, "crates/a/src/b.rs 1 why\n")[0].contains("grew from 1 to 2"));
        assert!(complaints(file, "crates/a/src/b.rs 3 why\n")[0].contains("shrank to 2"));
        assert!(complaints(file, "crates/a/src/b.rs 2\n").contains(&"an exception needs a reason".to_owned()));
        assert!(complaints(file, "crates/a/ 2 why\n")[0].contains("name each file"));
        assert_eq!(complaints("crates/vouch-testkit/src/b.rs", "crates/vouch-testkit/ 2 why\n"), [""; 0]);
    }
}
