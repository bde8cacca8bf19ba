//! Reads chunks on the source and hands them to the replicas.

use crate::chunk::chunker::{ChunkId, Next, OpenChunk};
use crate::digest_choice;
use crate::link::Link;
use crate::read::{self, ChunkFacts, Method, Task};
use crate::run::{Run, TableRun, WorkItem};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vouch_report::Code;
use vouch_server::{Extent, Interval, Result};

/// Memory that remembered rows of chunks in flight may take.
const REMEMBERED_BYTES: usize = 32 << 20;

/// Chunks that may wait for a replica which is reading; more, while it waits itself.
const AHEAD: usize = 4;
const FAR_AHEAD: usize = 20_000;

/// Which table each reader takes next.
#[derive(Default)]
pub struct Turn {
    next: AtomicUsize,
}

/// One reader of the source.
pub struct SourceReader<'a, 'r> {
    run: &'a Run<'r>,
    link: Link<'a>,
}

/// A chunk whose rows are settled, before it is read.
struct Settled {
    id: ChunkId,
    interval: Interval,
    extent: Extent,
    replicas: Vec<usize>,
}

impl<'a, 'r> SourceReader<'a, 'r> {
    /// A reader with a connection of its own.
    pub fn new(run: &'a Run<'r>) -> Self {
        SourceReader { run, link: Link::new(run.source.dial.clone(), run.stop) }
    }

    /// Reads tables, largest first, until none is left: first one of its own,
    /// then it helps with those that others read.
    pub fn work(mut self, tables: &[Arc<TableRun>], turn: &Turn) {
        while let Some(table) = tables.get(turn.next.fetch_add(1, Ordering::AcqRel)) {
            self.table(table);
        }
        for table in tables {
            self.table(table);
        }
        self.run.note_reconnects(&self.link);
    }

    fn table(&mut self, table: &Arc<TableRun>) {
        self.run.ledger.start(table.number, &table.plan);
        while !self.run.is_over() && !table.is_over() {
            let next = table.chunker().next();
            let outcome = match next {
                Next::Cut(open) => self.cut(table, &open),
                Next::Known { id, interval, replicas } => {
                    self.run.ledger.cut(table.number);
                    let extent = if interval.upper.is_none() { Extent::AllUnhurried } else { Extent::All };
                    self.body(table, Settled { id, interval, extent, replicas }, false)
                }
                // Somebody else reads the rest of it.
                Next::Busy => break,
                Next::Finished => {
                    self.run.ledger.cut_to_the_end(table.number);
                    break;
                }
            };
            if let Err(error) = outcome {
                self.run.source_failed(table, &error);
            }
        }
    }

    /// Waits at the gate, and for replicas to keep up.
    fn may_read(&mut self) -> bool {
        while self.run.source.gate.pass(self.run.stop) {
            let lagging = |replica: &crate::run::ReplicaNode| {
                let limit = if replica.waiting.load(Ordering::Acquire) > 0 { FAR_AHEAD } else { AHEAD };
                replica.lost.load(Ordering::Acquire) || replica.chunks.len() < limit
            };
            if self.run.is_over() || self.run.replicas.iter().all(lagging) {
                break;
            }
            self.run.stop.sleep(Duration::from_millis(1));
        }
        !self.run.is_over()
    }

    /// Cuts the next chunk of a segment and reads it.
    fn cut(&mut self, table: &Arc<TableRun>, open: &OpenChunk) -> Result<()> {
        if !self.may_read() {
            table.chunker().give_back(open);
            return Ok(());
        }
        let method = digest_choice::method(self.run, table, &mut self.link)?;
        let everyone: Vec<usize> = (0..self.run.replicas.len()).collect();
        let settled = |interval, extent| Settled { id: open.id, interval, extent, replicas: everyone.clone() };
        let in_order = table.plan.key.unique && method == Method::Stream;
        if !self.ranged(table, open)? {
            let interval = self.advance(table, open, None);
            self.body(table, settled(interval, Extent::AllUnhurried), false)
        } else if in_order {
            self.body_first(table, open, settled(open.rest.clone(), Extent::First(open.rows)))
        } else {
            let (rest, rows) = (&open.rest, open.rows);
            let cut = self.link.ask(|session| session.key_after(&table.plan.reading, rest, rows))?;
            let interval = self.advance(table, open, cut);
            self.body(table, settled(interval, Extent::All), true)
        }
    }

    /// Whether the table's key works as a range. Asked once, at its second chunk.
    fn ranged(&mut self, table: &TableRun, open: &OpenChunk) -> Result<bool> {
        if !table.plan.key.ranged {
            return Ok(false);
        }
        if open.rest.lower.is_none() || open.id.number == 0 {
            return Ok(true);
        }
        let known = *table.ranged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known {
            return Ok(known);
        }
        let onwards = Interval { lower: open.rest.lower.clone(), upper: None };
        let ranged = self.link.ask(|session| session.reads_as_range(&table.plan.reading, &onwards))?;
        *table.ranged.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(ranged);
        if !ranged {
            let text =
                format!("the optimizer makes no ranges of the key of {}: the rest is one chunk", table.plan.label);
            self.run.ledger.notice(Code::PlanFallback, Some(&self.run.source.name), text);
        }
        Ok(ranged)
    }

    fn advance(&self, table: &TableRun, open: &OpenChunk, cut: Option<vouch_server::Bound>) -> Interval {
        self.run.ledger.cut(table.number);
        let interval = table.chunker().advance(open, cut);
        self.run.note_state(self.run.state.cut(&table.plan.label, open.id, &interval));
        interval
    }

    /// Reads the first rows of a segment; where they end, the chunk ends.
    fn body_first(&mut self, table: &Arc<TableRun>, open: &OpenChunk, mut settled: Settled) -> Result<()> {
        let facts = match self.read(table, &settled) {
            Ok(facts) => facts,
            Err(error) => {
                table.chunker().give_back(open);
                return Err(error);
            }
        };
        let cut = facts.last_key.clone().filter(|_| facts.rows >= open.rows);
        table.chunker().learn(facts.rows, facts.bytes, facts.took);
        settled.interval = self.advance(table, open, cut);
        settled.extent = Extent::All;
        self.hand_over(table, settled, facts)
    }

    fn body(&mut self, table: &Arc<TableRun>, settled: Settled, learn: bool) -> Result<()> {
        if !self.may_read() {
            return Ok(());
        }
        digest_choice::method(self.run, table, &mut self.link)?;
        let facts = self.read(table, &settled)?;
        if learn {
            table.chunker().learn(facts.rows, facts.bytes, facts.took);
        }
        self.hand_over(table, settled, facts)
    }

    fn read(&mut self, table: &TableRun, settled: &Settled) -> Result<ChunkFacts> {
        let method = method_of(table);
        let remember = self.run.remembered.load(Ordering::Acquire) < REMEMBERED_BYTES;
        let salt = self.run.state.salt();
        self.link.ask(|session| {
            let reading = &table.plan.reading;
            let (plan, interval, extent) = (&table.plan, &settled.interval, settled.extent);
            read::chunk(session, Task { plan, reading, interval, extent, method, remember, salt })
        })
    }

    fn hand_over(&mut self, table: &Arc<TableRun>, settled: Settled, facts: ChunkFacts) -> Result<()> {
        let position = self.link.ask(|session| session.source_position(self.run.kind))?;
        self.run.ledger.read(table.number, facts.rows, facts.bytes);
        let (took, bytes) = (facts.took, facts.bytes);
        let held = facts.rowset.as_ref().map_or(0, crate::rowset::RowSet::bytes);
        self.run.remembered.fetch_add(held, Ordering::AcqRel);
        let item = Arc::new(WorkItem {
            table: Arc::clone(table),
            id: settled.id,
            interval: settled.interval,
            extent: settled.extent,
            method: method_of(table),
            facts,
            position,
            budget: Arc::clone(&self.run.remembered),
        });
        for at in settled.replicas {
            let compared = table.plan.replicas.get(at).is_some_and(Option::is_some);
            if let Some(replica) = self.run.replicas.get(at).filter(|_| compared) {
                replica.chunks.push(Arc::clone(&item));
            }
        }
        self.run.pace.rest(self.run.options, took, bytes, self.run.stop);
        Ok(())
    }
}

fn method_of(table: &TableRun) -> Method {
    table.method.lock().unwrap_or_else(std::sync::PoisonError::into_inner).unwrap_or(Method::Stream)
}
