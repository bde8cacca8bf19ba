//! Follows one replica: waits until it has applied a chunk, and holds its value
//! against the source's.

use super::job::{Awaited, Item, Job, Replica};
use crate::fence::Fenced;
use crate::link::Link;
use crate::state::Outcome;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vouch_report::{ChunkPlace, Code, Failure, Finding, Location, Proof};
use vouch_server::{ChunkRow, Fault, Result, ServerError};

/// Follows the replica at that place until no more chunks come.
pub fn follow(job: &Job<'_>, at: usize) {
    let Some(replica) = job.replicas.get(at) else { return };
    let mut follower = Follower { job, at, replica, link: Link::new(replica.node.dial.clone(), job.stop) };
    follower.witness();
    while let Some(item) = replica.items.pop() {
        if replica.is_lost() || job.stop.requested().is_some() {
            continue;
        }
        if let Err(error) = follower.item(&item) {
            follower.failed(&item, &error);
        }
        replica.set_awaited(None);
    }
}

struct Follower<'a, 'j> {
    job: &'a Job<'j>,
    at: usize,
    replica: &'a Replica,
    link: Link<'a>,
}

/// What is said of a replica that computes no checksums of its own.
pub fn copied(replica: &str) -> Failure {
    let text = "it gets copies of the checksums of a server before it, and computes none";
    Failure::new(Code::ChecksumByRows, text).at(None, Some(replica))
}

impl Follower<'_, '_> {
    /// Finds out whether the replica computes what its table holds. Settings do not
    /// tell for certain: an applier keeps the binlog format that it began with.
    fn witness(&mut self) {
        self.replica.set_awaited(Some(self.begun(Instant::now(), self.job.options.chunk.time)));
        match self.computes_itself() {
            Ok(Some(computes)) => {
                if !computes || self.replica.gets_copies() {
                    self.replica.by_rows.store(true, Ordering::Release);
                    self.job.ledger.failure(copied(self.name()));
                }
            }
            Ok(None) => {
                let text = format!("{} did not apply the first statement in time", self.name());
                self.job.give_up(self.replica, Code::LagTimeout, text);
            }
            Err(error) => self.job.give_up(self.replica, Code::ConnectionLost, error.to_string()),
        }
        self.replica.set_awaited(None);
    }

    /// `None` when the replica does not get that far.
    fn computes_itself(&mut self) -> Result<Option<bool>> {
        if self.replica.fence.wait(&mut self.link, &self.job.witnessed, self.job.stop)? == Fenced::TooLate {
            return Ok(None);
        }
        let table = &self.replica.table;
        Ok(Some(self.link.ask(|session| session.computes_itself(table))? == Some(true)))
    }

    /// What the source took `took` for, and this replica begins with now: it has applied
    /// all that is before. What takes next to no time is given some for its way.
    fn begun(&self, since: Instant, took: Duration) -> Awaited {
        Awaited { since, due: Instant::now() + took.max(self.job.options.chunk.time / 5) }
    }

    fn item(&mut self, item: &Arc<Item>) -> Result<()> {
        let took = Duration::try_from_secs_f64(item.row.time_s.unwrap_or(0.0)).unwrap_or(Duration::ZERO);
        self.replica.set_awaited(Some(self.begun(item.written, took)));
        let fenced = self.replica.fence.wait(&mut self.link, &item.position, self.job.stop)?;
        self.replica.set_awaited(None);
        if fenced == Fenced::TooLate {
            let text = format!("{} did not apply chunk {} of {} in time", self.name(), item.row.number, item.label);
            self.job.give_up(self.replica, Code::LagTimeout, text);
            return Ok(());
        }
        if self.replica.gets_copies() {
            return Ok(());
        }
        let (table, number) = (&self.replica.table, item.row.number);
        let row = self.link.ask(|session| session.checksum(table, &item.of, number))?;
        match row.filter(|row| row.source_crc == item.row.source_crc && row.source_cnt == item.row.source_cnt) {
            Some(row) => self.decide(item, &row),
            None => self.missing(item),
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.replica.node.name
    }

    fn decide(&self, item: &Item, row: &ChunkRow) {
        if !self.job.options.check {
            return;
        }
        let equal = row.equal() == Some(true);
        if !equal {
            let finding = finding(&item.label, self.name(), row, &item.position.to_string());
            self.job.ledger.chunk_differs(item.table, self.at, &finding);
        }
        let outcome = Outcome {
            source_rows: item.row.this_cnt,
            rows: row.this_cnt,
            position: item.position.to_string(),
            at_ms: item.written_ms,
            ..Outcome::default()
        };
        self.job.ledger.decided(item.table, self.at, &item.label, &outcome, equal);
    }

    fn missing(&self, item: &Item) {
        let text = format!("the checksum of chunk {} of {} did not arrive", item.row.number, item.label);
        self.unread(item, Code::ChecksumMissing, text);
    }

    fn unread(&self, item: &Item, code: Code, text: String) {
        self.job.unread.store(true, Ordering::Release);
        self.job.ledger.broken(item.table, Failure::new(code, text).at(Some(&item.label), Some(self.name())));
    }

    fn failed(&self, item: &Item, error: &ServerError) {
        match error.fault {
            Fault::Killed if self.job.stop.requested().is_some() => {}
            Fault::Lost | Fault::Busy | Fault::Refused | Fault::UnknownHost | Fault::Tls => {
                self.job.give_up(self.replica, Code::ConnectionLost, error.to_string());
            }
            _ => {
                let text =
                    format!("the checksum of chunk {} of {} cannot be read: {error}", item.row.number, item.label);
                self.unread(item, Code::ServerFault, text);
            }
        }
    }
}

/// What is to be said of a chunk whose values differ.
pub fn finding(table: &str, replica: &str, row: &ChunkRow, position: &str) -> Finding {
    let source_rows = row.source_cnt.unwrap_or(0);
    let place = ChunkPlace {
        number: row.number,
        index: row.index.clone().unwrap_or_default(),
        lower: row.lower.clone(),
        upper: row.upper.clone(),
        source_rows,
        replica_rows: row.this_cnt,
    };
    let what = if source_rows == row.this_cnt {
        format!("{source_rows} rows on both, with other contents")
    } else {
        format!("{source_rows} rows on the source, {} here", row.this_cnt)
    };
    let mut finding = Finding::new(Code::ChunkDiffers, format!("chunk {}{}: {what}", row.number, span(&place)));
    finding.location = Location {
        table: Some(table.to_owned()),
        replica: Some(replica.to_owned()),
        chunk: Some(place),
        ..Location::default()
    };
    finding.proof = Some(Proof::Proven { how: "statement order".to_owned() });
    finding.as_of = Some(position.to_owned()).filter(|position| !position.is_empty());
    finding.count = source_rows.abs_diff(row.this_cnt).max(1);
    finding
}

/// ` (PRIMARY from 1000 to 2000)`; nothing for a whole table.
fn span(place: &ChunkPlace) -> String {
    let from = place.lower.as_ref().map(|text| format!(" from {text}")).unwrap_or_default();
    let to = place.upper.as_ref().map(|text| format!(" to {text}")).unwrap_or_default();
    if from.is_empty() && to.is_empty() { String::new() } else { format!(" ({}{from}{to})", place.index) }
}
