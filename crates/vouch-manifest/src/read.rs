//! Reading a manifest of version 1, strictly.
//!
//! Invariant: what is read either holds together or is refused. Called for
//! verified bytes alone (see `trust.rs`).

use crate::id::is_id;
use crate::json::{Fields, Json, Wrong};
use crate::model::{
    Backup, BackupFile, Class, Exclude, Kind, Manifest, Method, ObjectFacts, PositionFacts, ServerFacts, TableDigest,
    TableFacts, is_hex,
};
use std::collections::HashSet;

/// Most bytes of a name of a server: 64 characters of 4 bytes.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// Reads the tree of a document.
///
/// # Errors
/// What is wrong, and where.
pub fn manifest(document: Json) -> Result<Manifest, Wrong> {
    let mut fields = Fields::of(document, "")?;
    match fields.number("schema")? {
        1 => {}
        other => return Err(format!("schema is {other}, and this vouch reads 1")),
    }
    let manifest = Manifest {
        kind: Kind::V1,
        id: fields.text("id")?,
        serial: fields.number("serial")?,
        created_ms: time(&mut fields, "created_at")?.ok_or("created_at is missing")?,
        expires_ms: time(&mut fields, "expires_at")?,
        tool: fields.text("tool")?,
        cluster: fields.text("cluster")?,
        server: within(&mut fields, "server", server)?,
        backup: within(&mut fields, "backup", backup)?,
        position: within(&mut fields, "position", position)?,
        tables: each(&mut fields, "tables", table)?,
        objects: each(&mut fields, "objects", object)?,
        excludes: each(&mut fields, "excludes", exclude)?,
    };
    let totals = within(&mut fields, "totals", totals)?.ok_or("totals is missing")?;
    fields.end()?;
    check(&manifest, totals)?;
    Ok(manifest)
}

fn time(fields: &mut Fields, name: &str) -> Result<Option<u64>, Wrong> {
    let at = fields.at(name);
    let text = fields.text_or_none(name)?;
    text.map(|text| crate::time::parse(&text).ok_or_else(|| format!("{at} is no time such as 2025-03-01T12:00:00Z")))
        .transpose()
}

/// Reads an object that may be absent.
fn within<T>(
    fields: &mut Fields,
    name: &str,
    read: impl Fn(&mut Fields) -> Result<T, Wrong>,
) -> Result<Option<T>, Wrong> {
    let at = fields.at(name);
    fields.optional(name).map(|value| whole(value, &at, &read)).transpose()
}

/// Reads the objects of a list.
fn each<T>(fields: &mut Fields, name: &str, read: impl Fn(&mut Fields) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    fields.list(name)?.into_iter().map(|(at, value)| whole(value, &at, &read)).collect()
}

fn whole<T>(value: Json, at: &str, read: &impl Fn(&mut Fields) -> Result<T, Wrong>) -> Result<T, Wrong> {
    let mut fields = Fields::of(value, at)?;
    let read = read(&mut fields)?;
    fields.end()?;
    Ok(read)
}

fn server(fields: &mut Fields) -> Result<ServerFacts, Wrong> {
    let flavor = fields.text("flavor")?;
    if !matches!(flavor.as_str(), "mysql" | "mariadb") {
        return Err(format!("{} is neither mysql nor mariadb", fields.at("flavor")));
    }
    Ok(ServerFacts {
        uuid: fields.text("uuid")?,
        id: fields.number("id")?,
        version: fields.text("version")?,
        flavor,
        lower_case_table_names: fields.number("lower_case_table_names")?,
        sql_mode: fields.text("sql_mode")?,
    })
}

fn backup(fields: &mut Fields) -> Result<Backup, Wrong> {
    let files = each(fields, "files", file)?;
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(file.path.as_str())) {
        return Err(format!("the file `{}` stands there twice", twice.path.escape_debug()));
    }
    Ok(Backup { kind: fields.text("kind")?, uri: fields.text("uri")?, files })
}

fn file(fields: &mut Fields) -> Result<BackupFile, Wrong> {
    let (path, digest) = (fields.text("path")?, fields.text("digest")?);
    let inside = |part: &str| !matches!(part, "" | "." | "..");
    if !path.split('/').all(inside) || path.contains('\0') {
        return Err(format!("{} is no path inside the backup", fields.at("path")));
    }
    let digits = digest.strip_prefix("sha256:").filter(|digits| is_hex(digits, 64));
    let digest = digits.ok_or_else(|| format!("{} is not sha256: and 64 digits", fields.at("digest")))?.to_owned();
    Ok(BackupFile { path, size: fields.number("size")?, digest })
}

fn position(fields: &mut Fields) -> Result<PositionFacts, Wrong> {
    Ok(PositionFacts {
        gtid: fields.text("gtid")?,
        file: fields.text("file")?,
        offset: fields.number("offset")?,
        taken_ms: time(fields, "taken_at")?.ok_or_else(|| format!("{} is missing", fields.at("taken_at")))?,
        method: fields.text("method")?,
    })
}

fn name(fields: &mut Fields, field: &str) -> Result<String, Wrong> {
    let name = fields.text(field)?;
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
        return Err(format!("{} is no name that a server could have", fields.at(field)));
    }
    Ok(name)
}

fn table(fields: &mut Fields) -> Result<TableFacts, Wrong> {
    let class = fields.text("class")?;
    let class = Class::named(&class)
        .ok_or_else(|| format!("{} is none of verify, volatile, schema-only", fields.at("class")))?;
    let digest = within(fields, "digest", digest)?;
    if class == Class::Verify && digest.is_none() {
        return Err(format!("{} is missing, and the class is verify", fields.at("digest")));
    }
    Ok(TableFacts {
        schema: name(fields, "schema")?,
        name: name(fields, "name")?,
        engine: fields.text("engine")?,
        rows: fields.number_or_none("rows")?,
        digest,
        definition_digest: definition(fields)?,
        class,
    })
}

fn definition(fields: &mut Fields) -> Result<Option<String>, Wrong> {
    let digest = fields.text_or_none("definition_digest")?;
    match digest {
        Some(digest) if !is_hex(&digest, 64) => Err(format!("{} is not 64 digits", fields.at("definition_digest"))),
        digest => Ok(digest),
    }
}

fn digest(fields: &mut Fields) -> Result<TableDigest, Wrong> {
    let (method, value) = (fields.text("method")?, fields.text("value")?);
    let method = Method::named(&method)
        .ok_or_else(|| format!("{} is neither checksum-table nor row-sha256 nor row-count", fields.at("method")))?;
    if !method.admits(&value) {
        return Err(format!("{} is no value that {} has", fields.at("value"), method.name()));
    }
    Ok(TableDigest { method, value })
}

fn object(fields: &mut Fields) -> Result<ObjectFacts, Wrong> {
    let kind = fields.text("kind")?;
    if !matches!(kind.as_str(), "view" | "procedure" | "function" | "trigger" | "event") {
        return Err(format!("{} is none of view, procedure, function, trigger, event", fields.at("kind")));
    }
    let digest = definition(fields)?.ok_or_else(|| format!("{} is missing", fields.at("definition_digest")))?;
    Ok(ObjectFacts { kind, schema: name(fields, "schema")?, name: name(fields, "name")?, definition_digest: digest })
}

fn exclude(fields: &mut Fields) -> Result<Exclude, Wrong> {
    Ok(Exclude { pattern: fields.text("pattern")?, reason: fields.text("reason")? })
}

fn totals(fields: &mut Fields) -> Result<[u64; 3], Wrong> {
    Ok([fields.number("tables")?, fields.number("rows")?, fields.number("objects")?])
}

/// What one part says about another must be true.
fn check(manifest: &Manifest, totals: [u64; 3]) -> Result<(), Wrong> {
    if !is_id(&manifest.id) {
        return Err("id is no UUID of version 7 in lower case".to_owned());
    }
    if manifest.cluster.is_empty() {
        return Err("cluster is empty".to_owned());
    }
    if manifest.expires_ms.is_some_and(|expires| expires <= manifest.created_ms) {
        return Err("expires_at is not after created_at".to_owned());
    }
    let mut seen = HashSet::new();
    if let Some(twice) = manifest.tables.iter().find(|table| !seen.insert((&table.schema, &table.name))) {
        return Err(format!("the table `{}` stands there twice", twice.label().escape_debug()));
    }
    if !manifest.tables.iter().any(|table| table.class == Class::Verify) {
        return Err("no table is to be verified: such a manifest proves nothing".to_owned());
    }
    let rows = manifest.tables.iter().filter_map(|table| table.rows).fold(0, u64::saturating_add);
    if totals != [manifest.tables.len() as u64, rows, manifest.objects.len() as u64] {
        return Err("totals are not those of the tables and objects".to_owned());
    }
    Ok(())
}
