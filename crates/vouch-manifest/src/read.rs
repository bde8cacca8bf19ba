//! Reading a manifest of version 1 or 2, strictly.
//!
//! Invariant: what is read either holds together or is refused. Called for
//! verified bytes alone (see `trust.rs`).

use crate::id::is_id;
use crate::json::{Fields, Json, Wrong};
use crate::model::{
    Backup, BackupFile, Class, Exclude, Kind, Manifest, Method, ObjectFacts, PositionFacts, ServerFacts, TableDigest,
    TableFacts, is_hex,
};
use crate::rows::{self, ColumnFacts, Form, KeyFacts, RangeFacts, RowFacts};
use std::collections::HashSet;
use vouch_convert::widen;

/// Most bytes of a name of a server: 64 characters of 4 bytes.
const NAME_BYTES_MAX: usize = 256;

/// Reads the tree of a document.
///
/// # Errors
/// What is wrong, and where.
pub fn manifest(document: Json) -> Result<Manifest, Wrong> {
    let mut fields = Fields::of(document, "")?;
    let kind = match fields.number("schema")? {
        1 => Kind::V1,
        2 => Kind::V2,
        other => return Err(format!("schema is {other}, and this vouch reads 1 and 2")),
    };
    let manifest = Manifest {
        kind,
        id: fields.text("id")?,
        serial: fields.number("serial")?,
        created_ms: time(&mut fields, "created_at")?.ok_or("created_at is missing")?,
        expires_ms: time(&mut fields, "expires_at")?,
        tool: fields.text("tool")?,
        cluster: fields.text("cluster")?,
        server: within(&mut fields, "server", server)?,
        backup: within(&mut fields, "backup", backup)?,
        position: within(&mut fields, "position", position)?,
        tables: each(&mut fields, "tables", |fields| table(fields, kind))?,
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
    match is_name(&name) {
        true => Ok(name),
        false => Err(format!("{} is no name that a server could have", fields.at(field))),
    }
}

fn names(fields: &mut Fields, field: &str) -> Result<Vec<String>, Wrong> {
    let names = fields.texts(field)?;
    match names.iter().all(|name| is_name(name)) {
        true => Ok(names),
        false => Err(format!("{} has a name that no server could have", fields.at(field))),
    }
}

/// Whether a server could have that name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains('\0')
}

fn table(fields: &mut Fields, kind: Kind) -> Result<TableFacts, Wrong> {
    let class = fields.text("class")?;
    let class = Class::named(&class)
        .ok_or_else(|| format!("{} is none of verify, volatile, schema-only", fields.at("class")))?;
    let digest = within(fields, "digest", |fields| digest(fields, kind))?;
    if class == Class::Verify && digest.is_none() {
        return Err(format!("{} is missing, and the class is verify", fields.at("digest")));
    }
    let rows = fields.number_or_none("rows")?;
    let row_facts = match kind {
        Kind::V2 => row_facts(fields, digest.as_ref(), rows)?,
        _ => None,
    };
    Ok(TableFacts {
        schema: name(fields, "schema")?,
        name: name(fields, "name")?,
        engine: fields.text("engine")?,
        rows,
        digest,
        definition_digest: definition(fields)?,
        class,
        row_facts,
    })
}

/// How rows were digested: there for the methods that have more to say than a value, and for no others.
fn row_facts(fields: &mut Fields, digest: Option<&TableDigest>, rows: Option<u64>) -> Result<Option<RowFacts>, Wrong> {
    let facts = RowFacts {
        columns: each(fields, "columns", column)?,
        virtual_columns: names(fields, "virtual_columns")?,
        key: each(fields, "key", key)?,
        ranges: each(fields, "ranges", range)?,
    };
    let at = |field: &str| fields.at(field);
    let mut seen = HashSet::new();
    let columns = facts.columns.iter().map(|column| &column.name).chain(&facts.virtual_columns);
    if let Some(twice) = { columns }.find(|name| !seen.insert(name.as_str())) {
        return Err(format!("{} names the column `{}` twice", at("columns"), twice.escape_debug()));
    }
    let method = digest.map(|digest| digest.method);
    if let (Some(digest), Some(Method::RowSha256Tree)) = (digest, method) {
        return match rows::fault(&facts, &digest.value, rows) {
            Some((field, why)) => Err(format!("{}: {why}", at(field))),
            None => Ok(Some(facts)),
        };
    }
    if !facts.key.is_empty() || !facts.ranges.is_empty() {
        return Err(format!("{} and ranges belong to the method row-sha256-tree alone", at("key")));
    }
    if method == Some(Method::RowLthash) {
        return match rows {
            Some(_) => Ok(Some(facts)),
            None => Err(format!("{} is missing, and belongs to the method row-lthash", at("rows"))),
        };
    }
    match facts == RowFacts::default() {
        true => Ok(None),
        false => Err(format!("{} belongs to the methods row-sha256-tree and row-lthash alone", at("columns"))),
    }
}

fn column(fields: &mut Fields) -> Result<ColumnFacts, Wrong> {
    let form = fields.text("form")?;
    let form = Form::named(&form).ok_or_else(|| format!("{} is not a form that is known", fields.at("form")))?;
    let nullable = fields.flag("nullable")?;
    Ok(ColumnFacts { name: name(fields, "name")?, form, nullable })
}

fn key(fields: &mut Fields) -> Result<KeyFacts, Wrong> {
    Ok(KeyFacts { column: name(fields, "column")?, descending: fields.flag("descending")? })
}

fn range(fields: &mut Fields) -> Result<RangeFacts, Wrong> {
    let upto = fields.texts_or_none("upto")?;
    let sha256 = fields.text("sha256")?;
    if !is_hex(&sha256, 64) {
        return Err(format!("{} is not 64 digits", fields.at("sha256")));
    }
    Ok(RangeFacts { upto, rows: fields.number("rows")?, sha256 })
}

fn definition(fields: &mut Fields) -> Result<Option<String>, Wrong> {
    let digest = fields.text_or_none("definition_digest")?;
    match digest {
        Some(digest) if !is_hex(&digest, 64) => Err(format!("{} is not 64 digits", fields.at("definition_digest"))),
        digest => Ok(digest),
    }
}

fn digest(fields: &mut Fields, kind: Kind) -> Result<TableDigest, Wrong> {
    let (method, value) = (fields.text("method")?, fields.text("value")?);
    let known = Method::named(&method).filter(|method| kind == Kind::V2 || method.is_in_v1());
    let method = known.ok_or_else(|| format!("{} is not a method that this version has", fields.at("method")))?;
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
    if totals != [widen(manifest.tables.len()), rows, widen(manifest.objects.len())] {
        return Err("totals are not those of the tables and objects".to_owned());
    }
    Ok(())
}
