//! What an earlier run left of a table, read back strictly.
//!
//! Invariant: a row that does not decode, does not fit its neighbours or is missing makes
//! all of the table useless. A gap between two chunks would never be compared.

use super::{Outcome, finding_row};
use crate::chunk::chunker::{ChunkId, KnownChunk};
use crate::chunk::segment;
use crate::encode;
use crate::state::meaning::Meaning;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use vouch_convert::narrow;
use vouch_report::Finding;
use vouch_server::{Bound, Interval};

/// Which table is asked for, and what it means today.
pub struct Asked<'a> {
    /// `db.table`.
    pub table: &'a str,
    /// What its chunks would mean.
    pub meaning: &'a Meaning,
    /// The replicas that take part; `None` where the table is not compared.
    pub replicas: &'a [Option<&'a str>],
    /// All that is read of it; `None` for the whole table.
    pub regions: Option<&'a [Interval]>,
    /// Findings that are listed for each replica; the rest is counted.
    pub listed: usize,
}

/// What the state has of a table.
pub enum Kept {
    /// Nothing: the run never got to it.
    Nothing,
    /// Something that is of no use, for this reason.
    Useless(String),
    /// Everything that an earlier run decided.
    Earlier(Earlier),
}

/// What an earlier run decided about a table.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Its segments.
    pub segments: Vec<Interval>,
    /// Its chunks, in order.
    pub chunks: Vec<KnownChunk>,
    /// What came of them, for each replica.
    pub outcomes: Vec<Vec<Outcome>>,
    /// Findings to list.
    pub findings: Vec<Finding>,
    /// Findings beyond those, for each replica.
    pub beyond: Vec<usize>,
}

/// Why a table's state cannot be used.
#[derive(Debug)]
pub enum Damage {
    /// SQLite cannot read it.
    Sqlite(rusqlite::Error),
    /// A part of it makes no sense.
    Nonsense(&'static str),
}

impl From<rusqlite::Error> for Damage {
    fn from(error: rusqlite::Error) -> Self {
        Damage::Sqlite(error)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Sqlite(error) => write!(f, "its state cannot be read: {error}"),
            Damage::Nonsense(what) => write!(f, "its state is damaged: {what}"),
        }
    }
}

type Read<T> = Result<T, Damage>;

/// Reads what is kept of a table.
pub fn read(db: &Connection, asked: &Asked<'_>) -> Kept {
    let stored = match stored_meaning(db, asked.table) {
        Ok(Some(stored)) => stored,
        Ok(None) => return Kept::Nothing,
        Err(damage) => return Kept::Useless(damage.to_string()),
    };
    if let Some(why) = asked.meaning.difference(&stored) {
        return Kept::Useless(why);
    }
    match whole(db, asked) {
        Ok(earlier) => Kept::Earlier(earlier),
        Err(damage) => Kept::Useless(damage.to_string()),
    }
}

fn stored_meaning(db: &Connection, table: &str) -> Read<Option<String>> {
    let mut statement = db.prepare_cached("SELECT meaning FROM segments WHERE tbl = ?")?;
    Ok(statement.query_row([table], |row| row.get(0)).optional()?)
}

fn whole(db: &Connection, asked: &Asked<'_>) -> Read<Earlier> {
    let segments = match asked.regions {
        Some(regions) => regions.to_vec(),
        None => segment::between(bounds(db, asked.table)?),
    };
    let mut chunks = cut(db, asked.table)?;
    check_contiguous(&segments, &chunks)?;
    let mut earlier = Earlier { segments, beyond: vec![0; asked.replicas.len()], ..Earlier::default() };
    let mut done = decided(db, asked.table)?;
    let ids: BTreeSet<ChunkId> = chunks.iter().map(|chunk| chunk.id).collect();
    for (at, name) in asked.replicas.iter().enumerate() {
        let decided = name.and_then(|name| done.remove(name)).unwrap_or_default();
        for chunk in chunks.iter_mut().filter(|_| name.is_some()) {
            match decided.get(&chunk.id) {
                Some(outcome) => (chunk.rows, chunk.bytes) = (outcome.source_rows, outcome.source_bytes),
                None => chunk.replicas.push(at),
            }
        }
        if decided.keys().any(|id| !ids.contains(id)) {
            return Err(Damage::Nonsense("a decided chunk was never cut"));
        }
        earlier.outcomes.push(decided.into_values().collect());
    }
    earlier.chunks = chunks;
    findings(db, asked, &mut earlier)?;
    Ok(earlier)
}

fn bounds(db: &Connection, table: &str) -> Read<Vec<Bound>> {
    let mut statement = db.prepare_cached("SELECT bounds FROM segments WHERE tbl = ?")?;
    let bytes: Vec<u8> = statement.query_row([table], |row| row.get(0))?;
    let values = encode::decode(&bytes).ok_or(Damage::Nonsense("the bounds of its segments"))?;
    // Each segment bound has one value.
    Ok(values.into_iter().map(|value| vec![value]).collect())
}

/// All chunks that were cut, in order, open for nobody yet.
fn cut(db: &Connection, table: &str) -> Read<Vec<KnownChunk>> {
    let mut statement =
        db.prepare_cached("SELECT segment, number, lower, upper FROM chunk WHERE tbl = ? ORDER BY segment, number")?;
    let mut rows = statement.query([table])?;
    let mut chunks = Vec::new();
    while let Some(row) = rows.next()? {
        chunks.push(KnownChunk {
            id: ChunkId { segment: row.get(0)?, number: row.get(1)? },
            interval: Interval { lower: bound(row.get(2)?)?, upper: bound(row.get(3)?)? },
            replicas: Vec::new(),
            rows: 0,
            bytes: 0,
        });
    }
    Ok(chunks)
}

fn bound(bytes: Option<Vec<u8>>) -> Read<Option<Bound>> {
    bytes.map(|bytes| encode::decode(&bytes).ok_or(Damage::Nonsense("the bounds of a chunk"))).transpose()
}

/// Every chunk begins where the one before it ends, and the first one where its segment does.
fn check_contiguous(segments: &[Interval], chunks: &[KnownChunk]) -> Read<()> {
    let same = |a: &Option<Bound>, b: &Option<Bound>| a.as_ref().map(encode::encode) == b.as_ref().map(encode::encode);
    let mut before: Option<&KnownChunk> = None;
    for chunk in chunks {
        let at = narrow::<usize, _>(chunk.id.segment);
        let segment = at.and_then(|at| segments.get(at)).ok_or(Damage::Nonsense("a chunk without a segment"))?;
        let before_it = before.filter(|before| before.id.segment == chunk.id.segment);
        let (number, lower) = match before_it {
            Some(before) => (before.id.number.saturating_add(1), &before.interval.upper),
            None => (0, &segment.lower),
        };
        let ended = before_it.is_some_and(|before| same(&before.interval.upper, &segment.upper));
        if chunk.id.number != number || ended || !same(&chunk.interval.lower, lower) {
            return Err(Damage::Nonsense("a gap between two chunks"));
        }
        before = Some(chunk);
    }
    Ok(())
}

type Decided = BTreeMap<ChunkId, Outcome>;

/// Every outcome of a table, by replica and chunk.
fn decided(db: &Connection, table: &str) -> Read<BTreeMap<String, Decided>> {
    let mut statement = db.prepare_cached(
        "SELECT segment, number, replica, source_rows, source_bytes, rows, source_only, replica_only, changed,
         in_flight, position, at_ms, digest FROM done WHERE tbl = ?",
    )?;
    let mut rows = statement.query([table])?;
    let mut done: BTreeMap<String, Decided> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let number = |at: usize| -> Read<u64> {
            u64::try_from(row.get::<_, i64>(at)?).map_err(|_| Damage::Nonsense("a count below zero"))
        };
        let outcome = Outcome {
            source_rows: number(3)?,
            source_bytes: number(4)?,
            rows: number(5)?,
            source_only: number(6)?,
            replica_only: number(7)?,
            changed: number(8)?,
            in_flight: number(9)?,
            position: row.get(10)?,
            at_ms: number(11)?,
            digest: row.get(12)?,
        };
        let id = ChunkId { segment: row.get(0)?, number: row.get(1)? };
        done.entry(row.get(2)?).or_default().insert(id, outcome);
    }
    Ok(done)
}

/// Reads the findings of decided chunks, and drops those of others: they are found again.
fn findings(db: &Connection, asked: &Asked<'_>, earlier: &mut Earlier) -> Read<()> {
    db.prepare_cached(
        "DELETE FROM finding WHERE tbl = ?1 AND NOT EXISTS (SELECT 1 FROM done WHERE done.tbl = finding.tbl
         AND done.segment = finding.segment AND done.number = finding.number AND done.replica = finding.replica)",
    )?
    .execute([asked.table])?;
    let mut statement = db.prepare_cached(finding_row::SELECT)?;
    for (at, name) in asked.replicas.iter().enumerate() {
        let Some(name) = name else { continue };
        let (mut listed, mut rows_found) = (0_usize, 0_u64);
        let mut rows = statement.query(params![asked.table, name])?;
        while let Some(row) = rows.next()? {
            let finding = finding_row::read(asked.table, row)?;
            rows_found = rows_found.saturating_add(finding.count);
            if listed < asked.listed {
                earlier.findings.push(finding);
            } else if let Some(beyond) = earlier.beyond.get_mut(at) {
                *beyond = beyond.saturating_add(1);
            }
            listed = listed.saturating_add(1);
        }
        let counted = earlier.outcomes.get(at).into_iter().flatten().map(Outcome::differing).sum::<u64>();
        if counted != rows_found {
            return Err(Damage::Nonsense("findings are missing"));
        }
    }
    Ok(())
}
