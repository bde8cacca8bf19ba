//! MySQL Shell's `@.checksums.json` and `@.json`, which a dump with `checksum: true` has.
//!
//! Its checksums are of chunks, and only MySQL Shell makes them again. What they count is
//! the same for everybody: the number of rows of each table is what is taken over.

use super::{Dump, Source};
use crate::json::{self, Json};
use crate::model::{Class, Exclude, Method, PositionFacts, ServerFacts, TableDigest, TableFacts};
use crate::time;

/// Reads the checksums and, where it is there, the description of the dump.
///
/// # Errors
/// What is wrong, and where.
pub fn read(checksums: &[u8], root: Option<&[u8]>) -> Result<Dump, String> {
    let root = root.map(json::parse).transpose().map_err(|why| format!("@.json: {why}"))?;
    let document = json::parse(checksums)?;
    let data = get(&document, "data").ok_or("data is missing")?;
    let partial = root.as_ref().is_some_and(some_partitions);
    let mut dump = Dump {
        source: Source::MysqlShell,
        tables: Vec::new(),
        excludes: Vec::new(),
        position: root.as_ref().and_then(position),
        server: root.as_ref().and_then(server),
        unused: 0,
    };
    for (schema, tables) in entries(data, "data")? {
        for (name, table) in entries(tables, &format!("data.{schema}"))? {
            one(schema, name, table, partial, &mut dump)?;
        }
    }
    match dump.tables.is_empty() {
        true => Err("it counts the rows of no whole table".to_owned()),
        false => Ok(dump),
    }
}

fn one(schema: &str, name: &str, table: &Json, partial: bool, dump: &mut Dump) -> Result<(), String> {
    let at = format!("data.{schema}.{name}");
    let partitions = entries(get(table, "partitions").ok_or_else(|| format!("{at}.partitions is missing"))?, &at)?;
    let mut rows = 0_u64;
    for (partition, chunks) in partitions {
        for (chunk, sum) in entries(chunks, &at)? {
            let Some(Json::Number(count)) = get(sum, "count") else {
                return Err(format!("{at}.partitions.{partition}.{chunk}.count is no whole number"));
            };
            rows = rows.checked_add(*count).ok_or_else(|| format!("{at} counts more rows than there can be"))?;
            dump.unused = dump.unused.saturating_add(1);
        }
    }
    let named = partitions.iter().any(|(partition, _)| !partition.is_empty());
    let reason = match () {
        () if get(table, "extraFilter").is_some() => "only some of its rows were dumped (where)",
        () if partial && named => "only some of its partitions were dumped",
        () => "",
    };
    if !reason.is_empty() {
        dump.excludes.push(Exclude { pattern: format!("{schema}.{name}"), reason: reason.to_owned() });
        return Ok(());
    }
    dump.tables.push(TableFacts {
        schema: schema.to_owned(),
        name: name.to_owned(),
        engine: String::new(),
        rows: Some(rows),
        digest: Some(TableDigest { method: Method::RowCount, value: rows.to_string() }),
        definition_digest: None,
        class: Class::Verify,
        row_facts: None,
    });
    Ok(())
}

fn get<'a>(value: &'a Json, name: &str) -> Option<&'a Json> {
    let Json::Object(entries) = value else { return None };
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value).filter(|value| **value != Json::Null)
}

fn text<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    match get(value, name)? {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn entries<'a>(value: &'a Json, at: &str) -> Result<&'a [(String, Json)], String> {
    match value {
        Json::Object(entries) => Ok(entries),
        other => Err(format!("{} is {} and not an object", at.escape_debug(), other.kind())),
    }
}

/// Whether the dump was told to take only some partitions of some tables.
fn some_partitions(root: &Json) -> bool {
    let asked = get(root, "options").and_then(|options| get(options, "partitions"));
    matches!(asked, Some(Json::Object(tables)) if !tables.is_empty())
}

/// The position of a consistent dump.
fn position(root: &Json) -> Option<PositionFacts> {
    let is = |name: &str, flag: bool| get(root, name) == Some(&Json::Bool(flag));
    if is("consistent", false) || is("gtidExecutedInconsistent", true) {
        return None;
    }
    let offset = match get(root, "binlogPosition") {
        Some(Json::Number(offset)) => *offset,
        _ => 0,
    };
    let gtid = text(root, "gtidExecuted").unwrap_or_default().replace(char::is_whitespace, "");
    let file = text(root, "binlogFile").unwrap_or_default().to_owned();
    let begun = text(root, "begin").and_then(|begin| time::parse(&format!("{}Z", begin.replace(' ', "T"))));
    let known = !gtid.is_empty() || !file.is_empty();
    let method = "dump".to_owned();
    known.then(|| PositionFacts { gtid, file, offset, taken_ms: begun.unwrap_or(0), method })
}

fn server(root: &Json) -> Option<ServerFacts> {
    let within = get(root, "source").and_then(|source| text(source, "version"));
    let version = text(root, "serverVersion").or(within)?;
    let flavor = if version.contains("MariaDB") { "mariadb" } else { "mysql" }.to_owned();
    // What MariaDB says to clients that would not believe its number.
    let version = version.strip_prefix("5.5.5-").or_else(|| version.strip_prefix("5.6.0-")).unwrap_or(version);
    Some(ServerFacts { flavor, version: version.to_owned(), ..ServerFacts::default() })
}
