//! Walking over tokens: [`Cursor`].

use super::lex::Token;

/// Tokens that are yet to be read.
pub struct Cursor<'a> {
    rest: &'a [Token],
}

impl<'a> Cursor<'a> {
    /// All of them.
    pub fn new(tokens: &'a [Token]) -> Self {
        Cursor { rest: tokens }
    }

    /// The next one, which stays.
    pub fn peek(&self) -> Option<&'a Token> {
        self.rest.first()
    }

    /// The next one.
    pub fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// All that is left.
    pub fn rest(&self) -> &'a [Token] {
        self.rest
    }

    /// Whether the next tokens are these words.
    pub fn at_words(&self, words: &[&str]) -> bool {
        self.rest.len() >= words.len() && self.rest.iter().zip(words).all(|(token, word)| token.is_word(word))
    }

    /// Takes these words when they are next.
    pub fn take_words(&mut self, words: &[&str]) -> bool {
        let found = self.at_words(words);
        if found {
            self.rest = self.rest.get(words.len()..).unwrap_or_default();
        }
        found
    }

    /// Takes this mark when it is next.
    pub fn take_mark(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_mark(mark));
        if found {
            self.next();
        }
        found
    }

    /// What is inside the parentheses that come next; `None` when none do.
    pub fn group(&mut self) -> Option<&'a [Token]> {
        let whole = self.whole_group()?;
        whole.get(1..whole.len().saturating_sub(1))
    }

    /// The parentheses that come next, with what is inside.
    pub fn whole_group(&mut self) -> Option<&'a [Token]> {
        let length = group_length(self.rest)?;
        let (group, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(group)
    }

    /// A name, with or without backticks.
    pub fn name(&mut self) -> Option<String> {
        match self.peek()? {
            Token::Name(name) | Token::Word(name) => {
                self.next();
                Some(name.clone())
            }
            _ => None,
        }
    }
}

/// Tokens of the parentheses at the beginning, both included; `None` where none begin there, or they have no end.
pub fn group_length(tokens: &[Token]) -> Option<usize> {
    if !tokens.first()?.is_mark("(") {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_mark("(") {
            depth = depth.saturating_add(1);
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return at.checked_add(1);
        }
    }
    None
}

/// The pieces between commas, without those inside parentheses; none of nothing.
pub fn pieces(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let is_comma = |token: &Token| {
        if token.is_mark("(") {
            depth = depth.saturating_add(1);
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.is_mark(",")
    };
    if tokens.is_empty() { Vec::new() } else { tokens.split(is_comma).collect() }
}

/// The names of a list such as ``(`a`, `b`)``.
pub fn names(tokens: &[Token]) -> Result<Vec<String>, String> {
    pieces(tokens)
        .into_iter()
        .map(|piece| Cursor::new(piece).name().ok_or_else(|| "a name is missing".to_owned()))
        .collect()
}
