//! mydumper's file `metadata`: sections in brackets, with `data_checksum` for each table.
//!
//! `data_checksum` is what CHECKSUM TABLE said; a table without it may still be held by its
//! number of rows, where the user wants that. The other checksums are of mydumper's own
//! making, and are counted as of no use here.

use super::{Dump, Source, twice};
use crate::model::{Class, Exclude, Method, PositionFacts, TableDigest, TableFacts};
use crate::time;

/// How a line break in a name is spelled, by accident ever since.
const BREAK: &str = "\u{1000}0";
/// How the name of a file begins that stands for a name which no file could have.
const ALIAS: &str = "mydumper_";

const TOO_OLD: &str = "it is the metadata of a mydumper before 0.14, which has no checksums in it";

/// Whether a text is such a file.
///
/// # Errors
/// What it is instead.
pub fn is_one(text: &str) -> Result<(), String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match lines.next() {
        Some(line) if line.starts_with('[') && line.ends_with(']') => Ok(()),
        Some(line) if line.starts_with("Started dump at") => Err(TOO_OLD.to_owned()),
        _ => Err("it is neither JSON nor the metadata of mydumper".to_owned()),
    }
}

/// A section that is about a table.
struct Section {
    quote: char,
    schema: String,
    name: String,
    checksum: Option<String>,
    rows: Option<u64>,
    sequence: bool,
    view: bool,
}

/// What a section is about.
enum About {
    Table(Box<Section>),
    Position,
    Other,
}

#[derive(Default)]
struct Reader {
    tables: Vec<TableFacts>,
    excludes: Vec<Exclude>,
    position: PositionFacts,
    unused: usize,
}

/// Reads the file.
///
/// # Errors
/// What is wrong, with the line.
pub fn read(bytes: &[u8]) -> Result<Dump, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    is_one(text)?;
    let mut reader = Reader::default();
    let mut about = About::Other;
    for (index, line) in text.lines().enumerate() {
        let wrong = |why: String| format!("line {}: {why}", index.saturating_add(1));
        let line = line.trim();
        if let Some(time) = line.strip_prefix("# Started dump at:") {
            // The file does not say in which zone.
            reader.position.taken_ms = time::parse(&format!("{}Z", time.trim().replace(' ', "T"))).unwrap_or(0);
        } else if line.is_empty() || line.starts_with('#') {
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            reader.close(about)?;
            about = section(name).map_err(wrong)?;
        } else if let Some((key, value)) = line.split_once('=') {
            reader.entry(&mut about, key.trim(), value.trim()).map_err(wrong)?;
        } else {
            return Err(wrong("this is neither a section nor an entry".to_owned()));
        }
    }
    reader.close(about)?;
    reader.finish()
}

/// What the section of that name is about.
fn section(name: &str) -> Result<About, String> {
    let Some(quote) = name.chars().next().filter(|c| matches!(c, '`' | '"')) else {
        return Ok(if matches!(name, "source" | "master") { About::Position } else { About::Other });
    };
    let wrong = || format!("[{}] is no name of a table", name.escape_debug());
    let (schema, rest) = identifier(name, quote).ok_or_else(wrong)?;
    let Some(rest) = rest.strip_prefix('.') else {
        return if rest.is_empty() { Ok(About::Other) } else { Err(wrong()) };
    };
    let (table, rest) = identifier(rest, quote).ok_or_else(wrong)?;
    match rest {
        "" => Ok(About::Table(Box::new(Section {
            quote,
            schema,
            name: table,
            checksum: None,
            rows: None,
            sequence: false,
            view: false,
        }))),
        _ => Err(wrong()),
    }
}

/// The quoted name that a text begins with, and what follows it.
fn identifier(text: &str, quote: char) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix(quote)?;
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once(quote)?;
        name.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                name.push(quote);
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}

/// A value without the quotes that some versions put around it; `None` for nothing.
fn unquoted(value: &str) -> Option<&str> {
    let quoted = |quote| value.strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    Some(value).filter(|value| !matches!(*value, "" | "(null)" | "NULL" | "null"))
}

fn whole(key: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{key} is `{}`, which is no whole number", value.escape_debug()))
}

impl Reader {
    fn entry(&mut self, about: &mut About, key: &str, value: &str) -> Result<(), String> {
        let name = key.to_ascii_lowercase();
        let used = match about {
            About::Table(table) => of_table(table, &name, value)?,
            About::Position => self.place(&name, unquoted(value))?,
            About::Other => false,
        };
        if !used {
            self.unused = self.unused.saturating_add(1);
        }
        Ok(())
    }

    fn place(&mut self, key: &str, value: Option<&str>) -> Result<bool, String> {
        let Some(value) = value else { return Ok(true) };
        match key {
            "file" | "source_log_file" => self.position.file = value.to_owned(),
            "position" | "source_log_pos" => self.position.offset = whole(key, value)?,
            "executed_gtid_set" => self.position.gtid = value.replace(char::is_whitespace, ""),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn close(&mut self, about: About) -> Result<(), String> {
        let About::Table(section) = about else { return Ok(()) };
        let label = format!("{}.{}", section.schema, section.name);
        for name in [&section.schema, &section.name] {
            let alias = name.strip_prefix(ALIAS).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            if alias || name.contains(BREAK) {
                return Err(format!(
                    "the dump calls something `{}` whose real name it does not tell: leave it out of the dump",
                    name.escape_debug()
                ));
            }
        }
        let reason = match () {
            () if section.view => "a view has no rows of its own",
            () if section.sequence => "a sequence moves on",
            () if section.checksum.is_none() && section.rows.is_none() => "the dump has no data_checksum of it",
            () => "",
        };
        if !reason.is_empty() {
            self.excludes.push(Exclude { pattern: label, reason: reason.to_owned() });
            return Ok(());
        }
        let by_checksum = section.checksum.map(|value| TableDigest { method: Method::ChecksumTable, value });
        let counted = |rows: u64| TableDigest { method: Method::RowCount, value: rows.to_string() };
        self.tables.push(TableFacts {
            schema: section.schema,
            name: section.name,
            engine: String::new(),
            rows: section.rows,
            digest: by_checksum.or_else(|| section.rows.map(counted)),
            definition_digest: None,
            class: Class::Verify,
            row_facts: None,
        });
        Ok(())
    }

    fn finish(self) -> Result<Dump, String> {
        if let Some(table) = twice(&self.tables) {
            return Err(format!("`{}` stands there twice", table.label().escape_debug()));
        }
        let known = !self.position.gtid.is_empty() || !self.position.file.is_empty();
        Ok(Dump {
            source: Source::Mydumper,
            tables: self.tables,
            excludes: self.excludes,
            position: known.then(|| PositionFacts { method: "dump".to_owned(), ..self.position }),
            server: None,
            unused: self.unused,
        })
    }
}

fn of_table(table: &mut Section, key: &str, value: &str) -> Result<bool, String> {
    match (key, unquoted(value)) {
        // A table may be called `null`, and bear quotes.
        ("real_table_name", _) => {
            let quote = table.quote.to_string();
            table.name = value.replace(&quote.repeat(2), &quote);
        }
        ("rows", Some(rows)) => table.rows = Some(whole(key, rows)?),
        ("is_sequence", flag) => table.sequence = flag == Some("1"),
        ("is_view", flag) => table.view = flag == Some("1"),
        ("data_checksum", Some(_)) if table.checksum.is_some() => {
            return Err("data_checksum stands there twice".to_owned());
        }
        ("data_checksum", Some(checksum)) if !Method::ChecksumTable.admits(checksum) => {
            return Err(format!("data_checksum is `{}`, which CHECKSUM TABLE never returns", checksum.escape_debug()));
        }
        ("data_checksum", checksum) => table.checksum = checksum.map(str::to_owned),
        _ => return Ok(false),
    }
    Ok(true)
}
