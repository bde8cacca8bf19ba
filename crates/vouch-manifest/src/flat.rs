//! The flat map `{"schema.table": "3847291056"}` that scripts keep, read strictly.

use crate::json::{Json, Wrong};
use crate::model::{Class, Kind, Manifest, Method, TableDigest, TableFacts};

/// What is said of a map without entries.
pub const EMPTY: &str = "it names no table: an empty manifest proves nothing";

/// Reads a flat map; `digest` is that of its file, which stands in for an id.
///
/// # Errors
/// What is wrong, and where.
pub fn manifest(document: Json, digest: &str) -> Result<Manifest, Wrong> {
    Ok(Manifest {
        kind: Kind::Flat,
        id: format!("sha256:{digest}"),
        serial: 0,
        created_ms: 0,
        expires_ms: None,
        tool: String::new(),
        cluster: String::new(),
        server: None,
        backup: None,
        position: None,
        tables: tables(document)?,
        objects: Vec::new(),
        excludes: Vec::new(),
    })
}

/// The tables of a flat map, in the order of their names.
///
/// # Errors
/// What is wrong, and where.
pub fn tables(document: Json) -> Result<Vec<TableFacts>, Wrong> {
    let Json::Object(entries) = document else {
        return Err(format!("the document is {} and not an object", document.kind()));
    };
    if entries.is_empty() {
        return Err(EMPTY.to_owned());
    }
    let mut tables = entries.into_iter().map(|(key, value)| table(&key, value)).collect::<Result<Vec<_>, _>>()?;
    tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    Ok(tables)
}

fn table(key: &str, value: Json) -> Result<TableFacts, Wrong> {
    let (schema, name) = name(key)?;
    let text = match &value {
        Json::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let value = checksum(key, text, value.kind())?;
    Ok(TableFacts {
        schema: schema.to_owned(),
        name: name.to_owned(),
        engine: String::new(),
        rows: None,
        digest: Some(TableDigest { method: Method::ChecksumTable, value }),
        definition_digest: None,
        class: Class::Verify,
        row_facts: None,
    })
}

/// Database and table of a key.
///
/// # Errors
/// It is no such name, or could be several.
pub fn name(key: &str) -> Result<(&str, &str), Wrong> {
    let at = || format!("`{}`", key.escape_debug());
    match key.split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('.') => Ok((schema, name)),
        Some((_, name)) if name.contains('.') => {
            Err(format!("{} has more than one dot, and could mean several tables", at()))
        }
        _ => Err(format!("{} is not schema.table", at())),
    }
}

/// The checksum of a key; `text` is `None` for a value of another `kind`.
///
/// # Errors
/// It is none that CHECKSUM TABLE could have said.
pub fn checksum(key: &str, text: Option<&str>, kind: &str) -> Result<String, Wrong> {
    let about = || format!("the checksum of `{}`", key.escape_debug());
    let text = text.ok_or_else(|| format!("{} is {kind} and not a string of digits", about()))?;
    match Method::ChecksumTable.admits(text) {
        true => Ok(text.to_owned()),
        false => {
            Err(format!("{} is no number from 0 to 4294967295, which is all that CHECKSUM TABLE returns", about()))
        }
    }
}
