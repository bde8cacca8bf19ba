//! One pattern: `name`, `table.name` or `database.table.name` with wildcards.

use regex::Regex;
use vouch_server::NamePart;

/// `name`, `table.name` or `database.table.name`, each with wildcards.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Glob(Regex, Vec<String>),
}

impl Pattern {
    pub(super) fn new(text: &str, parts_max: usize) -> Result<Pattern, &'static str> {
        let text = text.trim();
        let parts = split(text, '.').into_iter().map(Part::new).collect::<Result<Vec<_>, _>>()?;
        match parts.len() > parts_max {
            true if parts_max == 1 => Err("it has a dot"),
            true => Err("it has too many dots"),
            false => Ok(Pattern { text: text.to_owned(), parts }),
        }
    }

    /// Whether the innermost names match; outer names that the pattern leaves out match always.
    pub(super) fn matches(&self, names: &[&str]) -> bool {
        self.parts.iter().rev().zip(names.iter().rev()).all(|(part, name)| part.matches(name))
    }

    /// Whether the names match but for the innermost.
    pub(super) fn concerns(&self, names: &[&str]) -> bool {
        self.parts.iter().rev().zip(names.iter().rev()).skip(1).all(|(part, name)| part.matches(name))
    }

    /// The whole name with dots, where no part has a wildcard.
    pub(super) fn whole_name(&self) -> Option<String> {
        let parts: Option<Vec<String>> = (0..self.parts.len()).map(|at| self.literal(at)).collect();
        parts.map(|parts| parts.join("."))
    }

    /// What a server can be asked for of a part.
    pub(super) fn name_part(&self, index: usize) -> NamePart {
        match self.parts.get(index) {
            Some(Part::Literal(name)) => NamePart::Is(name.clone()),
            Some(Part::Glob(_, pieces)) => NamePart::Pieces(pieces.clone()),
            None => NamePart::Any,
        }
    }

    /// The same of a pattern of tables: its database and its table.
    pub(super) fn table_parts(&self) -> (NamePart, NamePart) {
        match self.parts.len() {
            2 => (self.name_part(0), self.name_part(1)),
            _ => (NamePart::Any, self.name_part(0)),
        }
    }

    pub(super) fn literal(&self, index: usize) -> Option<String> {
        match self.parts.get(index)? {
            Part::Literal(name) => Some(name.clone()),
            Part::Glob(..) => None,
        }
    }
}

impl Part {
    fn new(text: &str) -> Result<Part, &'static str> {
        if text.is_empty() {
            return Err("a name is empty");
        }
        if let Some(rest) = text.strip_prefix('`') {
            let inner = rest.strip_suffix('`').ok_or("backticks must go around the whole name")?;
            return unquote(inner).map(Part::Literal);
        }
        if text.contains('`') {
            return Err("backticks must go around the whole name");
        }
        if text.contains(['*', '?', '[']) {
            glob(text).map(|regex| Part::Glob(regex, pieces(text)))
        } else {
            Ok(Part::Literal(text.to_owned()))
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Glob(regex, _) => regex.is_match(name),
        }
    }
}

/// The name within backticks, where two of them stand for one.
fn unquote(inner: &str) -> Result<String, &'static str> {
    let name = inner.replace("``", "\0");
    match name.is_empty() {
        true => Err("a name is empty"),
        false if name.contains('`') => Err("a backtick within backticks must be doubled"),
        false => Ok(name.replace('\0', "`")),
    }
}

/// A glob as an anchored regular expression over characters, in which names may hold line breaks.
fn glob(text: &str) -> Result<Regex, &'static str> {
    let mut expression = String::from(r"(?s)\A");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => {
                let end = class_end(rest).ok_or("a [ has no ]")?;
                expression.push_str(&class(&rest[..end]));
                rest = &rest[end + 1..];
            }
            _ => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push_str(r"\z");
    Regex::new(&expression).map_err(|_| "a [ ] makes no sense")
}

/// The literal pieces between the wildcards of a glob, the first and the last perhaps empty.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (c, pieces.last_mut()) {
            ('[', _) => {
                rest = class_end(rest).map_or(rest, |end| &rest[end + 1..]);
                pieces.push(String::new());
            }
            ('*' | '?', _) | (_, None) => pieces.push(String::new()),
            (c, Some(last)) => last.push(c),
        }
    }
    pieces
}

/// Where the class that `rest` is in ends: its first character may be a `]`.
fn class_end(rest: &str) -> Option<usize> {
    let start = rest.find(|c| c != '!' && c != '^').unwrap_or(0).min(1);
    let first = rest[start..].chars().next()?;
    rest[start + first.len_utf8()..].find(']').map(|at| start + first.len_utf8() + at)
}

/// The content of a class, with only `-` and a leading `!` or `^` as special characters.
fn class(inner: &str) -> String {
    let (negation, inner) = match inner.strip_prefix(['!', '^']) {
        Some(rest) if !rest.is_empty() => ("^", rest),
        _ => ("", inner),
    };
    let escape = |c: char| if c == '-' { c.to_string() } else { regex::escape(c.encode_utf8(&mut [0; 4])) };
    format!("[{negation}{}]", inner.chars().map(escape).collect::<String>())
}

/// Splits outside backticks and classes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut in_class) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '`' if !in_class => quoted = !quoted,
            '[' if !quoted => in_class = true,
            ']' if !quoted => in_class = false,
            _ if c == separator && !quoted && !in_class => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
