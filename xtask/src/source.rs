//! A Rust file as the rules of `tidy` see it: [`Source`].
//!
//! Invariant: what belongs to tests is known by line, so a rule about shipped
//! code never speaks of a test, and the other way round.

use crate::function::{self, Function};
use crate::lexer::{self, Lexed};

/// One Rust file, taken apart.
#[derive(Debug)]
pub struct Source {
    /// Path from the root of the workspace, with `/`.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// Its code, literals and comments.
    pub lexed: Lexed,
    /// Its functions, in order.
    pub functions: Vec<Function>,
    test_lines: Vec<(usize, usize)>,
}

impl Source {
    /// Takes `text` apart.
    pub fn new(path: &str, text: &str) -> Self {
        let lexed = lexer::lex(text);
        let test_lines = test_modules(&lexed.code);
        let functions = function::find(&lexed.code);
        Source { path: path.to_owned(), text: text.to_owned(), lexed, functions, test_lines }
    }

    /// The crate's name: its folder under `crates/`, or `xtask`.
    pub fn crate_name(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            Some(first) => first,
            None => "",
        }
    }

    /// Whether the whole file is a test, a benchmark or an example.
    pub fn is_test_file(&self) -> bool {
        let inside = |folder: &str| self.path.contains(&format!("/{folder}/"));
        inside("tests")
            || inside("benches")
            || inside("examples")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    /// Whether `line` (from 1) belongs to a test.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Number and code of each line that ships: no tests, comments or literals.
    pub fn shipped_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.lexed.code.lines().enumerate().map(|(index, code)| (index + 1, code));
        numbered.filter(|(line, _)| !self.is_test_line(*line))
    }

    /// How many lines the file has.
    pub fn length(&self) -> usize {
        self.text.lines().count()
    }
}

/// First and last line of each item under `#[cfg(test)]`.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code.get(from..).and_then(|rest| rest.find("#[cfg(test)]")) {
        let start = from + at;
        let end = function::end_of_body(code, start).unwrap_or(code.len());
        found.push((function::line_of(code, start), function::line_of(code, end)));
        from = end.max(start + 1);
    }
    found
}

/// Whether `word` stands in `code` with no letter, digit or `_` on either side.
pub fn has_word(code: &str, word: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let after = code.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_test_module_are_known() {
        let source =
            Source::new("crates/a/src/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n");
        let shipped: Vec<usize> = source.shipped_code().map(|(line, _)| line).collect();
        assert_eq!(shipped, [1, 6]);
        assert_eq!(source.crate_name(), "a");
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_one_line() {
        let source = Source::new("crates/a/src/b.rs", "#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(source.is_test_line(2));
        assert!(!source.is_test_line(3));
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("a(env::args)", "env"));
        assert!(!has_word("environment my_env", "env"));
    }
}
