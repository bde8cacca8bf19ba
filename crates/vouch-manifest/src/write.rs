//! The exact bytes of a manifest: the same manifest is always the same bytes.

use crate::json::Json;
use crate::model::{Backup, Kind, Manifest, ObjectFacts, PositionFacts, ServerFacts, TableFacts};
use crate::rows::{ColumnFacts, KeyFacts, RangeFacts, RowFacts};
use crate::time::rfc3339;
use vouch_convert::widen;

/// The file of a manifest, indented, ending with a newline: of version 1 where it is of that kind, else of
/// version 2. Tables, files and objects stand in the order of their names.
pub fn bytes(manifest: &Manifest) -> Vec<u8> {
    text_of(&document(manifest))
}

/// A document as a file, indented, ending with a newline.
pub(crate) fn text_of(document: &Json) -> Vec<u8> {
    let mut text = String::new();
    print(document, 0, &mut text);
    text.push('\n');
    text.into_bytes()
}

fn document(manifest: &Manifest) -> Json {
    let mut tables: Vec<&TableFacts> = manifest.tables.iter().collect();
    tables.sort_by_key(|table| (&table.schema, &table.name));
    let mut objects: Vec<&ObjectFacts> = manifest.objects.iter().collect();
    objects.sort();
    let rows = tables.iter().filter_map(|table| table.rows).fold(0, u64::saturating_add);
    object([
        ("schema", Json::Number(if manifest.kind == Kind::V1 { 1 } else { 2 })),
        ("id", text(&manifest.id)),
        ("serial", Json::Number(manifest.serial)),
        ("created_at", text(&rfc3339(manifest.created_ms))),
        ("expires_at", manifest.expires_ms.map_or(Json::Null, |at| text(&rfc3339(at)))),
        ("tool", text(&manifest.tool)),
        ("cluster", text(&manifest.cluster)),
        ("server", manifest.server.as_ref().map_or(Json::Null, server)),
        ("backup", manifest.backup.as_ref().map_or(Json::Null, backup)),
        ("position", manifest.position.as_ref().map_or(Json::Null, position)),
        ("tables", Json::List(tables.iter().map(|one| table(one, manifest.kind)).collect())),
        ("objects", Json::List(objects.iter().map(|one| thing(one)).collect())),
        (
            "totals",
            object([
                ("tables", Json::Number(widen(tables.len()))),
                ("rows", Json::Number(rows)),
                ("objects", Json::Number(widen(objects.len()))),
            ]),
        ),
        (
            "excludes",
            Json::List(
                manifest
                    .excludes
                    .iter()
                    .map(|one| object([("pattern", text(&one.pattern)), ("reason", text(&one.reason))]))
                    .collect(),
            ),
        ),
    ])
}

fn server(facts: &ServerFacts) -> Json {
    object([
        ("uuid", text(&facts.uuid)),
        ("id", Json::Number(facts.id)),
        ("version", text(&facts.version)),
        ("flavor", text(&facts.flavor)),
        ("lower_case_table_names", Json::Number(facts.lower_case_table_names)),
        ("sql_mode", text(&facts.sql_mode)),
    ])
}

fn backup(facts: &Backup) -> Json {
    let mut files: Vec<_> = facts.files.iter().collect();
    files.sort_by_key(|file| &file.path);
    let file = |file: &&crate::model::BackupFile| {
        object([
            ("path", text(&file.path)),
            ("size", Json::Number(file.size)),
            ("digest", text(&format!("sha256:{}", file.digest))),
        ])
    };
    object([
        ("kind", text(&facts.kind)),
        ("uri", text(&facts.uri)),
        ("files", Json::List(files.iter().map(file).collect())),
    ])
}

fn position(facts: &PositionFacts) -> Json {
    object([
        ("gtid", text(&facts.gtid)),
        ("file", text(&facts.file)),
        ("offset", Json::Number(facts.offset)),
        ("taken_at", text(&rfc3339(facts.taken_ms))),
        ("method", text(&facts.method)),
    ])
}

fn table(facts: &TableFacts, kind: Kind) -> Json {
    let digest = facts
        .digest
        .as_ref()
        .map_or(Json::Null, |digest| object([("method", text(digest.method.name())), ("value", text(&digest.value))]));
    let common = [
        ("schema", text(&facts.schema)),
        ("name", text(&facts.name)),
        ("engine", text(&facts.engine)),
        ("rows", facts.rows.map_or(Json::Null, Json::Number)),
        ("digest", digest),
        ("definition_digest", facts.definition_digest.as_deref().map_or(Json::Null, text)),
        ("class", text(facts.class.name())),
    ];
    let more = facts.row_facts.as_ref().filter(|_| kind != Kind::V1).map(row_facts);
    let entries = common.into_iter().chain(more.into_iter().flatten());
    Json::Object(entries.map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The fields that version 2 adds to a table; a list that is empty is left out.
fn row_facts(facts: &RowFacts) -> Vec<(&'static str, Json)> {
    let lists = [
        ("columns", facts.columns.iter().map(column).collect()),
        ("virtual_columns", facts.virtual_columns.iter().map(|name| text(name)).collect()),
        ("key", facts.key.iter().map(key).collect()),
        ("ranges", facts.ranges.iter().map(range).collect()),
    ];
    let filled = lists.into_iter().filter(|(_, items): &(_, Vec<Json>)| !items.is_empty());
    filled.map(|(name, items)| (name, Json::List(items))).collect()
}

fn column(facts: &ColumnFacts) -> Json {
    object([("name", text(&facts.name)), ("form", text(facts.form.name())), ("nullable", Json::Bool(facts.nullable))])
}

fn key(facts: &KeyFacts) -> Json {
    object([("column", text(&facts.column)), ("descending", Json::Bool(facts.descending))])
}

fn range(facts: &RangeFacts) -> Json {
    let upto = facts.upto.as_ref().map(|upto| Json::List(upto.iter().map(|value| text(value)).collect()));
    object([("upto", upto.unwrap_or(Json::Null)), ("rows", Json::Number(facts.rows)), ("sha256", text(&facts.sha256))])
}

fn thing(facts: &ObjectFacts) -> Json {
    object([
        ("kind", text(&facts.kind)),
        ("schema", text(&facts.schema)),
        ("name", text(&facts.name)),
        ("definition_digest", text(&facts.definition_digest)),
    ])
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Whether a value stands on one line: lists of plain values do, and so do objects without other lists.
fn is_flat(value: &Json) -> bool {
    match value {
        Json::List(items) => items.iter().all(|item| !matches!(item, Json::List(_) | Json::Object(_))),
        Json::Object(entries) => entries.iter().all(|(_, value)| is_flat(value)),
        _ => true,
    }
}

/// What is flat stands on one line.
fn print(value: &Json, depth: usize, out: &mut String) {
    let (indent, outdent) = ("  ".repeat(depth.saturating_add(1)), "  ".repeat(depth));
    match value {
        Json::List(items) if !items.is_empty() && is_flat(value) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                print(item, depth, out);
            }
            out.push(']');
        }
        Json::List(items) if !items.is_empty() => {
            out.push_str("[\n");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "" });
                out.push_str(&indent);
                print(item, depth.saturating_add(1), out);
            }
            out.push_str(&format!("\n{outdent}]"));
        }
        Json::Object(entries) => {
            let flat = depth > 0 && is_flat(value);
            let (open, between, close) = match flat {
                true => ("{ ".to_owned(), ", ".to_owned(), " }".to_owned()),
                false => (format!("{{\n{indent}"), format!(",\n{indent}"), format!("\n{outdent}}}")),
            };
            out.push_str(&open);
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { &between } else { "" });
                out.push_str(&format!("{}: ", quoted(key)));
                print(value, depth.saturating_add(1), out);
            }
            out.push_str(&close);
        }
        Json::List(_) => out.push_str("[]"),
        Json::Null | Json::OtherNumber => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number.to_string()),
        Json::Text(text) => out.push_str(&quoted(text)),
    }
}

/// A string as JSON, in ASCII but for letters, so that nothing in it can paint a terminal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out.push('"');
    out
}
