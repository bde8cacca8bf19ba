//! What a manifest says: [`Manifest`] and its parts.

use crate::rows::RowFacts;

/// Where a manifest comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Manifest v1: its digests of rows find accidents, not adversaries.
    V1,
    /// Manifest v2: rows in ranges of their key.
    V2,
    /// A flat map of `schema.table` to what CHECKSUM TABLE said.
    Flat,
}

/// A manifest. In a flat one everything but the tables is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Where it comes from.
    pub kind: Kind,
    /// UUID of version 7; the digest of the file for a flat one.
    pub id: String,
    /// Counts up in a cluster; 0 for a flat one.
    pub serial: u64,
    /// Milliseconds since the Unix epoch; 0 for a flat one.
    pub created_ms: u64,
    /// When it stops to hold; never when there is none.
    pub expires_ms: Option<u64>,
    /// What made it, with its version.
    pub tool: String,
    /// The cluster that it is about.
    pub cluster: String,
    /// The server that it was taken from.
    pub server: Option<ServerFacts>,
    /// The backup that it belongs to.
    pub backup: Option<Backup>,
    /// As of which position it holds.
    pub position: Option<PositionFacts>,
    /// The tables, in the order of their names.
    pub tables: Vec<TableFacts>,
    /// Views, routines, triggers and events.
    pub objects: Vec<ObjectFacts>,
    /// What was left out, and why.
    pub excludes: Vec<Exclude>,
}

impl Manifest {
    /// Whether a digest in it finds accidents, not adversaries: rows can be chosen that match it.
    pub fn is_forgeable(&self) -> bool {
        self.tables.iter().filter_map(|table| table.digest.as_ref()).any(|digest| !digest.method.withstands_forgery())
    }
}

/// The server that a manifest was taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// `@@server_uuid`; empty on MariaDB.
    pub uuid: String,
    /// `@@server_id`.
    pub id: u64,
    /// The version, in full.
    pub version: String,
    /// `mysql` or `mariadb`.
    pub flavor: String,
    /// `@@lower_case_table_names`.
    pub lower_case_table_names: u64,
    /// `@@GLOBAL.sql_mode`.
    pub sql_mode: String,
}

/// The backup that a manifest belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// What made it, such as `mariabackup`; free text.
    pub kind: String,
    /// Where it is kept; free text.
    pub uri: String,
    /// Its files, in the order of their paths.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// Relative to the backup's directory, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal digits.
    pub digest: String,
}

/// As of which position a manifest holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PositionFacts {
    /// The executed set of GTIDs (MySQL) or the GTID of each domain (MariaDB); empty without.
    pub gtid: String,
    /// Binlog file of the server itself; empty without.
    pub file: String,
    /// Offset in that file, in bytes.
    pub offset: u64,
    /// Milliseconds since the Unix epoch.
    pub taken_ms: u64,
    /// How it is known: `snapshot`, `log-status`, `unmoved`, `none`.
    pub method: String,
}

/// How a table's rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// What CHECKSUM TABLE says: CRC32, bound to flavor and version.
    ChecksumTable,
    /// Count and SHA-256 over encoded rows, combined by XOR or a sum: portable, and easily forged.
    RowSha256,
    /// SHA-256 over ranges of the key, under a Merkle root: portable, and not to be forged.
    RowSha256Tree,
    /// A multiset hash over the rows of a table without a key: portable, and not to be forged.
    RowLthash,
    /// The number of rows, and nothing about what is in them: all that some other tools tell.
    RowCount,
}

/// The names of all methods, in the order of [`Method::ALL`].
pub(crate) const METHOD_NAMES: &[&str] =
    &["checksum-table", "row-sha256", "row-count", "row-sha256-tree", "row-lthash"];
/// The names of the methods that version 1 has.
pub(crate) const METHOD_NAMES_V1: &[&str] = &["checksum-table", "row-sha256", "row-count"];

impl Method {
    /// Every method.
    pub(crate) const ALL: &[Method] =
        &[Method::ChecksumTable, Method::RowSha256, Method::RowCount, Method::RowSha256Tree, Method::RowLthash];

    /// Its name in manifests, such as `row-sha256-tree`.
    pub fn name(self) -> &'static str {
        match self {
            Method::ChecksumTable => "checksum-table",
            Method::RowSha256 => "row-sha256",
            Method::RowCount => "row-count",
            Method::RowSha256Tree => "row-sha256-tree",
            Method::RowLthash => "row-lthash",
        }
    }

    /// Whether nobody can find other rows with the same value.
    pub fn withstands_forgery(self) -> bool {
        matches!(self, Method::RowSha256Tree | Method::RowLthash)
    }

    /// Whether manifests of version 1 have it.
    pub fn is_in_v1(self) -> bool {
        METHOD_NAMES_V1.contains(&self.name())
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// The values that this method can have, as a regular expression for the JSON Schema.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Method::ChecksumTable => {
                "^(0|[1-9][0-9]{0,8}|[1-3][0-9]{9}|4[01][0-9]{8}|42[0-8][0-9]{7}|429[0-3][0-9]{6}|4294[0-8][0-9]{5}\
                 |42949[0-5][0-9]{4}|429496[0-6][0-9]{3}|4294967[01][0-9]{2}|42949672[0-8][0-9]|429496729[0-5])$"
            }
            Method::RowCount => "^(0|[1-9][0-9]{0,18})$",
            Method::RowSha256 => "^(xor|sum):[0-9a-f]{64}$",
            Method::RowSha256Tree | Method::RowLthash => "^[0-9a-f]{64}$",
        }
    }

    /// How its values are spelled, in words.
    pub(crate) fn form(self) -> &'static str {
        match self {
            Method::ChecksumTable => "a number from 0 to 4294967295, without leading zeros",
            Method::RowCount => "a number without leading zeros",
            Method::RowSha256 => "xor: or sum: and 64 hexadecimal digits in lower case",
            Method::RowSha256Tree | Method::RowLthash => "64 hexadecimal digits in lower case",
        }
    }

    /// Whether `value` is one that this method can have.
    pub fn admits(self, value: &str) -> bool {
        match self {
            Method::ChecksumTable => value.parse::<u32>().is_ok_and(|number| number.to_string() == value),
            Method::RowCount => {
                value.len() <= 19 && value.parse::<u64>().is_ok_and(|number| number.to_string() == value)
            }
            Method::RowSha256 => value
                .strip_prefix("xor:")
                .or_else(|| value.strip_prefix("sum:"))
                .is_some_and(|digits| is_hex(digits, 64)),
            Method::RowSha256Tree | Method::RowLthash => is_hex(value, 64),
        }
    }
}

/// Whether a text is `length` hexadecimal digits in lower case.
pub(crate) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The digest of a table's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDigest {
    /// How it was made.
    pub method: Method,
    /// `checksum-table`, `row-count`: a decimal number; `row-sha256`: `xor:` or `sum:` and 64 hexadecimal digits;
    /// `row-sha256-tree`, `row-lthash`: 64 hexadecimal digits.
    pub value: String,
}

/// What is held against a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Its rows and its definition.
    Verify,
    /// Nothing but that it is there: its rows change on purpose.
    Volatile,
    /// Its definition alone.
    SchemaOnly,
}

impl Class {
    /// `verify`, `volatile`, `schema-only`.
    pub fn name(self) -> &'static str {
        match self {
            Class::Verify => "verify",
            Class::Volatile => "volatile",
            Class::SchemaOnly => "schema-only",
        }
    }

    /// The class of that name.
    pub fn named(name: &str) -> Option<Class> {
        [Class::Verify, Class::Volatile, Class::SchemaOnly].into_iter().find(|class| class.name() == name)
    }
}

/// What a manifest says about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// The database.
    pub schema: String,
    /// The table.
    pub name: String,
    /// Storage engine; empty in a flat manifest.
    pub engine: String,
    /// Rows, where they were counted.
    pub rows: Option<u64>,
    /// The digest of the rows; always there in class `verify`.
    pub digest: Option<TableDigest>,
    /// SHA-256 over columns and indexes; none in a flat manifest.
    pub definition_digest: Option<String>,
    /// What is held against it.
    pub class: Class,
    /// How its rows were digested, where the method has more to say than a value.
    pub row_facts: Option<RowFacts>,
}

impl TableFacts {
    /// `schema.name`, for people.
    pub fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A view, routine, trigger or event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectFacts {
    /// `view`, `procedure`, `function`, `trigger`, `event`.
    pub kind: String,
    /// The database.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of its definition.
    pub definition_digest: String,
}

/// What was left out of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    /// The pattern, as it was given.
    pub pattern: String,
    /// Why.
    pub reason: String,
}
