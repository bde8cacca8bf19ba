//! Which databases, tables, engines and columns take part.
//!
//! [`FilterSpec`] is what the user wrote, [`Filters`] the compiled rules. Names
//! are compared by case, as servers on Linux do. A name in backticks is meant
//! literally, dots and commas included; everywhere else `*`, `?` and `[…]` are
//! wildcards. System schemas never take part.

mod pattern;
mod rule;

use pattern::Pattern;
use rule::{Matchers, Rule};
use std::fmt;
use vouch_server::{NamePart, TableName};

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

/// Choices that a listing is asked for: with more, a server compares each name with more patterns than it saves work
/// on tables. A judgement.
const CHOICES_MAX: usize = 500;

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

/// Where tables can be that take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In any database that is let in.
    Anywhere,
    /// In these databases, beside tables that are named in full. Those need nobody to list them.
    Databases(Vec<String>),
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

/// A pattern or regular expression that lets nothing in, since nothing is called so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// What it should name: `table`, `database`, `engine`, `column`.
    pub what: &'static str,
    /// The option, without dashes.
    pub option: &'static str,
    /// What was written.
    pub text: String,
    /// The name that was meant, if it has no wildcard.
    pub name: Option<String>,
}

impl Unmatched {
    /// One sentence that says so.
    pub fn message(&self) -> String {
        match &self.name {
            Some(name) => format!(
                "{} {name} was asked for and does not exist on the source, or may not be seen, or is empty of tables",
                self.what
            ),
            None => format!("--{} {} matches no {} of the source", self.option, self.text, self.what),
        }
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

    /// What `--databases`, `--tables` and `--engines` ask for and no table has.
    pub fn unmatched(&self, databases: &[&str], tables: &[&TableName], engines: &[&str]) -> Vec<Unmatched> {
        let databases: Vec<[&str; 1]> = databases.iter().map(|name| [*name]).collect();
        let names: Vec<[&str; 2]> = tables.iter().map(|name| [name.database.as_str(), name.table.as_str()]).collect();
        let upper: Vec<String> = engines.iter().map(|engine| engine.to_ascii_uppercase()).collect();
        let engines: Vec<[&str; 1]> = upper.iter().map(|engine| [engine.as_str()]).collect();
        let mut unmatched = self.databases.include.unmatched("database", &databases);
        unmatched.extend(self.tables.include.unmatched("table", &names));
        unmatched.extend(self.engines.include.unmatched("engine", &engines));
        unmatched
    }

    /// What `--columns` asks for and no table has.
    pub fn unmatched_columns(&self, columns: &[[String; 3]]) -> Vec<Unmatched> {
        let columns: Vec<[&str; 3]> = columns.iter().map(|names| names.each_ref().map(String::as_str)).collect();
        self.columns.include.unmatched("column", &columns)
    }

    /// The names that a listing can be restricted to, as database and table: none of them stands for all names. They
    /// let in all that takes part, and more.
    pub fn listed(&self) -> Vec<(NamePart, NamePart)> {
        let databases: Vec<NamePart> = match self.databases.include.choices() {
            Some(patterns) => patterns.iter().map(|pattern| pattern.name_part(0)).collect(),
            None => vec![NamePart::Any],
        };
        let tables: Vec<(NamePart, NamePart)> = match self.tables.include.choices() {
            Some(patterns) => patterns.iter().map(Pattern::table_parts).collect(),
            None => vec![(NamePart::Any, NamePart::Any)],
        };
        if databases.len().saturating_mul(tables.len()) > CHOICES_MAX {
            return Vec::new();
        }
        let both = |(database, table): &(NamePart, NamePart)| -> Vec<(NamePart, NamePart)> {
            match database {
                NamePart::Any => databases.iter().map(|database| (database.clone(), table.clone())).collect(),
                database => vec![(database.clone(), table.clone())],
            }
        };
        let all: Vec<_> = tables.iter().flat_map(both).collect();
        if all.contains(&(NamePart::Any, NamePart::Any)) { Vec::new() } else { all }
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

    /// Where tables can be that take part, as far as names in full say it.
    pub fn reach(&self) -> Reach {
        let takes_part = |names: Vec<String>| {
            let mut names: Vec<String> = names.into_iter().filter(|name| self.database(name).is_none()).collect();
            names.sort();
            names.dedup();
            Reach::Databases(names)
        };
        let include = &self.tables.include;
        let of_pattern = |pattern: &Pattern| match pattern.parts.len() {
            2 => pattern.literal(0).map(|database| pattern.literal(1).is_none().then_some(database)),
            _ => None,
        };
        let of_tables: Option<Vec<Option<String>>> = include.patterns.iter().map(of_pattern).collect();
        match of_tables {
            Some(databases) if !include.is_empty() && include.regexes.is_empty() => {
                takes_part(databases.into_iter().flatten().collect())
            }
            _ => {
                let databases = &self.databases.include;
                let exact = self.exact_databases();
                let all_exact = databases.regexes.is_empty() && exact.len() == databases.patterns.len();
                if all_exact && !exact.is_empty() { takes_part(exact) } else { Reach::Anywhere }
            }
        }
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

#[cfg(test)]
mod tests;
