//! JSON with the place of every value, duplicates included: [`scan`].
//!
//! Invariant: it takes what `json::parse` takes and, besides, keys that stand twice, which are
//! for the walk to tell. It goes no deeper than [`DEPTH_MAX`], so no document can exhaust the stack.

/// Most objects and lists within each other.
const DEPTH_MAX: usize = 120;

/// A value and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub at: usize,
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// A number; `None` when it is negative, has a fraction or is too large.
    Number(Option<u64>),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub at: usize,
    pub key: String,
    pub node: Node,
}

impl Node {
    /// The value of a key, the first where there are several; null counts as absent.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Object(members) = &self.value else { return None };
        let member = members.iter().find(|member| member.key == key)?;
        Some(&member.node).filter(|node| node.value != Value::Null)
    }

    /// The string of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a key.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key)?.value {
            Value::Number(number) => number,
            _ => None,
        }
    }

    /// The items of the list of a key.
    pub fn list(&self, key: &str) -> &[Node] {
        match self.get(key).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The true or false of a key.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Where a document stops to be JSON, in bytes, and why.
pub type Broken = (usize, String);

/// Reads a document.
///
/// # Errors
/// It is no JSON.
pub fn scan(bytes: &[u8]) -> Result<Node, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|error| (error.valid_up_to(), "this is no UTF-8".to_owned()))?;
    let mut scan = Scan { text, at: 0, depth: 0 };
    scan.blanks();
    let node = scan.node()?;
    scan.blanks();
    match scan.next() {
        None => Ok(node),
        Some(_) => scan.broken("something follows the document"),
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn blanks(&mut self) {
        while matches!(self.next(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip(1);
        }
    }

    fn broken<T>(&self, why: &str) -> Result<T, Broken> {
        let why = if self.next().is_none() { "the document ends here, and is not whole" } else { why };
        Err((self.at, why.to_owned()))
    }

    fn node(&mut self) -> Result<Node, Broken> {
        let at = self.at;
        let value = match self.next() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { at, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Broken>) -> Result<Value, Broken> {
        if self.depth >= DEPTH_MAX {
            return self.broken("lists and objects stand too deep within each other");
        }
        self.depth = self.depth.saturating_add(1);
        self.skip(1);
        self.blanks();
        let value = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(value)
    }

    /// True when a comma was passed, false when the end was.
    fn goes_on(&mut self, end: u8) -> Result<bool, Broken> {
        self.blanks();
        match self.next() {
            Some(b',') => {
                self.skip(1);
                self.blanks();
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.skip(1);
                Ok(false)
            }
            _ => self.broken("a comma or the end of the list or object should be here"),
        }
    }

    fn list(&mut self) -> Result<Value, Broken> {
        let mut items = Vec::new();
        if self.next() == Some(b']') {
            self.skip(1);
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.node()?);
            if !self.goes_on(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Broken> {
        let mut members = Vec::new();
        if self.next() == Some(b'}') {
            self.skip(1);
            return Ok(Value::Object(members));
        }
        loop {
            let at = self.at;
            if self.next() != Some(b'"') {
                return self.broken("a key in quotes should be here");
            }
            let key = self.string()?;
            self.blanks();
            if self.next() != Some(b':') {
                return self.broken("a colon should be here");
            }
            self.skip(1);
            self.blanks();
            members.push(Member { at, key, node: self.node()? });
            if !self.goes_on(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }

    fn string(&mut self) -> Result<String, Broken> {
        let (mut escaped, mut length) = (false, None);
        for (index, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    length = Some(index.saturating_add(1));
                    break;
                }
                _ => {}
            }
        }
        let literal = length.and_then(|length| self.rest().get(..length));
        let Some(literal) = literal else { return self.broken("this string does not end") };
        match serde_json::from_str(literal) {
            Ok(text) => {
                self.skip(literal.len());
                Ok(text)
            }
            Err(_) => self.broken("this string has an escape or a control character that JSON does not have"),
        }
    }

    fn number(&mut self) -> Result<Value, Broken> {
        let part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let length = self.rest().bytes().take_while(part).count();
        let literal = self.rest().get(..length).unwrap_or_default();
        let number = match serde_json::from_str::<crate::json::Json>(literal) {
            Ok(crate::json::Json::Number(number)) => Some(number),
            Ok(_) => None,
            Err(_) => return self.broken("this is no number of JSON"),
        };
        self.skip(length);
        Ok(Value::Number(number))
    }

    fn word(&mut self) -> Result<Value, Broken> {
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.rest().starts_with(word) {
                self.skip(word.len());
                return Ok(value);
            }
        }
        self.broken("a value should be here")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::json;
    use proptest::prelude::*;

    /// Documents, and what almost is one.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\\n\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "1",
            "-1",
            "01",
            "1.5",
            "1e9",
            "null",
            "true",
            "false",
            "nul",
            " ",
            "\n",
            "\"",
            "\\",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]
        #[test]
        fn it_takes_what_the_reader_takes_and_duplicates(text in pieces()) {
            match json::parse(text.as_bytes()) {
                Ok(_) => prop_assert!(scan(text.as_bytes()).is_ok(), "{text}"),
                Err(why) if why.contains("stands there twice") => {}
                Err(why) => prop_assert!(scan(text.as_bytes()).is_err(), "{text}: {why}"),
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = scan(&bytes);
        }
    }

    #[test]
    fn depth_has_an_end() {
        assert!(scan("[".repeat(100_000).as_bytes()).unwrap_err().1.contains("too deep"));
        assert!(scan(format!("{}{}", "[".repeat(100), "]".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn the_place_of_what_is_broken_is_told() {
        assert_eq!(scan(b"{\"a\": 1,\n \"b\" 2}").unwrap_err(), (14, "a colon should be here".to_owned()));
        assert_eq!(scan(b"{\"a\": 1").unwrap_err().0, 7);
    }
}
