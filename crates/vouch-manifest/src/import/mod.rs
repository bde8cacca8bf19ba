//! Manifests out of what other tools write: [`Dump::read`] and [`Dump::manifest`].
//!
//! Invariant: a value is taken over only when it is known how the same value comes from a
//! server; everything else is left out with a reason that stands in the manifest.

mod mydumper;
mod shell;

use crate::flat;
use crate::id;
use crate::json::{self, Json};
use crate::model::{Backup, Class, Exclude, Kind, Manifest, Method, PositionFacts, ServerFacts, TableFacts};
use crate::pattern::matches;
use crate::read;
use std::collections::HashSet;

/// What a file was written by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Scripts around CHECKSUM TABLE: `{"schema.table": "3847291056"}`.
    Flat,
    /// mydumper, from 0.14 on: the file `metadata`.
    Mydumper,
    /// MySQL Shell's dumps: the file `@.checksums.json`.
    MysqlShell,
}

impl Source {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Source::Flat => "a flat map of checksums",
            Source::Mydumper => "the metadata of mydumper",
            Source::MysqlShell => "the checksums of MySQL Shell",
        }
    }

    /// What wrote these bytes.
    ///
    /// # Errors
    /// None that is known.
    pub fn of(bytes: &[u8]) -> Result<Source, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
        // Sections of mydumper begin as lists do.
        if !text.trim_start().starts_with('{') && json::parse(bytes).is_err() {
            return mydumper::is_one(text).map(|()| Source::Mydumper);
        }
        let is_object = |value: Option<&Json>| matches!(value, Some(Json::Object(_)));
        match json::parse(bytes)? {
            Json::Object(entries) => {
                let of = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value);
                match () {
                    () if is_object(of("config")) && is_object(of("data")) => Ok(Source::MysqlShell),
                    () if of("schema").is_some_and(|value| !matches!(value, Json::Text(_))) => {
                        Err("it is a manifest of version 1 already".to_owned())
                    }
                    () => Ok(Source::Flat),
                }
            }
            other => Err(format!("it is {} and not an object", other.kind())),
        }
    }
}

/// What was read of another tool's file.
#[derive(Clone, Debug)]
pub struct Dump {
    /// What wrote it.
    pub source: Source,
    /// Tables whose rows can be held against a server.
    pub tables: Vec<TableFacts>,
    /// What it has and cannot be taken over, and why.
    pub excludes: Vec<Exclude>,
    /// As of which position it is.
    pub position: Option<PositionFacts>,
    /// The server that it was taken from, as far as it says.
    pub server: Option<ServerFacts>,
    /// Entries of it that are of no use here.
    pub unused: usize,
}

/// What a dump does not say.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The cluster.
    pub cluster: String,
    /// The serial.
    pub serial: u64,
    /// When it stops to hold.
    pub expires_ms: Option<u64>,
    /// What makes the manifest.
    pub tool: String,
    /// The backup that it belongs to.
    pub backup: Option<Backup>,
    /// The server, where the user says which: it stands in for the dump's own word.
    pub server: Option<ServerFacts>,
    /// The GTIDs as of which it is, where the user says which.
    pub gtid: Option<String>,
    /// Whether numbers of rows are taken over: besides checksums, and alone where there are none.
    pub count_rows: bool,
    /// Databases that are restored under another name: the name in the dump, and the one on the server.
    pub renames: Vec<(String, String)>,
    /// Patterns of tables whose rows change on purpose, and why.
    pub volatile: Vec<(String, String)>,
}

impl Dump {
    /// Reads a file that `source` wrote. `root` is the file `@.json` of a dump of MySQL Shell, where there is one.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(source: Source, bytes: &[u8], root: Option<&[u8]>) -> Result<Dump, String> {
        match source {
            Source::Flat => flat_map(bytes),
            Source::Mydumper => mydumper::read(bytes),
            Source::MysqlShell => shell::read(bytes, root),
        }
    }

    /// The manifest that it amounts to.
    ///
    /// # Errors
    /// No table can be verified by it, two have one name, or the system has no randomness for an id.
    pub fn manifest(self, about: About) -> Result<Manifest, String> {
        let mut position = self.position;
        if let Some(gtid) = about.gtid {
            let known =
                PositionFacts { taken_ms: about.now_ms, method: "given".to_owned(), ..PositionFacts::default() };
            position = Some(PositionFacts { gtid, ..position.unwrap_or(known) });
        }
        let mut excludes: Vec<Exclude> =
            self.excludes.into_iter().map(|exclude| renamed(exclude, &about.renames)).collect();
        excludes.extend(
            about.volatile.iter().map(|(pattern, reason)| Exclude { pattern: pattern.clone(), reason: reason.clone() }),
        );
        let counts = about.count_rows || self.source == Source::MysqlShell;
        let by_count = |table: &TableFacts| table.digest.as_ref().is_some_and(|one| one.method == Method::RowCount);
        let (mut tables, left): (Vec<_>, Vec<_>) = self.tables.into_iter().partition(|one| counts || !by_count(one));
        let uncounted = |table: &TableFacts| Exclude {
            pattern: table.label(),
            reason: "the dump has no data_checksum of it, only a number of rows".to_owned(),
        };
        excludes.extend(left.iter().map(|table| renamed(uncounted(table), &about.renames)));
        if tables.is_empty() {
            return Err(NO_CHECKSUM.to_owned());
        }
        for table in &mut tables {
            adapt(table, &about.renames, &about.volatile, counts);
        }
        tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let manifest = Manifest {
            kind: Kind::V2,
            id: id::fresh(about.now_ms).ok_or("the system has no randomness")?,
            serial: about.serial,
            created_ms: about.now_ms,
            expires_ms: about.expires_ms,
            tool: about.tool,
            cluster: about.cluster,
            server: about.server.or(self.server),
            backup: about.backup,
            position,
            tables,
            objects: Vec::new(),
            excludes,
        };
        // What was read is what is written, or nothing is.
        read::manifest(json::parse(&crate::write::bytes(&manifest))?)
    }
}

/// A flat map, which need not name all tables of a database.
fn flat_map(bytes: &[u8]) -> Result<Dump, String> {
    let tables = flat::tables(json::parse(bytes)?)?;
    let mut schemas: Vec<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.dedup();
    let others = |schema: &&str| Exclude {
        pattern: format!("{schema}.*"),
        reason: "tables that the flat map does not name".to_owned(),
    };
    let excludes = schemas.iter().map(others).collect();
    Ok(Dump { source: Source::Flat, tables, excludes, position: None, server: None, unused: 0 })
}

/// What was left out of a database, under its name on the server.
fn renamed(exclude: Exclude, renames: &[(String, String)]) -> Exclude {
    let new = renames.iter().find_map(|(from, to)| {
        let table = exclude.pattern.strip_prefix(from.as_str())?.strip_prefix('.')?;
        Some(format!("{to}.{table}"))
    });
    match new {
        Some(pattern) => Exclude { pattern, ..exclude },
        None => exclude,
    }
}

const NO_CHECKSUM: &str = "it has no data_checksum of any table: dump with --data-checksums, or hold tables by their \
                           number of rows with --count-rows";

fn adapt(table: &mut TableFacts, renames: &[(String, String)], volatile: &[(String, String)], count_rows: bool) {
    if let Some((_, to)) = renames.iter().find(|(from, _)| *from == table.schema) {
        table.schema.clone_from(to);
    }
    if !count_rows {
        table.rows = None;
    }
    if volatile.iter().any(|(pattern, _)| matches(pattern, &table.label())) {
        (table.class, table.digest, table.rows) = (Class::Volatile, None, None);
    }
}

/// The first name that stands twice.
fn twice(tables: &[TableFacts]) -> Option<&TableFacts> {
    let mut seen = HashSet::new();
    tables.iter().find(|table| !seen.insert((&table.schema, &table.name)))
}
