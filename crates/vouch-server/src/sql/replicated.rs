//! Reading the replicate table, whoever filled it: pt-table-checksum, its ancestor
//! with the columns `master_…`, or vouch.

use crate::error::{Fault, ServerError};
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::replicate::ReplicateTable;
use mysql_common::{Row, Value};
use vouch_convert::parse;

/// A row of the replicate table: one chunk, on one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkRow {
    /// The chunk's number.
    pub number: u64,
    /// How long the source took, in seconds.
    pub time_s: Option<f64>,
    /// The index that the chunk ran along.
    pub index: Option<String>,
    /// Its lower boundary, as whoever filled the table writes it.
    pub lower: Option<String>,
    /// Its upper boundary.
    pub upper: Option<String>,
    /// What this server computed.
    pub this_crc: String,
    /// Rows that this server counted.
    pub this_cnt: u64,
    /// What the source computed.
    pub source_crc: Option<String>,
    /// Rows that the source counted.
    pub source_cnt: Option<u64>,
    /// When it was written, in seconds since the Unix epoch.
    pub at_s: u64,
}

impl ChunkRow {
    /// Whether this server holds what the source holds; `None` while the source's values are missing.
    pub fn equal(&self) -> Option<bool> {
        let (crc, count) = (self.source_crc.as_ref()?, self.source_cnt?);
        Some(*crc == self.this_crc && count == self.this_cnt)
    }
}

/// What the replicate table holds about one table, on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableTotals {
    /// The table.
    pub table: TableName,
    /// Chunks.
    pub chunks: u64,
    /// Rows that this server counted.
    pub rows: u64,
    /// Chunks without the source's values.
    pub unfinished: u64,
    /// When its oldest chunk was written, in seconds since the Unix epoch.
    pub oldest_s: u64,
    /// When its newest chunk was written, in seconds since the Unix epoch.
    pub newest_s: u64,
}

const COLUMNS: &str =
    "SELECT COLUMN_NAME AS n FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

/// The number of the row that tells who computed it; mk-table-checksum counts from 0.
pub(crate) const WITNESS: i64 = -1;

fn chunk_row(row: &Row) -> ChunkRow {
    ChunkRow {
        number: decode::number(row, &["chunk"]).unwrap_or(0),
        time_s: decode::text(row, &["chunk_time"]).and_then(parse),
        index: decode::text(row, &["chunk_index"]),
        lower: decode::text(row, &["lower_boundary"]),
        upper: decode::text(row, &["upper_boundary"]),
        this_crc: decode::text(row, &["this_crc"]).unwrap_or_default(),
        this_cnt: decode::number(row, &["this_cnt"]).unwrap_or(0),
        source_crc: decode::text(row, &["source_crc"]),
        source_cnt: decode::number(row, &["source_cnt"]),
        at_s: decode::number(row, &["at_s"]).unwrap_or(0),
    }
}

fn select(table: &ReplicateTable) -> String {
    format!(
        "SELECT chunk, chunk_time, chunk_index, lower_boundary, upper_boundary, this_crc, this_cnt, \
         {} AS source_crc, {} AS source_cnt, UNIX_TIMESTAMP(ts) AS at_s FROM {}",
        table.source_crc(),
        table.source_cnt(),
        table.name.sql()
    )
}

fn named(of: &TableName) -> Vec<Value> {
    vec![of.database.as_str().into(), of.table.as_str().into()]
}

impl Session {
    /// The replicate table of that name; `None` when there is none.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Unsupported`] when the table is another kind.
    pub fn replicate_table(&mut self, name: &TableName) -> Result<Option<ReplicateTable>> {
        let rows = self.rows(COLUMNS, named(name))?;
        let columns: Vec<String> =
            rows.iter().filter_map(|row| decode::text(row, &["n"])).map(|name| name.to_ascii_lowercase()).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let has = |names: &[&str]| names.iter().all(|name| columns.iter().any(|column| column == name));
        let common = ["db", "tbl", "chunk", "lower_boundary", "upper_boundary", "this_crc", "this_cnt", "ts"];
        match (has(&common), has(&["source_crc", "source_cnt"]), has(&["master_crc", "master_cnt"])) {
            (true, true, _) => Ok(Some(ReplicateTable { name: name.clone(), old_words: false })),
            (true, _, true) => Ok(Some(ReplicateTable { name: name.clone(), old_words: true })),
            _ => Err(ServerError::new(
                self.name(),
                Fault::Unsupported,
                format!("{name} does not have the columns of a table of checksums"),
            )),
        }
    }

    /// The row of one chunk on this server.
    ///
    /// # Errors
    /// Those of the server.
    pub fn checksum(&mut self, table: &ReplicateTable, of: &TableName, number: u64) -> Result<Option<ChunkRow>> {
        let sql = format!("{} WHERE db = ? AND tbl = ? AND chunk = ?", select(table));
        let mut params = named(of);
        params.push(number.into());
        Ok(self.rows(&sql, params)?.first().map(chunk_row))
    }

    /// Whether this server computes the rows of the table itself; `None` when no
    /// witness is there to tell.
    ///
    /// # Errors
    /// Those of the server.
    pub fn computes_itself(&mut self, table: &ReplicateTable) -> Result<Option<bool>> {
        let sql = format!("SELECT this_crc FROM {} WHERE db = ? AND tbl = ? AND chunk = {WITNESS}", table.name.sql());
        let rows = self.rows(&sql, named(&table.name))?;
        let noted = rows.first().and_then(|row| decode::text(row, &["this_crc"]));
        Ok(noted.map(|noted| noted == self.identity().server_id.to_string()))
    }

    /// The rows of every chunk of one table on this server, in the order of their numbers.
    ///
    /// # Errors
    /// Those of the server.
    pub fn checksums(&mut self, table: &ReplicateTable, of: &TableName) -> Result<Vec<ChunkRow>> {
        let sql = format!("{} WHERE db = ? AND tbl = ? AND chunk > {WITNESS} ORDER BY chunk", select(table));
        Ok(self.rows(&sql, named(of))?.iter().map(chunk_row).collect())
    }

    /// The rows of one table that differ from the source's values, or lack them.
    ///
    /// # Errors
    /// Those of the server.
    pub fn differing_checksums(&mut self, table: &ReplicateTable, of: &TableName) -> Result<Vec<ChunkRow>> {
        let (crc, count) = (table.source_crc(), table.source_cnt());
        // `<>` alone is never true beside a NULL.
        let sql = format!(
            "{} WHERE db = ? AND tbl = ? AND chunk > {WITNESS} AND ({count} <> this_cnt OR {crc} <> this_crc \
             OR ISNULL({crc}) <> ISNULL(this_crc) OR {count} IS NULL) ORDER BY chunk",
            select(table)
        );
        Ok(self.rows(&sql, named(of))?.iter().map(chunk_row).collect())
    }

    /// What the replicate table holds, by table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn checksum_totals(&mut self, table: &ReplicateTable) -> Result<Vec<TableTotals>> {
        let sql = format!(
            "SELECT db, tbl, COUNT(*) AS chunks, SUM(this_cnt) AS row_count, SUM({} IS NULL) AS unfinished, \
             UNIX_TIMESTAMP(MIN(ts)) AS oldest, UNIX_TIMESTAMP(MAX(ts)) AS newest FROM {} \
             WHERE chunk > {WITNESS} GROUP BY db, tbl",
            table.source_cnt(),
            table.name.sql()
        );
        let number = |row: &Row, name: &str| decode::number(row, &[name]).unwrap_or(0);
        let name = |row: &Row, name: &str| decode::text(row, &[name]).unwrap_or_default();
        let mut totals: Vec<TableTotals> = self
            .rows(&sql, Vec::new())?
            .iter()
            .map(|row| TableTotals {
                table: TableName::new(name(row, "db"), name(row, "tbl")),
                chunks: number(row, "chunks"),
                rows: number(row, "row_count"),
                unfinished: number(row, "unfinished"),
                oldest_s: number(row, "oldest"),
                newest_s: number(row, "newest"),
            })
            .collect();
        totals.sort_by(|a, b| a.table.cmp(&b.table));
        Ok(totals)
    }
}
