//! Tells the code of a Rust file from its comments and literals.
//!
//! [`lex`] is the only entry. Invariant: [`Lexed::code`] has exactly the lines
//! of the input, with every comment and the inside of every literal blanked,
//! so that a rule that looks for a word never meets it in prose.

/// A string literal or a comment, and the line (from 1) that it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Line number, from 1.
    pub line: usize,
    /// The text between the quotes, escapes kept, or the comment with its slashes.
    pub text: String,
}

/// A Rust file taken apart.
#[derive(Debug, Default)]
pub struct Lexed {
    /// The code alone; line breaks as in the file.
    pub code: String,
    /// The string literals, in order.
    pub strings: Vec<Piece>,
    /// The comments, in order; a block comment is one piece.
    pub comments: Vec<Piece>,
}

/// Takes `text` apart. Never fails: an unclosed literal ends with the file.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, out: Lexed::default() };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.out
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Lexed,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(None),
            ('r', '"' | '#') if !self.after_word() => self.raw_string(),
            ('b' | 'c', 'r') if !self.after_word() && matches!(self.peek(2), '"' | '#') => {
                self.keep();
                self.raw_string();
            }
            ('\'', _) => self.quote(),
            _ => self.keep(),
        }
    }

    /// Copies one character as code.
    fn keep(&mut self) {
        self.take(true);
    }

    /// Moves on by one character; in the code it is kept or blanked.
    fn take(&mut self, keep: bool) -> char {
        let Some(char) = self.chars.get(self.at).copied() else { return '\0' };
        self.at += 1;
        if char == '\n' {
            self.line += 1;
        }
        self.out.code.push(if keep || char == '\n' { char } else { ' ' });
        char
    }

    fn after_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        before.is_some_and(|char| char.is_alphanumeric() || *char == '_')
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut text = String::new();
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            text.push(self.take(false));
        }
        self.out.comments.push(Piece { line, text });
    }

    fn block_comment(&mut self) {
        let line = self.line;
        let (mut text, mut depth) = (String::new(), 0_usize);
        while self.at < self.chars.len() {
            let pair = (self.peek(0), self.peek(1));
            text.push(self.take(false));
            match pair {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => continue,
            }
            text.push(self.take(false));
            if depth == 0 {
                break;
            }
        }
        self.out.comments.push(Piece { line, text });
    }

    /// A literal from its opening quote; raw ones end at a quote and `hashes`.
    fn string(&mut self, hashes: Option<usize>) {
        let line = self.line;
        let mut text = String::new();
        self.keep();
        while self.at < self.chars.len() {
            if self.peek(0) == '"' && self.hashes_from(1) >= hashes.unwrap_or(0) {
                break;
            }
            let char = self.take(false);
            text.push(char);
            if char == '\\' && hashes.is_none() && self.at < self.chars.len() {
                text.push(self.take(false));
            }
        }
        if self.at < self.chars.len() {
            self.keep();
        }
        self.out.strings.push(Piece { line, text });
    }

    fn hashes_from(&self, ahead: usize) -> usize {
        (ahead..).take_while(|ahead| self.peek(*ahead) == '#').count()
    }

    /// From the `r` of a raw string; `r#name` is an identifier.
    fn raw_string(&mut self) {
        let hashes = self.hashes_from(1);
        let is_string = self.peek(1 + hashes) == '"';
        for _ in 0..=hashes {
            self.keep();
        }
        if is_string {
            self.string(Some(hashes));
        }
    }

    /// A character literal is blanked; a lifetime is code.
    fn quote(&mut self) {
        let literal = self.peek(1) == '\\' || self.peek(2) == '\'';
        self.keep();
        if !literal {
            return;
        }
        if self.take(false) == '\\' {
            self.take(false);
        }
        while self.at < self.chars.len() && self.peek(0) != '\'' {
            self.take(false);
        }
        if self.at < self.chars.len() {
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_leave_the_code() {
        let lexed = lex("let a = \"fn x() {\"; // fn y() {\nlet b = '{'; /* a /* b */ { */ c");
        assert!(!lexed.code.contains('{'));
        assert!(lexed.code.contains("let b = ' ';"));
        assert_eq!(lexed.code.lines().count(), 2);
        assert_eq!(lexed.strings, [Piece { line: 1, text: "fn x() {".to_owned() }]);
        assert_eq!(lexed.comments.len(), 2);
        assert!(lexed.code.ends_with(" c"));
    }

    #[test]
    fn raw_strings_end_at_their_hashes() {
        let lexed = lex("r#\"a \"quoted\" \\\"# + br\"x\\\" + r#type");
        let texts: Vec<&str> = lexed.strings.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["a \"quoted\" \\", "x\\"]);
        assert!(lexed.code.ends_with("r#type"));
    }

    #[test]
    fn lifetimes_and_escapes_are_told_apart() {
        let lexed = lex("fn a<'x>(b: &'x str) { c('\\'', '\"', \"\\\"}\") }");
        assert!(lexed.code.contains("<'x>(b: &'x str) {"));
        assert!(lexed.code.trim_end().ends_with("\") }"));
        assert_eq!(lexed.strings.len(), 1);
    }

    #[test]
    fn an_unclosed_literal_ends_with_the_file() {
        assert_eq!(lex("let a = \"b").strings.len(), 1);
        assert_eq!(lex("/* b").comments.len(), 1);
        assert_eq!(lex("'\\").code.len(), 2);
    }
}
