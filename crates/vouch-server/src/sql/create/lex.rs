//! The words of `SHOW CREATE TABLE`: names, strings, words and marks.
//!
//! Both flavors print with backticks, single quotes and backslash escapes under the settings that a session
//! fixes. What they wrap into version comments (`/*!80023 INVISIBLE */`, `/*M!100301 COMPRESSED*/`) counts as
//! if it stood there bare: newer servers unwrap it.

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name in backticks, without them.
    Name(String),
    /// A string in single quotes, its escapes resolved. A binary default of MariaDB up to 11.4 is in here as it is.
    Text(Vec<u8>),
    /// A keyword, a number, a name without quotes.
    Word(String),
    /// `(`, `)` and `,` alone; any other marks as they stand together.
    Mark(String),
}

impl Token {
    /// Whether it is this word, in upper case.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Token::Word(text) if text.eq_ignore_ascii_case(word))
    }

    /// Whether it is this mark.
    pub fn is_mark(&self, mark: &str) -> bool {
        matches!(self, Token::Mark(text) if text == mark)
    }
}

/// Cuts a statement into tokens.
///
/// # Errors
/// In words, where a quote has no end or a mark is not known.
pub fn tokens(statement: &[u8]) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { rest: statement };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: &'a [u8],
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        self.skip_blank();
        let Some(&first) = self.rest.first() else { return Ok(None) };
        let token = match first {
            b'`' => Token::Name(String::from_utf8_lossy(&self.quoted(b'`', false)?).into_owned()),
            b'\'' => Token::Text(self.quoted(b'\'', true)?),
            b'(' | b')' | b',' => Token::Mark(self.while_true(1, |_| false)),
            byte if is_word(byte) => Token::Word(self.while_true(1, is_word)),
            byte if is_mark(byte) => Token::Mark(self.while_true(1, is_mark)),
            byte => return Err(format!("an unexpected byte 0x{byte:02X}")),
        };
        Ok(Some(token))
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Skips white space and the marks of version comments, but not what these wrap.
    fn skip_blank(&mut self) {
        loop {
            let blank = self.rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.advance(blank);
            if let Some(length) = comment_mark(self.rest) {
                self.advance(length);
            } else if blank == 0 {
                return;
            }
        }
    }

    fn while_true(&mut self, at_least: usize, wanted: impl Fn(u8) -> bool) -> String {
        let more = self.rest.iter().skip(at_least).take_while(|byte| wanted(**byte)).count();
        // A comment may end right behind a word or a mark.
        let mut length = at_least.saturating_add(more);
        if let Some(at) = self.rest.get(..length).and_then(|run| run.windows(2).position(|pair| pair == b"*/")) {
            length = at.max(at_least);
        }
        let text = String::from_utf8_lossy(self.rest.get(..length).unwrap_or_default()).into_owned();
        self.advance(length);
        text
    }

    /// The inside of a quoted piece; the quote doubled stands for itself.
    fn quoted(&mut self, quote: u8, escapes: bool) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        self.advance(1);
        loop {
            match *self.rest {
                [byte, next, ..] if byte == quote && next == quote => {
                    text.push(quote);
                    self.advance(2);
                }
                [byte, ..] if byte == quote => {
                    self.advance(1);
                    return Ok(text);
                }
                [b'\\', next, ..] if escapes => {
                    text.push(unescaped(next));
                    self.advance(2);
                }
                [byte, ..] => {
                    text.push(byte);
                    self.advance(1);
                }
                [] => return Err("a quote without an end".to_owned()),
            }
        }
    }
}

/// The length of `/*!80023`, `/*M!100301` or `*/` at the beginning.
fn comment_mark(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"*/") {
        return Some(2);
    }
    let open = [b"/*!".as_slice(), b"/*M!".as_slice()].into_iter().find(|open| text.starts_with(open))?;
    let digits = text.iter().skip(open.len()).take_while(|byte| byte.is_ascii_digit()).count();
    Some(open.len().saturating_add(digits))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'@') || byte >= 0x80
}

fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'<' | b'>' | b'=' | b'!' | b'|' | b'&' | b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'~' | b':' | b'?'
    )
}

/// What a backslash and this byte stand for.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'Z' => 26,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(statement: &str) -> Vec<String> {
        let show = |token: Token| match token {
            Token::Name(name) => format!("`{name}`"),
            Token::Text(text) => format!("'{}'", String::from_utf8_lossy(&text)),
            Token::Word(word) => word,
            Token::Mark(mark) => mark,
        };
        tokens(statement.as_bytes()).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn quotes_and_version_comments_are_understood() {
        assert_eq!(words("`a``b` int DEFAULT 'it''s \\\\ \\n'"), ["`a`b`", "int", "DEFAULT", "'it's \\ \n'"]);
        assert_eq!(
            words("x /*!80023 INVISIBLE */, y /*M!100301 COMPRESSED*/"),
            ["x", "INVISIBLE", ",", "y", "COMPRESSED"]
        );
        assert_eq!(words("(1<>-2.50)"), ["(", "1", "<>-", "2.50", ")"]);
        assert!(tokens(b"'open").is_err());
    }
}
