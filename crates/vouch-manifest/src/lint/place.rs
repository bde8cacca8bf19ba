//! Places in a document: JSON pointers, lines and columns.

use vouch_convert::widen;

/// A JSON pointer that grows while a document is walked.
#[derive(Clone, Debug, Default)]
pub struct Pointer(String);

impl Pointer {
    /// The place of a key or an index below this one.
    pub fn below(&self, step: &str) -> Pointer {
        Pointer(format!("{}/{}", self.0, step.replace('~', "~0").replace('/', "~1")))
    }

    /// The place as text; empty for the document.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Where the lines of a document begin.
pub struct Lines<'a> {
    bytes: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`.
    pub fn of(bytes: &'a [u8]) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at.saturating_add(1))).collect();
        Lines { bytes, starts }
    }

    /// Line and column of the byte at `at`, both from 1, the column in characters.
    pub fn place(&self, at: usize) -> (u64, u64) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or_default();
        let before = self.bytes.get(start..at.min(self.bytes.len())).unwrap_or_default();
        let characters = String::from_utf8_lossy(before).chars().count();
        (widen(line), widen(characters).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let lines = Lines::of("a\näöü x\n".as_bytes());
        assert_eq!((lines.place(0), lines.place(2), lines.place(9)), ((1, 1), (2, 1), (2, 5)));
        assert_eq!(lines.place(100), (3, 1));
    }

    #[test]
    fn steps_are_escaped() {
        assert_eq!(Pointer::default().below("a/b~c").below("0").text(), "/a~1b~0c/0");
    }
}
