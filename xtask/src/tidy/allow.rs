//! The exceptions to the length limits, by name: [`Allow`].
//!
//! Invariant: an entry states the size as it is. A size that grew breaks the
//! rule, and one that shrank must be written down, so the list only shrinks.

use crate::Fault;

/// Where the exceptions are listed.
pub const PATH: &str = "xtask/tidy-allow.txt";

/// The exceptions.
#[derive(Debug, Default)]
pub struct Allow {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: String,
    /// The function; `None` for the file itself.
    function: Option<String>,
    size: usize,
}

impl Allow {
    /// Reads lines of `file PATH SIZE` and `function PATH NAME SIZE`; `#` begins a comment line.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries: Result<Vec<Entry>, Fault> = lines.map(entry).collect();
        Ok(Allow { entries: entries? })
    }

    /// What is wrong with `size` against `limit`; `function` is `None` for the file itself.
    pub fn judge(&self, path: &str, function: Option<&str>, size: usize, limit: usize) -> Option<String> {
        let listed = self.entries.iter().find(|entry| entry.path == path && entry.function.as_deref() == function);
        match listed.map(|entry| entry.size) {
            None if size > limit => Some(format!("{size} lines, the limit is {limit}")),
            None => None,
            Some(_) if size <= limit => Some(format!("no longer over {limit} lines: remove it from {PATH}")),
            Some(allowed) if size > allowed => {
                Some(format!("grew from {allowed} to {size} lines, the limit is {limit}"))
            }
            Some(allowed) if size < allowed => Some(format!("shrank to {size} lines: write that into {PATH}")),
            Some(_) => None,
        }
    }

    /// The entries that name nothing in `known`: pairs of a path and a function.
    pub fn unused<'a>(&'a self, known: &[(&str, Option<&str>)]) -> Vec<&'a str> {
        let missing = |entry: &&Entry| !known.contains(&(entry.path.as_str(), entry.function.as_deref()));
        self.entries.iter().filter(missing).map(|entry| entry.path.as_str()).collect()
    }
}

fn entry(line: &str) -> Result<Entry, Fault> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (path, function, size) = match words.as_slice() {
        ["file", path, size] => (path, None, size),
        ["function", path, name, size] => (path, Some((*name).to_owned()), size),
        _ => return Err(format!("{PATH}: not understood: {line}")),
    };
    let size = size.parse().map_err(|_| format!("{PATH}: no size: {line}"))?;
    Ok(Entry { path: (*path).to_owned(), function, size })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_list_only_ratchets_down() {
        let allow = Allow::parse("# why\nfile a.rs 900\nfunction b.rs long 75\n").unwrap();
        assert_eq!(allow.judge("a.rs", None, 900, 800), None);
        assert!(allow.judge("a.rs", None, 901, 800).unwrap().starts_with("grew"));
        assert!(allow.judge("a.rs", None, 890, 800).unwrap().starts_with("shrank"));
        assert!(allow.judge("b.rs", Some("long"), 60, 70).unwrap().starts_with("no longer"));
        assert!(allow.judge("b.rs", Some("other"), 71, 70).is_some());
        assert_eq!(allow.unused(&[("a.rs", None)]), ["b.rs"]);
    }

    #[test]
    fn a_line_that_is_not_understood_is_a_fault() {
        assert!(Allow::parse("file a.rs many").is_err());
        assert!(Allow::parse("a.rs 900").is_err());
    }
}
