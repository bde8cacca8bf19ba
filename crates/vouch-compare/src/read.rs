//! Reading a chunk: its rows become a count and a digest, and where memory
//! allows, what is needed to tell which of them differ.

use crate::digest::{Buckets, RowDigest, RowDigester, bucket_of};
use crate::plan::TablePlan;
use crate::rowset::RowSet;
use std::time::{Duration, Instant};
use vouch_server::{Bound, Cell, Extent, Interval, Reading, Result, ServerDigest, Session, Value};

/// How the rows of a table are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Streamed and digested here.
    Stream,
    /// Digested in the server.
    Server(ServerDigest),
}

/// The digest of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkDigest {
    /// Sum of the row digests.
    Stream(RowDigest),
    /// What the server answered.
    Server(Vec<u8>),
}

impl ChunkDigest {
    /// As bytes, for the state of the run.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            ChunkDigest::Stream(sum) => sum.to_le_bytes().to_vec(),
            ChunkDigest::Server(bytes) => bytes.clone(),
        }
    }
}

/// What a chunk amounts to on one server.
#[derive(Clone)]
pub struct ChunkFacts {
    /// Rows.
    pub rows: u64,
    /// Bytes of their encodings; 0 when digested in the server.
    pub bytes: u64,
    /// Digest.
    pub digest: ChunkDigest,
    /// The key of the last row, where rows came in order.
    pub last_key: Option<Bound>,
    /// Every row's identity and digest, unless they are too many.
    pub rowset: Option<RowSet>,
    /// Rows sorted into buckets by identity, for chunks without an end in sight.
    pub buckets: Option<Box<Buckets>>,
    /// How long reading took.
    pub took: Duration,
}

impl ChunkFacts {
    /// Whether both sides hold the same rows.
    pub fn equals(&self, other: &ChunkFacts) -> bool {
        self.rows == other.rows && self.digest == other.digest
    }
}

/// Most rows that are remembered one by one.
const REMEMBERED_ROWS: usize = 400_000;

/// How to read one chunk.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The table.
    pub plan: &'a TablePlan,
    /// What is read on this server.
    pub reading: &'a Reading,
    /// The rows.
    pub interval: &'a Interval,
    /// How far.
    pub extent: Extent,
    /// How rows are digested.
    pub method: Method,
    /// Whether to remember each row.
    pub remember: bool,
    /// The run's salt.
    pub salt: u64,
}

/// Reads a chunk.
///
/// # Errors
/// Those of the server.
pub fn chunk(session: &mut Session, task: Task<'_>) -> Result<ChunkFacts> {
    match (task.method, &task.plan.server_columns) {
        (Method::Server(kind), Some(columns)) => {
            let started = Instant::now();
            let salt = format!("{:016x}", task.salt);
            let answer = session.digest_interval(task.reading, columns, kind, &salt, task.interval)?;
            Ok(ChunkFacts {
                rows: answer.rows,
                bytes: 0,
                digest: ChunkDigest::Server(answer.digest),
                last_key: None,
                rowset: None,
                buckets: None,
                took: started.elapsed(),
            })
        }
        _ => stream(session, task),
    }
}

fn stream(session: &mut Session, task: Task<'_>) -> Result<ChunkFacts> {
    let started = Instant::now();
    let mut digester = RowDigester::new(task.salt, task.plan.key.unique);
    let (mut rows, mut bytes, mut sum) = (0_u64, 0_u64, 0_u128);
    let mut rowset = task.remember.then(RowSet::default);
    let mut buckets = (task.extent == Extent::AllUnhurried).then(Box::<Buckets>::default);
    let ordered = matches!(task.extent, Extent::First(_));
    let mut last_key: Bound = Vec::new();
    let limit = match task.extent {
        Extent::First(limit) => limit,
        Extent::All | Extent::AllUnhurried => u64::MAX,
    };
    session.read_interval(task.reading, task.interval, task.extent, |row| {
        let digest = digester.digest(&row);
        rows = rows.saturating_add(1);
        bytes = bytes.saturating_add(digester.row_bytes());
        sum = sum.wrapping_add(digest);
        let identity = digester.identity(&row, digest);
        if let Some(set) = &mut rowset
            && (!set.push(identity, digest) || set.len() > REMEMBERED_ROWS)
        {
            rowset = None;
        }
        if let Some(buckets) = &mut buckets {
            buckets.add(bucket_of(identity, task.salt), digest);
        }
        if ordered && rows == limit {
            last_key = row.key().map(Cell::to_value).collect();
        }
    })?;
    let last_key = Some(last_key).filter(|key: &Vec<Value>| !key.is_empty());
    Ok(ChunkFacts { rows, bytes, digest: ChunkDigest::Stream(sum), last_key, rowset, buckets, took: started.elapsed() })
}
