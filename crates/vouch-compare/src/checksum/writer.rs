//! Writes checksums on the source, table by table and chunk by chunk.
//!
//! Invariant: a chunk ends where the next one begins, the first one has no lower
//! and the last one no upper end, so every row that a replica may have is in one.

use super::job::{Item, Job};
use super::options::Function;
use super::rotation::Turn;
use super::stride::{self, Stride};
use super::{boundary, expression};
use crate::chunk::chunker::{ChunkId, Chunker, KnownChunk, Next, OpenChunk};
use crate::chunk::sizer::Sizer;
use crate::drift;
use crate::link::{Dial, Link};
use crate::options::ChunkPolicy;
use crate::plan::TablePlan;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_convert::unix_ms;
use vouch_report::{Code, Failure};
use vouch_server::{Bound, ChunkRange, ChunkRow, ChunkStatement, Expression, Fault, Interval, Result, ServerError};

/// How far a table was checksummed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// To its end.
    Whole,
    /// Not, and a second run would not get further.
    Unfit,
    /// Not, but another run may.
    CutOff,
}

/// The most rows of a chunk whose size follows the time that it takes.
const ROWS_MAX: u64 = 10_000_000;

/// Time before a chunk is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The writer of a run.
pub struct Writer<'a, 'j> {
    job: &'a Job<'j>,
    write: Link<'a>,
    read: Link<'a>,
    guard: &'a mut Link<'a>,
    lock: String,
}

/// A table that is being checksummed.
struct Table<'t> {
    plan: &'t TablePlan,
    number: usize,
    expression: Expression,
    chunker: Chunker,
    stride: Stride,
    rows: u64,
    broken: bool,
}

impl<'a, 'j> Writer<'a, 'j> {
    /// A writer; the guard holds the lock that keeps others away.
    pub fn new(job: &'a Job<'j>, dial: Dial, guard: &'a mut Link<'a>, lock: String) -> Self {
        let read = Link::new(job.source.dial.clone(), job.stop);
        Writer { job, write: Link::new(dial, job.stop), read, guard, lock }
    }

    /// The link that writes.
    pub fn link(&mut self) -> &mut Link<'a> {
        &mut self.write
    }

    /// Checksums a table, or the chunks of it that `turn` wants; `resume` says from where.
    pub fn table(&mut self, plan: &TablePlan, number: usize, turn: Option<&Turn>, resume: Vec<KnownChunk>) -> Ended {
        let ended = self.prepared(plan, number, turn, resume);
        ended.unwrap_or_else(|error| self.table_failed(plan, number, &error))
    }

    fn prepared(
        &mut self,
        plan: &TablePlan,
        number: usize,
        turn: Option<&Turn>,
        resume: Vec<KnownChunk>,
    ) -> Result<Ended> {
        if !self.guard.ask(|session| session.hold(&self.lock))? {
            return Err(ServerError::new(self.guard.name(), Fault::Other, "another process took over the lock"));
        }
        self.read.ask(|session| session.check_condition(&plan.reading))?;
        let expression = expression::of(plan, self.job.options.function);
        let choice = expression::describe(&expression, self.job.wide);
        self.job.ledger.digest(number, &plan.label, choice);
        self.job.ledger.start(number, plan);
        let (chunker, stride) = (self.chunker(), Stride::new(plan));
        let mut table = Table { plan, number, expression, chunker, stride, rows: 0, broken: false };
        let planned = match turn {
            Some(turn) => turn.chunks(plan, &mut self.write, &mut self.read, self.job)?,
            None => resume,
        };
        let ended = if turn.is_some() {
            self.slice(&mut table, planned)?
        } else {
            table.chunker.take_over(planned);
            self.chunks(&mut table)?
        };
        if ended == Ended::Whole && !self.is_as_planned(plan)? {
            let text = format!("the definition of {} changed while it was checksummed", plan.label);
            self.job.ledger.broken(number, Failure::new(Code::TableChanged, text).at(Some(&plan.label), None));
            return Ok(Ended::CutOff);
        }
        Ok(ended)
    }

    fn is_as_planned(&mut self, plan: &TablePlan) -> Result<bool> {
        let now = self.read.ask(|session| session.definition(&plan.name))?;
        Ok(drift::same_definition(&now, &plan.definition))
    }

    fn chunker(&self) -> Chunker {
        let sizing = &self.job.options.chunk;
        let (least, most) = if sizing.fixed { (sizing.rows, sizing.rows) } else { (1, ROWS_MAX) };
        let policy =
            ChunkPolicy { time: sizing.time, rows_min: least, rows_max: most, bytes_max: u64::MAX, index: None };
        Chunker::new(Vec::new(), Sizer::starting_at(&policy, sizing.rows))
    }

    /// Cuts and writes chunks until the table ends.
    fn chunks(&mut self, table: &mut Table<'_>) -> Result<Ended> {
        loop {
            match table.chunker.next() {
                Next::Cut(open) => {
                    if !self.job.may_write() {
                        return Ok(Ended::CutOff);
                    }
                    if !self.cut(table, &open)? {
                        return Ok(Ended::Unfit);
                    }
                }
                Next::Known { id, interval, .. } => self.chunk(table, u64::from(id.number) + 1, &interval)?,
                Next::Busy | Next::Finished => break,
            }
        }
        self.outside(table)?;
        self.job.ledger.cut_to_the_end(table.number);
        Ok(if table.broken { Ended::CutOff } else { Ended::Whole })
    }

    /// Writes the chunks of a slice, each as long as it was cut for the rotation.
    fn slice(&mut self, table: &mut Table<'_>, planned: Vec<KnownChunk>) -> Result<Ended> {
        for chunk in planned {
            if !self.job.may_write() {
                return Ok(Ended::CutOff);
            }
            self.chunk(table, u64::from(chunk.id.number) + 1, &chunk.interval)?;
        }
        self.job.ledger.cut_to_the_end(table.number);
        Ok(if table.broken { Ended::CutOff } else { Ended::Whole })
    }

    /// Finds the end of the next chunk and writes it; false when the table is not fit for chunks.
    fn cut(&mut self, table: &mut Table<'_>, open: &OpenChunk) -> Result<bool> {
        let (reading, sizing) = (&table.plan.reading, &self.job.options.chunk);
        let first = open.id.number == 0;
        let ranged = table.plan.key.ranged && !reading.key.is_empty();
        let most = sizing.most(open.rows);
        // A table that is as small as a chunk may be is one chunk.
        if first && let Some(most) = most {
            let small = !self.read.ask(|session| session.has_more_than(reading, &open.rest, most))?;
            if small || !ranged {
                return self.whole(table, open, small);
            }
        } else if !ranged {
            return self.whole(table, open, true);
        }
        let cut = self.end_of(table, open, most)?;
        let interval = table.chunker.advance(open, cut);
        let number = u64::from(open.id.number) + 1;
        match self.fault_of(table, &interval, most)? {
            Some(fault) => self.skip(table, number, &fault),
            None => self.chunk(table, number, &interval)?,
        }
        Ok(true)
    }

    /// Where a chunk ends; `None` when it is the last one.
    fn end_of(&mut self, table: &mut Table<'_>, open: &OpenChunk, most: Option<u64>) -> Result<Option<Bound>> {
        let (reading, rows) = (&table.plan.reading, open.rows);
        let estimate = match self.job.options.chunk.fixed {
            true => None,
            false => table.stride.end(open.rest.lower.as_ref(), rows, most),
        };
        let Some(end) = estimate else {
            return self.read.ask(|session| session.cut_after(reading, &open.rest, rows));
        };
        if !table.stride.is_before_last(end) {
            let last = self.read.ask(|session| session.last_key(reading))?;
            table.stride.set_last(last.as_ref());
        }
        Ok(stride::bound(end).filter(|_| table.stride.is_before_last(end)))
    }

    /// The table, or the rest of it, as one chunk, if it is small enough for that.
    fn whole(&mut self, table: &mut Table<'_>, open: &OpenChunk, small: bool) -> Result<bool> {
        if !small {
            let text = format!(
                "{} has no index that chunks could run along, and more rows than one chunk may have",
                table.plan.label
            );
            let failure = Failure::new(Code::TableOversized, text).at(Some(&table.plan.label), None);
            self.job.ledger.broken(table.number, failure);
            return Ok(false);
        }
        let interval = table.chunker.advance(open, None);
        self.chunk(table, u64::from(open.id.number) + 1, &interval)?;
        Ok(true)
    }

    /// Why a chunk should not be written; `None` when it may.
    fn fault_of(&mut self, table: &Table<'_>, interval: &Interval, most: Option<u64>) -> Result<Option<String>> {
        let reading = &table.plan.reading;
        if let Some(most) = most.filter(|_| !table.plan.key.unique)
            && self.read.ask(|session| session.has_more_than(reading, interval, most))?
        {
            return Ok(Some(format!("it has more than {most} rows, since so many have the same key")));
        }
        // The first chunk ends where the index was just read to.
        if self.job.options.chunk.check_plan
            && interval.lower.is_some()
            && !self.read.ask(|session| session.reads_as_range(reading, interval))?
        {
            let index = reading.index.as_deref().unwrap_or_default();
            return Ok(Some(format!("the optimizer would not read it as a range of the index {index}")));
        }
        Ok(None)
    }

    fn skip(&self, table: &mut Table<'_>, number: u64, why: &str) {
        self.job.ledger.cut(table.number);
        let text = format!("chunk {number} of {} was skipped: {why}", table.plan.label);
        let failure = Failure::new(Code::ChunkSkipped, text).at(Some(&table.plan.label), None);
        self.job.ledger.skip_chunk(table.number, failure);
        table.broken = true;
    }

    /// What pt-table-checksum numbers last: the rows before the first key and after the
    /// last one, which are in the first and the last chunk already.
    fn outside(&mut self, table: &mut Table<'_>) -> Result<()> {
        let chunks = table.rows;
        if self.job.options.function != Function::Crc32Percona || chunks < 2 || table.broken {
            return Ok(());
        }
        let reading = &table.plan.reading;
        let Some(first) = self.read.ask(|session| session.first_key(reading))? else { return Ok(()) };
        let Some(last) = self.read.ask(|session| session.last_key(reading))? else { return Ok(()) };
        let above = Interval { lower: Some(last.clone()), upper: None };
        let ranges =
            [(ChunkRange::Below(first.clone()), None, Some(first)), (ChunkRange::Interval(above), Some(last), None)];
        for (number, (range, lower, upper)) in (chunks + 1..).zip(ranges) {
            if self.job.may_write() {
                self.write_chunk(table, number, &range, lower.as_ref(), upper.as_ref())?;
            }
        }
        Ok(())
    }

    fn chunk(&mut self, table: &mut Table<'_>, number: u64, interval: &Interval) -> Result<()> {
        let range = ChunkRange::Interval(interval.clone());
        self.write_chunk(table, number, &range, interval.lower.as_ref(), interval.upper.as_ref())
    }

    /// Writes a chunk and hands it to the followers; tries again where rows are locked.
    fn write_chunk(
        &mut self,
        table: &mut Table<'_>,
        number: u64,
        range: &ChunkRange,
        lower: Option<&Bound>,
        upper: Option<&Bound>,
    ) -> Result<()> {
        self.job.ledger.cut(table.number);
        let whole = *range == ChunkRange::Interval(Interval::default());
        let mut reading = table.plan.reading.clone();
        if whole {
            reading.index = None;
        }
        let statement = ChunkStatement {
            into: &self.job.table,
            reading: &reading,
            expression: &table.expression,
            number,
            range,
            lower: lower.map(|bound| boundary::text(bound)),
            upper: upper.map(|bound| boundary::text(bound)),
            database: self.job.options.database.as_deref().unwrap_or(&table.plan.name.database),
        };
        let started = Instant::now();
        match self.try_chunk(&statement) {
            Ok(row) => {
                table.chunker.learn(row.this_cnt, 0, started.elapsed());
                if let ChunkRange::Interval(interval) = range {
                    table.stride.learn(interval, row.this_cnt);
                }
                table.rows = table.rows.max(number);
                self.hand_over(table, row)
            }
            Err(error) if matches!(error.fault, Fault::Timeout | Fault::Killed) && !self.stopped() => {
                self.unwritten(table, number, &error);
                Ok(())
            }
            Err(error) => {
                self.job.ledger.uncut(table.number);
                Err(error)
            }
        }
    }

    fn stopped(&self) -> bool {
        self.job.stop.requested().is_some()
    }

    fn try_chunk(&mut self, statement: &ChunkStatement<'_>) -> Result<ChunkRow> {
        let mut tries = 0;
        loop {
            match self.write.ask(|session| session.checksum_chunk(statement)) {
                Err(error)
                    if matches!(error.fault, Fault::Timeout | Fault::Killed)
                        && tries < self.job.options.retries
                        && !self.stopped() =>
                {
                    tries += 1;
                    self.job.stop.sleep(RETRY_AFTER);
                }
                ended => return ended,
            }
        }
    }

    fn unwritten(&self, table: &mut Table<'_>, number: u64, error: &ServerError) {
        let tries = self.job.options.retries + 1;
        let text = format!("chunk {number} of {} was skipped after {tries} tries: {error}", table.plan.label);
        let failure = Failure::new(Code::ChunkSkipped, text).at(Some(&table.plan.label), None);
        self.job.ledger.skip_chunk(table.number, failure);
        table.broken = true;
    }

    fn hand_over(&mut self, table: &Table<'_>, row: ChunkRow) -> Result<()> {
        let (written, written_ms) = (Instant::now(), unix_ms());
        let position = self.read.ask(|session| session.source_position(self.job.kind))?;
        self.job.ledger.read(table.number, row.this_cnt, 0);
        let (of, label) = (table.plan.name.clone(), table.plan.label.clone());
        let item = Arc::new(Item { table: table.number, label, of, row, position, written, written_ms });
        for replica in &self.job.replicas {
            replica.items.push(Arc::clone(&item));
        }
        Ok(())
    }

    fn table_failed(&self, plan: &TablePlan, number: usize, error: &ServerError) -> Ended {
        if error.fault == Fault::Killed && self.stopped() {
            return Ended::CutOff;
        }
        let (code, text) = match error.fault {
            Fault::Missing => (Code::TableVanished, format!("{} was there and is gone: {error}", plan.label)),
            Fault::Changed => (Code::TableChanged, format!("{} changed: {error}", plan.label)),
            Fault::Denied => (Code::AccessDenied, format!("{} cannot be checksummed: {error}", plan.label)),
            Fault::Lost | Fault::Busy => (Code::ConnectionLost, error.to_string()),
            _ => (Code::TableFailed, format!("{} cannot be checksummed: {error}", plan.label)),
        };
        self.job.ledger.broken(number, Failure::new(code, text).at(Some(&plan.label), None));
        match code {
            Code::TableVanished => Ended::Unfit,
            _ => Ended::CutOff,
        }
    }
}

/// The chunks of an earlier run that are not written again, by the rows that it left.
pub fn resumed(plan: &TablePlan, rows: &[ChunkRow]) -> Vec<KnownChunk> {
    let bound = |text: &Option<String>| -> Option<Option<Bound>> {
        match text {
            None => Some(None),
            Some(text) => boundary::parse(text, &plan.reading.key, &plan.definition).map(Some),
        }
    };
    let mut known = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Ok(number) = u32::try_from(at) else { break };
        // What does not continue without a gap is written anew.
        if row.number != u64::from(number) + 1 || row.source_cnt.is_none() {
            break;
        }
        let (Some(lower), Some(upper)) = (bound(&row.lower), bound(&row.upper)) else { break };
        // Others begin a chunk at its first row, and leave what lies before.
        if lower != known.last().and_then(|before: &KnownChunk| before.interval.upper.clone()) {
            break;
        }
        let ends = upper.is_none();
        known.push(KnownChunk {
            id: ChunkId { segment: 0, number },
            interval: Interval { lower, upper },
            replicas: Vec::new(),
            rows: row.this_cnt,
            bytes: 0,
        });
        if ends {
            break;
        }
    }
    known
}
