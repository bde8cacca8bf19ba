//! The flat map `{"schema.table": "3847291056"}` that scripts keep, read strictly.

use crate::json::{Json, Wrong};
use crate::model::{Class, Kind, Manifest, Method, TableDigest, TableFacts};

/// Reads a flat map; `digest` is that of its file, which stands in for an id.
///
/// # Errors
/// What is wrong, and where.
pub fn manifest(document: Json, digest: &str) -> Result<Manifest, Wrong> {
    let Json::Object(entries) = document else {
        return Err(format!("the document is {} and not an object", document.kind()));
    };
    if entries.is_empty() {
        return Err("it names no table: an empty manifest proves nothing".to_owned());
    }
    let mut tables = entries.into_iter().map(|(key, value)| table(&key, value)).collect::<Result<Vec<_>, _>>()?;
    tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
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
        tables,
        objects: Vec::new(),
        excludes: Vec::new(),
    })
}

fn table(key: &str, value: Json) -> Result<TableFacts, Wrong> {
    let at = || format!("`{}`", key.escape_debug());
    let (schema, name) = match key.split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('.') => (schema, name),
        Some((_, name)) if name.contains('.') => {
            return Err(format!("{} has more than one dot, and could mean several tables", at()));
        }
        _ => return Err(format!("{} is not schema.table", at())),
    };
    let value = match value {
        Json::Text(value) => value,
        other => return Err(format!("the checksum of {} is {} and not a string of digits", at(), other.kind())),
    };
    if !Method::ChecksumTable.admits(&value) {
        return Err(format!(
            "the checksum of {} is no number from 0 to 4294967295, which is all that CHECKSUM TABLE returns",
            at()
        ));
    }
    Ok(TableFacts {
        schema: schema.to_owned(),
        name: name.to_owned(),
        engine: String::new(),
        rows: None,
        digest: Some(TableDigest { method: Method::ChecksumTable, value }),
        definition_digest: None,
        class: Class::Verify,
    })
}
