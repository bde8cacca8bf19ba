//! Which databases, tables, engines and columns take part.
//!
//! [`FilterSpec`] is what the user wrote, [`Filters`] the compiled rules. Names
//! are compared by case, as servers on Linux do. A name in backticks is meant
//! literally, dots and commas included; everywhere else `*`, `?` and `[…]` are
//! wildcards. System schemas never take part.

use regex::Regex;
use std::fmt;

/// Engines that keep no rows of their own, or none that replicate.
const ENGINES_WITHOUT_ROWS: [&str; 12] = [
    "BLACKHOLE",
    "CONNECT",
    "FEDERATED",
    "MEMORY",
    "MRG_MYISAM",
    "NDBINFO",
    "OQGRAPH",
    "PERFORMANCE_SCHEMA",
    "SEQUENCE",
    "SPHINX",
    "SPIDER",
    "VIDEX",
];

const SYSTEM_SCHEMAS: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// The filter options as they were written. Every item of a list may itself be
/// a list with commas; items of the `_regex` fields are regular expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the option of its name")]
pub struct FilterSpec {
    pub databases: Vec<String>,
    pub ignore_databases: Vec<String>,
    pub databases_regex: Vec<String>,
    pub ignore_databases_regex: Vec<String>,
    pub tables: Vec<String>,
    pub ignore_tables: Vec<String>,
    pub tables_regex: Vec<String>,
    pub ignore_tables_regex: Vec<String>,
    pub engines: Vec<String>,
    pub ignore_engines: Vec<String>,
    pub columns: Vec<String>,
    pub ignore_columns: Vec<String>,
    pub columns_regex: Vec<String>,
    pub ignore_columns_regex: Vec<String>,
}

/// Why a filter option makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// A pattern is malformed.
    Pattern {
        /// The option, without dashes.
        option: &'static str,
        /// The pattern.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A regular expression is malformed.
    Regex {
        /// The option, without dashes.
        option: &'static str,
        /// The expression.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// A system schema was asked for.
    System(String),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterError::Pattern { option, text, problem } => {
                write!(f, "the pattern `{}` of --{option} is malformed: {problem}", text.escape_debug())
            }
            FilterError::Regex { option, text, problem } => {
                write!(f, "the regular expression `{}` of --{option} is malformed: {problem}", text.escape_debug())
            }
            FilterError::System(name) => write!(f, "{name} is a system schema, and those are never compared"),
        }
    }
}

impl std::error::Error for FilterError {}

impl FilterError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            FilterError::Pattern { .. } => {
                "patterns are name, na*, db.table or t?[0-9], separated by commas; put a name with special \
                 characters in `backticks`"
            }
            FilterError::Regex { .. } => "put a backslash before . * + ? ( ) [ ] { } ^ $ | that are meant literally",
            FilterError::System(_) => "leave it out of --databases and --tables",
        }
        .to_owned()
    }
}

/// The compiled filters. The default lets everything in that has rows of its own.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    databases: Rule,
    tables: Rule,
    engines: Rule,
    columns: Rule,
}

impl Filters {
    /// Compiles what the user wrote.
    ///
    /// # Errors
    /// A [`FilterError`] for the first option that makes no sense.
    pub fn new(spec: &FilterSpec) -> Result<Filters, FilterError> {
        let databases = Rule {
            include: Matchers::new(["databases", "databases-regex"], &spec.databases, &spec.databases_regex, 1)?,
            exclude: Matchers::new(
                ["ignore-databases", "ignore-databases-regex"],
                &spec.ignore_databases,
                &spec.ignore_databases_regex,
                1,
            )?,
        };
        let tables = Rule {
            include: Matchers::new(["tables", "tables-regex"], &spec.tables, &spec.tables_regex, 2)?,
            exclude: Matchers::new(
                ["ignore-tables", "ignore-tables-regex"],
                &spec.ignore_tables,
                &spec.ignore_tables_regex,
                2,
            )?,
        };
        let columns = Rule {
            include: Matchers::new(["columns", "columns-regex"], &spec.columns, &spec.columns_regex, 3)?,
            exclude: Matchers::new(
                ["ignore-columns", "ignore-columns-regex"],
                &spec.ignore_columns,
                &spec.ignore_columns_regex,
                3,
            )?,
        };
        let engines = Rule {
            include: Matchers::new(["engines", "engines"], &upper(&spec.engines), &[], 1)?,
            exclude: Matchers::new(["ignore-engines", "ignore-engines"], &upper(&spec.ignore_engines), &[], 1)?,
        };
        let filters = Filters { databases, tables, engines, columns };
        filters.refuse_system_schemas()?;
        Ok(filters)
    }

    /// Why a database is left out; `None` when it takes part.
    pub fn database(&self, database: &str) -> Option<String> {
        if is_system(database) {
            return Some("a system schema".to_owned());
        }
        self.databases.reason(&[database])
    }

    /// Why a table is left out, be it for its database; `None` when it takes part.
    pub fn table(&self, database: &str, table: &str) -> Option<String> {
        self.database(database).or_else(|| self.tables.reason(&[database, table]))
    }

    /// Why tables of an engine are left out; `None` when they take part.
    pub fn engine(&self, engine: &str) -> Option<String> {
        let name = engine.to_ascii_uppercase();
        if self.engine_is_unsupported(engine) {
            return Some(format!("engine {name} keeps no rows that replicate"));
        }
        self.engines.reason(&[&name])
    }

    /// Whether an engine is left out because it keeps no rows that replicate, and not by an option.
    pub fn engine_is_unsupported(&self, engine: &str) -> bool {
        let name = engine.to_ascii_uppercase();
        self.engines.include.is_empty() && ENGINES_WITHOUT_ROWS.contains(&name.as_str())
    }

    /// Why a column is left out; `None` when it takes part. A pattern of `--columns`
    /// that names a table says nothing about other tables.
    pub fn column(&self, database: &str, table: &str, column: &str) -> Option<String> {
        let names = [database, table, column];
        let include = &self.columns.include;
        let concerned = include.patterns.iter().any(|pattern| pattern.concerns(&names));
        if !include.is_empty() && !concerned && include.regexes.is_empty() {
            return self.columns.exclude.find(&names);
        }
        self.columns.reason(&names)
    }

    /// Databases given by `--databases` without a wildcard: these must exist.
    pub fn exact_databases(&self) -> Vec<String> {
        self.databases.include.patterns.iter().filter_map(|pattern| pattern.literal(0)).collect()
    }

    /// Tables given by `--tables` without a wildcard, with their database if one was given
    /// and has no wildcard either: these must exist. A table under a database pattern is not among them.
    pub fn exact_tables(&self) -> Vec<(Option<String>, String)> {
        let exact = |pattern: &Pattern| match pattern.parts.len() {
            1 => pattern.literal(0).map(|table| (None, table)),
            _ => Some((Some(pattern.literal(0)?), pattern.literal(1)?)),
        };
        self.tables.include.patterns.iter().filter_map(exact).collect()
    }

    fn refuse_system_schemas(&self) -> Result<(), FilterError> {
        let of_tables = self.exact_tables().into_iter().filter_map(|(database, _)| database);
        match self.exact_databases().into_iter().chain(of_tables).find(|name| is_system(name)) {
            Some(name) => Err(FilterError::System(name)),
            None => Ok(()),
        }
    }
}

fn is_system(database: &str) -> bool {
    SYSTEM_SCHEMAS.contains(&database) || database.eq_ignore_ascii_case("information_schema")
}

/// Engine names have no case.
fn upper(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_uppercase()).collect()
}

/// What is let in, and what of that is left out again.
#[derive(Clone, Debug, Default)]
struct Rule {
    include: Matchers,
    exclude: Matchers,
}

impl Rule {
    fn reason(&self, names: &[&str]) -> Option<String> {
        if let Some(reason) = self.exclude.find(names) {
            return Some(reason);
        }
        let out = !self.include.is_empty() && self.include.find(names).is_none();
        out.then(|| format!("not named by --{}", self.include.options()))
    }
}

/// The patterns and regular expressions of one direction of a rule.
#[derive(Clone, Debug, Default)]
struct Matchers {
    option_names: [&'static str; 2],
    patterns: Vec<Pattern>,
    regexes: Vec<Regex>,
}

impl Matchers {
    fn new(
        names: [&'static str; 2],
        lists: &[String],
        regexes: &[String],
        parts_max: usize,
    ) -> Result<Self, FilterError> {
        let mut patterns = Vec::new();
        for text in lists.iter().flat_map(|list| split(list, ',')) {
            let malformed = |problem| FilterError::Pattern { option: names[0], text: text.to_owned(), problem };
            patterns.push(Pattern::new(text, parts_max).map_err(malformed)?);
        }
        let compile = |text: &String| {
            Regex::new(text).map_err(|error| FilterError::Regex {
                option: names[1],
                text: text.clone(),
                problem: last_line(&error.to_string()),
            })
        };
        Ok(Matchers { option_names: names, patterns, regexes: regexes.iter().map(compile).collect::<Result<_, _>>()? })
    }

    fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.regexes.is_empty()
    }

    /// The options in use, for a reason.
    fn options(&self) -> String {
        let [lists, regexes] = self.option_names;
        match (self.patterns.is_empty(), self.regexes.is_empty()) {
            (false, false) => format!("{lists} or --{regexes}"),
            (true, false) => regexes.to_owned(),
            _ => lists.to_owned(),
        }
    }

    /// What matches names (outermost first), as a reason. A regular expression is
    /// searched in the last name and in all of them with dots between.
    fn find(&self, names: &[&str]) -> Option<String> {
        if let Some(pattern) = self.patterns.iter().find(|pattern| pattern.matches(names)) {
            return Some(format!("--{} {}", self.option_names[0], pattern.text));
        }
        let full = names.join(".");
        let hit = |regex: &&Regex| names.last().is_some_and(|name| regex.is_match(name)) || regex.is_match(&full);
        self.regexes.iter().find(hit).map(|regex| format!("--{} {regex}", self.option_names[1]))
    }
}

/// `name`, `table.name` or `database.table.name`, each with wildcards.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Glob(Regex),
}

impl Pattern {
    fn new(text: &str, parts_max: usize) -> Result<Pattern, &'static str> {
        let text = text.trim();
        let parts = split(text, '.').into_iter().map(Part::new).collect::<Result<Vec<_>, _>>()?;
        match parts.len() > parts_max {
            true if parts_max == 1 => Err("it has a dot"),
            true => Err("it has too many dots"),
            false => Ok(Pattern { text: text.to_owned(), parts }),
        }
    }

    /// Whether the innermost names match; outer names that the pattern leaves out match always.
    fn matches(&self, names: &[&str]) -> bool {
        self.parts.iter().rev().zip(names.iter().rev()).all(|(part, name)| part.matches(name))
    }

    /// Whether the names match but for the innermost.
    fn concerns(&self, names: &[&str]) -> bool {
        self.parts.iter().rev().zip(names.iter().rev()).skip(1).all(|(part, name)| part.matches(name))
    }

    fn literal(&self, index: usize) -> Option<String> {
        match self.parts.get(index)? {
            Part::Literal(name) => Some(name.clone()),
            Part::Glob(_) => None,
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
        if text.contains(['*', '?', '[']) { glob(text).map(Part::Glob) } else { Ok(Part::Literal(text.to_owned())) }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Glob(regex) => regex.is_match(name),
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
fn split(text: &str, separator: char) -> Vec<&str> {
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

/// The sentence in an error of the regex library, which draws a picture before it.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or(text);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests;
