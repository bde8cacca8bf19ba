//! Coverage: what was looked at, how strongly, and as of when.

use crate::{Command, FileCoverage, FilesCoverage, GateCoverage, RotationCoverage};

/// Which side a server is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRole {
    /// The side that is believed.
    Source,
    /// The side that is held against it.
    Replica,
}

impl ServerRole {
    /// `source` or `replica`.
    pub fn name(self) -> &'static str {
        match self {
            ServerRole::Source => "source",
            ServerRole::Replica => "replica",
        }
    }
}

/// A server that took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCoverage {
    /// The name used everywhere in the report: `host:port` or the socket.
    pub name: String,
    /// Its side.
    pub role: ServerRole,
    /// `mysql` or `mariadb`.
    pub flavor: String,
    /// The full version string.
    pub version: String,
    /// How positions are taken and waited for, in words: `gtid`, `file and position`, `none`.
    pub positions: String,
}

/// The position and the time at which something held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsOf {
    /// The source's position; empty when there is none (`--no-replication`).
    pub position: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// Which digest a table was compared by, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestChoice {
    /// `xxh3-128 streamed`, `sha2-256 in server`, `crc32 in server`.
    pub method: String,
    /// Bits of the digest: of rows that differ by accident, about one pair in 2 to this power has equal digests.
    /// It says nothing of rows that were forged.
    pub bits: u32,
    /// How it was chosen, with the measurements.
    pub why: String,
}

/// Where a table stands on one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableState {
    /// Every chunk was compared and every difference resolved; none is left.
    Equal,
    /// At least one finding.
    Differs,
    /// No finding, but something in it could not be proven.
    Unproven,
    /// Not, or not fully, looked at.
    NotRun,
}

impl TableState {
    /// `equal`, `differs`, `unproven`, `not run`.
    pub fn name(self) -> &'static str {
        match self {
            TableState::Equal => "equal",
            TableState::Differs => "differs",
            TableState::Unproven => "unproven",
            TableState::NotRun => "not run",
        }
    }
}

/// One table on one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaCoverage {
    /// The replica's name.
    pub replica: String,
    /// The outcome.
    pub state: TableState,
    /// Chunks whose verdict is known.
    pub chunks_done: u64,
    /// Rows read on the replica in those chunks.
    pub rows: u64,
    /// Chunks whose checksums differ; their rows are not told apart.
    pub chunks_differing: u64,
    /// Rows on the source only.
    pub source_only: u64,
    /// Rows on the replica only.
    pub replica_only: u64,
    /// Rows with the same key and other contents.
    pub changed: u64,
    /// Differing keys that turned out to be changes in flight.
    pub in_flight: u64,
    /// Keys that could not be proven either way.
    pub unproven: u64,
    /// The least position that the whole of it holds for.
    pub as_of: AsOf,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCoverage {
    /// `db.table`, as on the source.
    pub table: String,
    /// Rows read on the source.
    pub rows: u64,
    /// Bytes of row data read on the source, as encoded for the digest; 0 for digests made in the server.
    pub bytes: u64,
    /// Chunks that the key space was cut into.
    pub chunks: u64,
    /// Chunks that were not looked at.
    pub chunks_skipped: u64,
    /// The key that the chunks run along: `PRIMARY (id)`, or `none: streamed as a multiset`.
    pub key: String,
    /// The digest.
    pub digest: DigestChoice,
    /// When the first chunk was started, milliseconds since the Unix epoch; 0 if never.
    pub started_ms: u64,
    /// When the last chunk was decided, milliseconds since the Unix epoch; 0 if never.
    pub finished_ms: u64,
    /// Per replica.
    pub replicas: Vec<ReplicaCoverage>,
}

/// A time in which the throttle held readers back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The server whose readers were held.
    pub server: String,
    /// Why, in words: `replica lag 4.2 s > 1.0 s`.
    pub reason: String,
    /// Start, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Length in milliseconds.
    pub paused_ms: u64,
}

/// Rows that were compared on servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsCoverage {
    /// Servers, the source first.
    pub servers: Vec<ServerCoverage>,
    /// Tables, in the order of their names.
    pub tables: Vec<TableCoverage>,
    /// Throttle pauses, in the order of time.
    pub pauses: Vec<Pause>,
    /// Chunks taken over from an earlier run by `--resume`.
    pub resumed_chunks: u64,
}

/// What was checked. Renderers match on this and on the command, and guess nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Rows on servers.
    Rows(RowsCoverage),
    /// Rows on servers, and where a rotation of slices stands.
    Rotation(RowsCoverage, RotationCoverage),
    /// Pages of files.
    Files(FilesCoverage),
    /// A server, compared with a manifest.
    Gate(Vec<ServerCoverage>, Box<GateCoverage>),
}

impl Default for Coverage {
    fn default() -> Self {
        Coverage::Rows(RowsCoverage::default())
    }
}

impl Coverage {
    /// Nothing yet, in the shape that the command ends with.
    pub fn empty(command: Command) -> Self {
        match command {
            Command::Pages | Command::Innochecksum => Coverage::Files(FilesCoverage::default()),
            Command::Validate | Command::Drill => Coverage::Gate(Vec::new(), Box::default()),
            _ => Coverage::default(),
        }
    }

    /// What was compared by rows.
    pub fn rows(&self) -> Option<&RowsCoverage> {
        match self {
            Coverage::Rows(rows) | Coverage::Rotation(rows, _) => Some(rows),
            Coverage::Files(_) | Coverage::Gate(..) => None,
        }
    }

    /// The same, to be changed.
    pub fn rows_mut(&mut self) -> Option<&mut RowsCoverage> {
        match self {
            Coverage::Rows(rows) | Coverage::Rotation(rows, _) => Some(rows),
            Coverage::Files(_) | Coverage::Gate(..) => None,
        }
    }

    /// The servers that took part.
    pub fn servers(&self) -> &[ServerCoverage] {
        match self {
            Coverage::Rows(rows) | Coverage::Rotation(rows, _) => &rows.servers,
            Coverage::Gate(servers, _) => servers,
            Coverage::Files(_) => &[],
        }
    }

    /// The tables whose rows were compared.
    pub fn tables(&self) -> &[TableCoverage] {
        self.rows().map_or(&[], |rows| &rows.tables)
    }

    /// The times in which the throttle held readers back.
    pub fn pauses(&self) -> &[Pause] {
        self.rows().map_or(&[], |rows| &rows.pauses)
    }

    /// Chunks taken over from an earlier run.
    pub fn resumed_chunks(&self) -> u64 {
        self.rows().map_or(0, |rows| rows.resumed_chunks)
    }

    /// The files.
    pub fn files(&self) -> Option<&FilesCoverage> {
        if let Coverage::Files(files) = self { Some(files) } else { None }
    }

    /// The files one by one.
    pub fn file_list(&self) -> &[FileCoverage] {
        self.files().map_or(&[], |files| &files.files)
    }

    /// Where a rotation of slices stands.
    pub fn rotation(&self) -> Option<&RotationCoverage> {
        if let Coverage::Rotation(_, rotation) = self { Some(rotation) } else { None }
    }

    /// The comparison with a manifest.
    pub fn gate(&self) -> Option<&GateCoverage> {
        if let Coverage::Gate(_, gate) = self { Some(gate) } else { None }
    }
}
