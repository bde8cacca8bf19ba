//! What is to be read of one table, on the source and on each replica.

use crate::drift::{self, Side};
use crate::filter::Filters;
use crate::history::History;
use crate::key::{self, KeyChoice};
use crate::options::TextPolicy;
use vouch_convert::widen;
use vouch_server::{
    ColumnEntry, ColumnForm, ConvertedColumn, DigestColumn, IndexEntry, IndexPart, Interval, KeyColumn, Reading,
    TableDefinition, TableName,
};

/// The plan for one table.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// The table on the source.
    pub name: TableName,
    /// `db.table`, as in every report.
    pub label: String,
    /// Estimated rows on the source.
    pub rows: u64,
    /// The key.
    pub key: KeyChoice,
    /// What is read on the source.
    pub reading: Reading,
    /// What is read on each replica; `None` where the table is not compared.
    pub replicas: Vec<Option<Reading>>,
    /// The columns as the server digests them; `None` where a type has no form for that.
    pub server_columns: Option<Vec<DigestColumn>>,
    /// Every row fits into `max_allowed_packet` as text for a digest in the server.
    pub fits_packet: bool,
    /// All that is read of it; `None` for the whole table.
    pub regions: Option<Vec<Interval>>,
    /// The definition that the plan was made for, on the source.
    pub definition: TableDefinition,
    /// The same on each replica.
    pub replica_definitions: Vec<Option<TableDefinition>>,
}

/// What a plan is made of.
pub struct Ingredients<'a> {
    /// The source's side.
    pub source: &'a Side,
    /// Each replica's side, where the table exists and is compared.
    pub replicas: &'a [Option<Side>],
    /// Filters, for columns.
    pub filters: &'a Filters,
    /// A condition of the user's own.
    pub condition: Option<&'a str>,
    /// The index to prefer.
    pub index: Option<&'a str>,
    /// Whether a key must survive being written as text.
    pub exact_keys: bool,
    /// `max_allowed_packet`, the least of all servers.
    pub packet: u64,
    /// What of a text is compared.
    pub text: TextPolicy,
    /// Whether the history of system-versioned tables is compared.
    pub history: bool,
}

/// What is compared of the history; nothing, and nothing is changed for it, where it is not wanted.
fn history(from: &Ingredients<'_>, sides: &[&Side]) -> History {
    if from.history { History::of(from.source, sides) } else { History::None }
}

/// Makes the plan of one table.
pub fn plan(from: &Ingredients<'_>) -> TablePlan {
    let name = from.source.entry.name.clone();
    let sides: Vec<&Side> = from.replicas.iter().flatten().collect();
    let history = history(from, &sides);
    let period = history.hidden_columns();
    let wanted = |column: &&ColumnEntry| from.filters.column(&name.database, &name.table, &column.name).is_none();
    let listed = common_columns(from, &name).into_iter().filter(|column| !history.is_local(&column.name));
    let columns: Vec<&ColumnEntry> = listed.chain(period.iter().filter(wanted)).collect();
    let usable = |name: &str| {
        let ours = find(&from.source.definition, name).filter(|column| !from.exact_keys || is_exact(column));
        let everywhere = |ours: &ColumnEntry| {
            sides
                .iter()
                .all(|side| find(&side.definition, name).is_some_and(|theirs| drift::same_meaning(ours, theirs)))
        };
        columns.iter().any(|column| same_name(&column.name, name)) && ours.is_some_and(everywhere)
    };
    let along = |key: &[KeyColumn], side: &Side| {
        index_along(key, &history.current_only(&side.definition)).map(|index| index.name.clone())
    };
    let everywhere = |key: &[KeyColumn]| sides.iter().all(|side| along(key, side).is_some());
    let current = history.current_only(&from.source.definition);
    let mut key = key::choose(&current, from.index, &usable, &everywhere);
    let indexed = key.columns.clone();
    key.columns.extend(history.hidden_key().filter(|_| key.unique));
    let recoded: Vec<&str> = match from.text {
        TextPolicy::Text => {
            columns.iter().filter(|column| is_recoded(column, &sides)).map(|c| c.name.as_str()).collect()
        }
        TextPolicy::Bytes => Vec::new(),
    };
    let reading = Reading {
        table: name.clone(),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        converted: converted(&from.source.definition, &recoded),
        key: key.columns.clone(),
        index: key.index.clone(),
        condition: from.condition.map(str::to_owned),
        history: history.is_compared(),
    };
    let there = |side: &Side| on_replica(&reading, side, &recoded, along(&indexed, side));
    let replicas = from.replicas.iter().map(|side| side.as_ref().map(there)).collect();
    TablePlan {
        label: name.to_string(),
        name,
        rows: from.source.entry.rows,
        server_columns: server_columns(&columns, &recoded).filter(|_| fits_packet(&columns, from.packet)),
        fits_packet: fits_packet(&columns, from.packet),
        reading,
        replicas,
        key,
        regions: None,
        definition: from.source.definition.clone(),
        replica_definitions: from.replicas.iter().map(|s| s.as_ref().map(|s| s.definition.clone())).collect(),
    }
}

/// Whether values of the column, written as text, read back as themselves.
fn is_exact(column: &ColumnEntry) -> bool {
    !matches!(column.data_type.as_str(), "float" | "double")
}

fn find<'a>(definition: &'a TableDefinition, name: &str) -> Option<&'a ColumnEntry> {
    definition.columns.iter().find(|column| same_name(&column.name, name))
}

/// Columns that take part and exist everywhere, in the source's order.
fn common_columns<'a>(from: &'a Ingredients<'_>, name: &TableName) -> Vec<&'a ColumnEntry> {
    let everywhere = |column: &&ColumnEntry| {
        from.replicas.iter().flatten().all(|side| find(&side.definition, &column.name).is_some())
    };
    let wanted = |column: &&ColumnEntry| from.filters.column(&name.database, &name.table, &column.name).is_none();
    from.source.definition.columns.iter().filter(wanted).filter(everywhere).collect()
}

/// Whether the column is text everywhere, in another character set on some replica.
fn is_recoded(ours: &ColumnEntry, sides: &[&Side]) -> bool {
    let theirs = || sides.iter().filter_map(|side| find(&side.definition, &ours.name));
    is_text(ours) && theirs().all(is_text) && theirs().any(|theirs| family(theirs) != family(ours))
}

fn is_text(column: &ColumnEntry) -> bool {
    let text = matches!(column.data_type.as_str(), "char" | "varchar" | "enum" | "set" | "json");
    (text || column.data_type.ends_with("text")) && !column.charset.is_empty() && column.charset != "binary"
}

/// A character set by the bytes that it gives to a text: those of UTF-8 differ in nothing but what they can hold.
fn family(column: &ColumnEntry) -> &str {
    if matches!(column.charset.as_str(), "utf8" | "utf8mb3" | "utf8mb4") { "utf8" } else { &column.charset }
}

/// The conversions of these columns on a server with that definition.
fn converted(definition: &TableDefinition, recoded: &[&str]) -> Vec<ConvertedColumn> {
    let columns = recoded.iter().filter_map(|name| Some((name, find(definition, name)?)));
    columns.filter_map(|(name, column)| ConvertedColumn::new(name, &column.charset)).collect()
}

/// The same reading on a replica: its own name, and its own index of the same columns.
fn on_replica(reading: &Reading, side: &Side, recoded: &[&str], index: Option<String>) -> Reading {
    let converted = converted(&side.definition, recoded);
    Reading { table: side.entry.name.clone(), index, converted, ..reading.clone() }
}

/// The index of exactly these columns.
fn index_along<'a>(key: &[KeyColumn], definition: &'a TableDefinition) -> Option<&'a IndexEntry> {
    let same_part = |(part, key): (&IndexPart, &KeyColumn)| {
        let same_column = part.column.as_deref().is_some_and(|name| same_name(name, &key.name));
        same_column && !part.prefix && part.descending == key.descending
    };
    let same_columns =
        |index: &&IndexEntry| index.parts.len() == key.len() && index.parts.iter().zip(key).all(same_part);
    definition.indexes.iter().find(same_columns)
}

/// Servers find columns without regard to case.
pub fn same_name(a: &str, b: &str) -> bool {
    match a.is_ascii() && b.is_ascii() {
        true => a.eq_ignore_ascii_case(b),
        false => a.to_lowercase() == b.to_lowercase(),
    }
}

/// Longest value that goes into a digest in the server as it is, in bytes.
const SHORT: u64 = 1024;

/// Whether every row fits into `max_allowed_packet` as text for a digest: what does not would turn into NULL.
fn fits_packet(columns: &[&ColumnEntry], packet: u64) -> bool {
    // Each column takes at most its short length, its own length's digits and marks.
    widen(columns.len()).saturating_mul(SHORT.saturating_add(32)) < packet
}

fn server_columns(columns: &[&ColumnEntry], recoded: &[&str]) -> Option<Vec<DigestColumn>> {
    let column = |column: &&ColumnEntry| {
        // In UTF-8 a text may be several times as long.
        let long = recoded.contains(&column.name.as_str());
        let form = if long { ColumnForm::Long } else { form_of(column)? };
        Some(DigestColumn { name: column.name.clone(), form, nullable: column.nullable || long })
    };
    columns.iter().map(column).collect()
}

/// How the server takes a column into a digest; `None` for types that have no form for that.
pub fn form_of(column: &ColumnEntry) -> Option<ColumnForm> {
    match column.data_type.as_str() {
        "float" | "double" => Some(ColumnForm::Real),
        "json" | "tinytext" | "text" | "mediumtext" | "longtext" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            Some(ColumnForm::Long)
        }
        "char" | "varchar" | "binary" | "varbinary" if column.octets > SHORT => Some(ColumnForm::Long),
        "char" | "varchar" | "binary" | "varbinary" | "enum" => Some(ColumnForm::Text),
        "date" | "time" | "datetime" | "timestamp" | "uuid" | "inet4" | "inet6" => Some(ColumnForm::Short),
        "set" => Some(ColumnForm::Long),
        "year" | "decimal" => Some(ColumnForm::Number),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Some(ColumnForm::Number),
        _ => None,
    }
}
