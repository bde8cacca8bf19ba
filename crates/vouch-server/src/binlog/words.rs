//! The words of a statement: [`Words`].
//!
//! Comments are left out, but for those that servers run (`/*! … */`, `/*M! … */`), whose contents count.

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A bare word or number, in upper case where it is ASCII.
    Plain(String),
    /// A name in backticks.
    Quoted(String),
    /// A text in quotes; in double quotes it may be a name, too (`ANSI_QUOTES`).
    Text(String),
    /// Any other character.
    Mark(char),
}

/// The words of a statement, taken one after another.
pub struct Words {
    all: Vec<(Word, String)>,
    at: usize,
}

impl Words {
    /// The words of `text`; `None` when a quote or a comment has no end.
    pub fn read(text: &str) -> Option<Words> {
        let mut reader = Reader { rest: text, all: Vec::new() };
        while reader.step()? {}
        Some(Words { all: reader.all, at: 0 })
    }

    fn peek(&self) -> Option<&Word> {
        self.all.get(self.at).map(|(word, _)| word)
    }

    /// The next word.
    pub fn take(&mut self) -> Option<Word> {
        let word = self.peek().cloned()?;
        self.at = self.at.saturating_add(1);
        Some(word)
    }

    /// The next word if it is a bare one.
    pub fn next_plain(&mut self) -> Option<String> {
        match self.peek()? {
            Word::Plain(word) => {
                let word = word.clone();
                self.at = self.at.saturating_add(1);
                Some(word)
            }
            _ => None,
        }
    }

    /// The next word as a name, spelled as it is.
    pub fn next_name(&mut self) -> Option<String> {
        let (word, spelled) = self.all.get(self.at)?;
        let name = match word {
            Word::Plain(_) => spelled.clone(),
            Word::Quoted(name) | Word::Text(name) => name.clone(),
            Word::Mark(_) => return None,
        };
        self.at = self.at.saturating_add(1);
        Some(name)
    }

    /// Whether the next word is one of these bare words or marks.
    pub fn next_is(&self, words: &[&str]) -> bool {
        match self.peek() {
            Some(Word::Plain(word)) => words.contains(&word.as_str()),
            Some(Word::Mark(mark)) => words.iter().any(|word| word.chars().eq([*mark])),
            _ => false,
        }
    }

    /// Passes over the next word if it is one of these.
    pub fn skip(&mut self, words: &[&str]) -> bool {
        let found = self.next_is(words);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    /// Passes over all next words that are among these; whether there was one.
    pub fn skip_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        while self.skip(words) {}
        self.at > start
    }

    /// Whether a bare word follows somewhere.
    pub fn has(&self, wanted: &str) -> bool {
        self.all.iter().skip(self.at).any(|(word, _)| matches!(word, Word::Plain(word) if word == wanted))
    }

    /// All that follows as one text, without these bare words.
    pub fn rest(&mut self, without: &[&str]) -> String {
        let mut text = String::new();
        while let Some((_, spelled)) = self.all.get(self.at) {
            if !self.next_is(without) {
                text.push_str(spelled);
            }
            self.at = self.at.saturating_add(1);
        }
        text
    }

    /// Whether all were taken.
    pub fn is_over(&self) -> bool {
        self.at >= self.all.len()
    }

    /// The bare words that the statement begins with, at most so many, and no number.
    pub fn plain_words(&self, most: usize) -> Vec<&str> {
        let plain = |(word, spelled): &'_ (Word, String)| {
            matches!(word, Word::Plain(_)) && !spelled.starts_with(|c: char| c.is_ascii_digit())
        };
        self.all.iter().take_while(|word| plain(word)).take(most).map(|(_, spelled)| spelled.as_str()).collect()
    }
}

struct Reader<'a> {
    rest: &'a str,
    all: Vec<(Word, String)>,
}

impl Reader<'_> {
    /// Takes one word or passes over one comment; false at the end, `None` where something has no end.
    fn step(&mut self) -> Option<bool> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else { return Some(false) };
        if let Some(length) = self.comment()? {
            self.pass(length);
            return Some(true);
        }
        match first {
            '`' => self.quoted('`', Word::Quoted)?,
            '\'' => self.quoted('\'', Word::Text)?,
            '"' => self.quoted('"', Word::Text)?,
            c if is_word(c) => self.bare(),
            c => {
                self.all.push((Word::Mark(c), c.to_string()));
                self.pass(c.len_utf8());
            }
        }
        Some(true)
    }

    fn pass(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The length of a comment, or of the marks around one that servers run; `Some(None)` where there is none.
    fn comment(&self) -> Option<Option<usize>> {
        let rest = self.rest;
        let to_line_end = || Some(Some(rest.find('\n').map_or(rest.len(), |at| at.saturating_add(1))));
        if rest.starts_with('#') || rest.starts_with("-- ") || rest == "--" || rest.starts_with("--\n") {
            return to_line_end();
        }
        if rest.starts_with("*/") {
            return Some(Some(2));
        }
        let Some(inside) = rest.strip_prefix("/*") else { return Some(None) };
        if let Some(run) = inside.strip_prefix("M!").or_else(|| inside.strip_prefix('!')) {
            let digits = run.bytes().take_while(u8::is_ascii_digit).count();
            return Some(Some(rest.len().saturating_sub(run.len()).saturating_add(digits)));
        }
        inside.find("*/").map(|at| Some(at.saturating_add(4)))
    }

    fn bare(&mut self) {
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let word = self.rest.get(..end).unwrap_or_default().to_owned();
        self.pass(end);
        self.all.push((Word::Plain(word.to_ascii_uppercase()), word));
    }

    /// A quote inside is doubled or, but for names, behind a backslash.
    fn quoted(&mut self, quote: char, kind: fn(String) -> Word) -> Option<()> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote != '`' {
                text.extend(chars.next().map(|(_, c)| c));
            } else if c != quote {
                text.push(c);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
            } else {
                let spelled = self.rest.get(..=at)?.to_owned();
                self.pass(spelled.len());
                self.all.push((kind(text), spelled));
                return Some(());
            }
        }
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_are_left_out_but_for_those_that_run() {
        let words = |text: &str| Words::read(text).unwrap().rest(&[]);
        assert_eq!(words("a /* b */ c -- d\n e # f"), "ace");
        assert_eq!(words("/*!40000 a */ b /*M!100100 c */"), "abc");
        assert!(Words::read("a /* b").is_none() && Words::read("a 'b").is_none());
    }

    #[test]
    fn quotes_are_undone() {
        let mut words = Words::read("`a``b` 'it''s' 'x\\'y'").unwrap();
        assert_eq!(words.take(), Some(Word::Quoted("a`b".to_owned())));
        assert_eq!(words.take(), Some(Word::Text("it's".to_owned())));
        assert_eq!(words.take(), Some(Word::Text("x'y".to_owned())));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,60}") {
            drop(Words::read(&text));
        }
    }
}
