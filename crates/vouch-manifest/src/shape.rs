//! The shapes of manifests as tables: [`DOCUMENT_V1`] and [`DOCUMENT_V2`].
//!
//! `lint` walks them to find every fault at once, and the JSON Schemas are made from them.
//! Invariant: it takes what `read.rs` takes, which tests hold both to.

use crate::id::is_id;
use crate::model::is_hex;
use crate::read::is_name;

/// A field of an object.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it may not be absent or null.
    pub required: bool,
    /// What it holds.
    pub shape: Shape,
    /// What it means, in a sentence.
    pub about: &'static str,
}

/// What a value may be.
pub enum Shape {
    /// The number of the version.
    Version(u64),
    /// True or false.
    Flag,
    /// A list of strings.
    Texts(Rule),
    /// A whole number from 0.
    Whole,
    /// A string.
    Text(Rule),
    /// An object.
    Object(&'static Object),
    /// A list of objects.
    List(&'static Object),
}

/// An object, and what its fields have to do with each other.
pub struct Object {
    /// Its fields, in the order in which they are written.
    pub fields: &'static [Field],
    /// Which rules hold between them.
    pub bond: Bond,
}

/// Rules between the fields of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// None.
    Free,
    /// One of the tables is to be verified, no name stands twice, totals and times fit.
    Document,
    /// A table that is to be verified has a digest.
    Table,
    /// The same, and its ranges fit its key and its digest.
    TableV2,
    /// The value is one that the method has.
    Digest,
    /// No path stands twice.
    Backup,
}

/// What a string may be.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Anything.
    Any,
    /// Not empty.
    Filled,
    /// A UUID of version 7.
    Id,
    /// A time.
    Time,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A name that a server could have.
    Name,
    /// A path inside the backup.
    Path,
    /// `sha256:` and 64 digits.
    FileDigest,
    /// 64 digits.
    Hex,
}

impl Rule {
    /// What is wrong with a string; `None` when nothing is.
    pub fn fault(self, text: &str) -> Option<String> {
        let (holds, what) = match self {
            Rule::Any => (true, String::new()),
            Rule::Filled => (!text.is_empty(), "is empty".to_owned()),
            Rule::Id => (is_id(text), "is no UUID of version 7 in lower case".to_owned()),
            Rule::Time => (crate::time::parse(text).is_some(), "is no time such as 2025-03-01T12:00:00Z".to_owned()),
            Rule::OneOf(words) => (words.contains(&text), format!("is none of {}", words.join(", "))),
            Rule::Name => (is_name(text), "is no name that a server could have".to_owned()),
            Rule::Path => (
                text.split('/').all(|part| !matches!(part, "" | "." | "..")) && !text.contains('\0'),
                "is no path inside the backup".to_owned(),
            ),
            Rule::FileDigest => (
                text.strip_prefix("sha256:").is_some_and(|digits| is_hex(digits, 64)),
                "is not sha256: and 64 hexadecimal digits in lower case".to_owned(),
            ),
            Rule::Hex => (is_hex(text, 64), "is not 64 hexadecimal digits in lower case".to_owned()),
        };
        (!holds).then_some(what)
    }
}

const fn must(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, required: true, shape, about }
}

const fn may(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, required: false, shape, about }
}

/// A document of version 1.
pub static DOCUMENT_V1: Object = Object { bond: Bond::Document, fields: &document(1, &TABLE_V1) };

/// A document of version 2.
pub static DOCUMENT_V2: Object = Object { bond: Bond::Document, fields: &document(2, &TABLE_V2) };

const fn document(version: u64, table: &'static Object) -> [Field; 14] {
    [
        must("schema", Shape::Version(version), "The version of this format."),
        must("id", Shape::Text(Rule::Id), "UUID of version 7, lower case."),
        must("serial", Shape::Whole, "Does not fall from one manifest of a cluster to the next."),
        must("created_at", Shape::Text(Rule::Time), "When it was made."),
        may("expires_at", Shape::Text(Rule::Time), "From then on it is refused; after `created_at`."),
        must("tool", Shape::Text(Rule::Any), "What made it."),
        must("cluster", Shape::Text(Rule::Filled), "What it is about; keys may be bound to it."),
        may("server", Shape::Object(&SERVER), "Where it was taken."),
        may("backup", Shape::Object(&BACKUP), "The backup that it belongs to."),
        may("position", Shape::Object(&POSITION), "As of which position it holds."),
        may("tables", Shape::List(table), "At least one of class `verify`; no name twice."),
        may("objects", Shape::List(&THING), "Views, routines, triggers, events."),
        must("totals", Shape::Object(&TOTALS), "Must be those of the lists."),
        may("excludes", Shape::List(&EXCLUDE), "What was left out, and why."),
    ]
}

static SERVER: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("uuid", Shape::Text(Rule::Any), "`server_uuid`; empty on MariaDB."),
        must("id", Shape::Whole, "`server_id`."),
        must("version", Shape::Text(Rule::Any), "The version, in full."),
        must("flavor", Shape::Text(Rule::OneOf(&["mysql", "mariadb"])), "The kind of server."),
        must("lower_case_table_names", Shape::Whole, "The variable of that name."),
        must("sql_mode", Shape::Text(Rule::Any), "The variable of that name."),
    ],
};

static BACKUP: Object = Object {
    bond: Bond::Backup,
    fields: &[
        must("kind", Shape::Text(Rule::Any), "What made the backup."),
        must("uri", Shape::Text(Rule::Any), "Where it is kept."),
        may("files", Shape::List(&FILE), "Every file of it; no path twice."),
    ],
};

static FILE: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("path", Shape::Text(Rule::Path), "Relative, with `/`, without `.` and `..`."),
        must("size", Shape::Whole, "Bytes."),
        must("digest", Shape::Text(Rule::FileDigest), "SHA-256 of its contents."),
    ],
};

static POSITION: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("gtid", Shape::Text(Rule::Any), "Executed set (MySQL) or the GTID of each domain (MariaDB)."),
        must("file", Shape::Text(Rule::Any), "File of the server's own binary log."),
        must("offset", Shape::Whole, "Offset in that file, in bytes."),
        must("taken_at", Shape::Text(Rule::Time), "When."),
        must("method", Shape::Text(Rule::Any), "How it is known to be the position of the data."),
    ],
};

const SCHEMA: Field = must("schema", Shape::Text(Rule::Name), "The database.");
const NAME: Field = must("name", Shape::Text(Rule::Name), "The table; dots are safe.");
const ENGINE: Field = must("engine", Shape::Text(Rule::Any), "Storage engine.");
const ROWS: Field = may("rows", Shape::Whole, "Rows, where they were counted.");
const DEFINITION: Field = may("definition_digest", Shape::Text(Rule::Hex), "SHA-256 over columns and indexes.");
const CLASS: Field =
    must("class", Shape::Text(Rule::OneOf(&["verify", "volatile", "schema-only"])), "What is held against it.");

const fn rows_digest(shape: &'static Object) -> Field {
    may("digest", Shape::Object(shape), "The digest of the rows; always there in class `verify`.")
}

static TABLE_V1: Object =
    Object { bond: Bond::Table, fields: &[SCHEMA, NAME, ENGINE, ROWS, rows_digest(&DIGEST_V1), DEFINITION, CLASS] };

static TABLE_V2: Object = Object {
    bond: Bond::TableV2,
    fields: &[
        SCHEMA,
        NAME,
        ENGINE,
        ROWS,
        rows_digest(&DIGEST_V2),
        DEFINITION,
        CLASS,
        may("columns", Shape::List(&COLUMN), "The columns that are digested, in the order of the table."),
        may("virtual_columns", Shape::Texts(Rule::Name), "Columns that are computed when read, and not digested."),
        may("key", Shape::List(&KEY), "The columns of the key along which the rows are cut and ordered."),
        may("ranges", Shape::List(&RANGE), "The ranges of the key, in its order; the last one has no end."),
    ],
};

static COLUMN: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("name", Shape::Text(Rule::Name), "The column."),
        must("form", Shape::Text(Rule::OneOf(crate::rows::FORM_NAMES)), "How its values are encoded."),
        must("nullable", Shape::Flag, "Whether it may be NULL."),
    ],
};

static KEY: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("column", Shape::Text(Rule::Name), "The column."),
        must("descending", Shape::Flag, "Whether the key runs downwards here."),
    ],
};

static RANGE: Object = Object {
    bond: Bond::Free,
    fields: &[
        may("upto", Shape::Texts(Rule::Any), "The key of the last row, a text for each column of the key."),
        must("rows", Shape::Whole, "Rows of the range."),
        must("sha256", Shape::Text(Rule::Hex), "SHA-256 of the rows in the order of the key."),
    ],
};

static DIGEST_V1: Object = Object { bond: Bond::Digest, fields: &digest(crate::model::METHOD_NAMES_V1) };
static DIGEST_V2: Object = Object { bond: Bond::Digest, fields: &digest(crate::model::METHOD_NAMES) };

const fn digest(methods: &'static [&'static str]) -> [Field; 2] {
    [
        must("method", Shape::Text(Rule::OneOf(methods)), "How it was made."),
        must("value", Shape::Text(Rule::Any), "The value; its form is the method's."),
    ]
}

static THING: Object = Object {
    bond: Bond::Free,
    fields: &[
        must(
            "kind",
            Shape::Text(Rule::OneOf(&["view", "procedure", "function", "trigger", "event"])),
            "What kind of object it is.",
        ),
        must("schema", Shape::Text(Rule::Name), "The database."),
        must("name", Shape::Text(Rule::Name), "Its name."),
        must("definition_digest", Shape::Text(Rule::Hex), "SHA-256 of its definition."),
    ],
};

static TOTALS: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("tables", Shape::Whole, "Number of tables."),
        must("rows", Shape::Whole, "Sum of the rows that were counted."),
        must("objects", Shape::Whole, "Number of objects."),
    ],
};

static EXCLUDE: Object = Object {
    bond: Bond::Free,
    fields: &[
        must("pattern", Shape::Text(Rule::Any), "`database.table` with `*` and `?`."),
        must("reason", Shape::Text(Rule::Any), "Why."),
    ],
};
