//! Rotating slices: one slice of every table a run, and the next one after it succeeded.
//!
//! A chunk's boundaries stand still for a whole rotation, so rows that live
//! through it are covered however many others come and go. Chunk k belongs to
//! slice k mod N. A rotation ends when a slice comes up that it has done already;
//! then the next one cuts anew. Invariant: the offset moves in the transaction
//! that notes the slice as done, and not before it is.

use super::boundary;
use super::job::Job;
use super::options::Slice;
use crate::chunk::chunker::{ChunkId, KnownChunk};
use crate::ledger::Ledger;
use crate::link::Link;
use crate::plan::TablePlan;
use crate::refusal::refuse_server;
use vouch_convert::{narrow, widen};
use vouch_report::{Code, Failure, Refusal};
use vouch_server::{
    Bound, Fault, Interval, PlannedChunk, ReplicateTable, Result, Rotation, RotationTables, ServerError, TableName,
};

/// The slice of this run.
pub struct Turn {
    tables: RotationTables,
    at: Rotation,
    next: u64,
}

impl Turn {
    /// Finds out which slice is to be done, and begins a rotation where it is time to.
    ///
    /// # Errors
    /// A refusal: the offset makes no sense, or the source cannot be asked.
    pub fn begin(
        slice: &Slice,
        table: &ReplicateTable,
        write: &mut Link<'_>,
        ledger: &Ledger<'_>,
    ) -> std::result::Result<Turn, Refusal> {
        let refuse = |error: ServerError| refuse_server("source", &error);
        let tables = RotationTables::beside(table);
        write.ask(|session| session.create_rotation(&tables)).map_err(refuse)?;
        let wanted = slice.offset.as_deref().map(|text| offset(text, slice.modulo, write)).transpose()?;
        let stored = write.ask(|session| session.rotation(&tables)).map_err(refuse)?;
        let changed = stored.filter(|stored| stored.modulo != slice.modulo);
        if let Some(stored) = changed {
            let text =
                format!("the modulo was {} and is {}: a new rotation begins at slice 0", stored.modulo, slice.modulo);
            ledger.notice(Code::ModuloChanged, None, text);
        }
        let kept = stored.filter(|_| changed.is_none());
        let next = kept.map_or(0, |stored| stored.offset);
        let slice_number = wanted.unwrap_or(next);
        let mut number = stored.map_or(1, |stored| stored.number + u64::from(changed.is_some()));
        let over = write.ask(|session| session.slice_is_finished(&tables, slice_number, number)).map_err(refuse)?;
        number += u64::from(over);
        if kept.is_none() || over {
            let begin =
                |session: &mut vouch_server::Session| session.begin_rotation(&tables, slice.modulo, next, number);
            write.ask(begin).map_err(refuse)?;
        }
        let at = Rotation { modulo: slice.modulo, offset: slice_number, number, started_s: 0 };
        let next = if wanted.is_some() { next } else { (slice_number + 1) % slice.modulo };
        Ok(Turn { tables, at, next })
    }

    /// In words, for the report.
    pub fn describe(&self) -> String {
        format!("slice {} of {}, rotation {}", self.at.offset, self.at.modulo, self.at.number)
    }

    fn is_mine(&self, number: u64) -> bool {
        number % self.at.modulo == self.at.offset
    }

    /// The chunks of a table that are in this slice.
    ///
    /// # Errors
    /// Those of the servers, and [`Fault::Killed`] when the run is over before all is cut.
    pub fn chunks(
        &self,
        plan: &TablePlan,
        write: &mut Link<'_>,
        read: &mut Link<'_>,
        job: &Job<'_>,
    ) -> Result<Vec<KnownChunk>> {
        let mut planned = write.ask(|session| session.planned_chunks(&self.tables, &plan.name))?;
        // Boundaries of another key would let rows slip from a slice that is to come into one that has been.
        let key = plan.key.describe();
        let stands =
            |chunk: &PlannedChunk| chunk.rotation == self.at.number && chunk.key == key && known(plan, chunk).is_some();
        if planned.is_empty() || !planned.iter().all(stands) {
            planned = self.cut_anew(plan, &planned, write, read, job)?;
        }
        let mut greatest = planned.iter().map(|chunk| chunk.number).max().unwrap_or(0);
        let mut mine = Vec::new();
        for chunk in planned.into_iter().filter(|chunk| self.is_mine(chunk.number)) {
            let parts = self.parts(plan, &chunk, &mut greatest, read, job)?;
            if parts.len() > 1 {
                write.ask(|session| session.add_chunks(&self.tables, &plan.name, &parts))?;
            }
            for part in &parts {
                mine.push(known(plan, part).ok_or_else(|| misfit(read, plan))?);
            }
        }
        Ok(mine)
    }

    /// Cuts a whole table for this rotation and notes it.
    fn cut_anew(
        &self,
        plan: &TablePlan,
        old: &[PlannedChunk],
        write: &mut Link<'_>,
        read: &mut Link<'_>,
        job: &Job<'_>,
    ) -> Result<Vec<PlannedChunk>> {
        // Each part of the table is at least as old as the oldest chunk was.
        let oldest: Option<Vec<u64>> = old.iter().map(|chunk| chunk.verified_s).collect();
        let verified_s = oldest.and_then(|ages| ages.into_iter().min());
        let mut chunks = Vec::new();
        for (number, (lower, upper)) in (1..).zip(cuts(plan, &Interval::default(), job.options.chunk.rows, read, job)?)
        {
            let key = plan.key.describe();
            chunks.push(PlannedChunk { number, lower, upper, key, rotation: self.at.number, verified_s });
        }
        write.ask(|session| session.plan_chunks(&self.tables, &plan.name, &chunks))?;
        let count = widen(chunks.len());
        write.ask(|session| session.forget_checksums(&job.table, &plan.name, count))?;
        Ok(chunks)
    }

    /// A chunk, or the parts of one that has grown too large: all of them belong to
    /// this slice, since rows that were there at the beginning may be in any.
    fn parts(
        &self,
        plan: &TablePlan,
        chunk: &PlannedChunk,
        greatest: &mut u64,
        read: &mut Link<'_>,
        job: &Job<'_>,
    ) -> Result<Vec<PlannedChunk>> {
        let interval = known(plan, chunk).ok_or_else(|| misfit(read, plan))?.interval;
        let sizing = &job.options.chunk;
        let grown = match sizing.most(sizing.rows) {
            Some(most) => read.ask(|session| session.has_more_than(&plan.reading, &interval, most))?,
            None => false,
        };
        if !grown {
            return Ok(vec![chunk.clone()]);
        }
        if !has_chunks(plan) {
            let text = format!(
                "{} has no index that chunks could run along, and more rows than one chunk may have",
                plan.label
            );
            return Err(ServerError::new(read.name(), Fault::Other, text));
        }
        let mut parts = Vec::new();
        for (at, (lower, upper)) in cuts(plan, &interval, sizing.rows, read, job)?.into_iter().enumerate() {
            let number = if at == 0 { chunk.number } else { self.number_after(*greatest) };
            *greatest = (*greatest).max(number);
            parts.push(PlannedChunk { number, lower, upper, ..chunk.clone() });
        }
        Ok(parts)
    }

    /// The first number above `greatest` that belongs to this slice.
    fn number_after(&self, greatest: u64) -> u64 {
        let rest = (greatest + 1) % self.at.modulo;
        greatest + 1 + (self.at.offset + self.at.modulo - rest) % self.at.modulo
    }

    /// Notes which tables were verified, and moves on when the slice succeeded.
    ///
    /// # Errors
    /// Those of the source; then nothing is noted.
    pub fn finish(&self, write: &mut Link<'_>, verified: &[TableName], succeeded: bool) -> Result<()> {
        let next = succeeded.then_some(self.next);
        write.ask(|session| session.finish_slice(&self.tables, self.at, verified, next))
    }
}

/// The offset that an expression gives.
fn offset(text: &str, modulo: u64, write: &mut Link<'_>) -> std::result::Result<u64, Refusal> {
    let found = write.ask(|session| session.number_of(text)).map_err(|error| {
        Refusal::usage(
            format!("--offset cannot be evaluated: {error}"),
            "it is a number, or what may stand after SELECT: WEEKDAY(NOW()), a FROM db.tbl",
        )
    })?;
    match found {
        Some(offset) if offset < modulo => Ok(offset),
        Some(offset) => Err(Refusal::usage(
            format!("--offset is {offset}, and slices are numbered from 0 to {}", modulo.saturating_sub(1)),
            "an offset that wraps at another number than --modulo would leave slices unchecked for ever",
        )),
        None => Err(Refusal::usage("--offset gives no number", "it has to be 0 or more, and less than --modulo")),
    }
}

fn has_chunks(plan: &TablePlan) -> bool {
    plan.key.ranged && !plan.reading.key.is_empty()
}

type Cut = (Option<String>, Option<String>);

/// Cuts an interval every `rows` rows, from the index alone.
fn cuts(plan: &TablePlan, interval: &Interval, rows: u64, read: &mut Link<'_>, job: &Job<'_>) -> Result<Vec<Cut>> {
    let as_text = |bound: &Option<Bound>| bound.as_ref().map(|bound| boundary::text(bound));
    let mut rest = interval.clone();
    let mut cuts = Vec::new();
    while has_chunks(plan) {
        if !job.may_write() {
            return Err(ServerError::new(read.name(), Fault::Killed, "the run is over before the table was cut"));
        }
        let Some(cut) = read.ask(|session| session.cut_after(&plan.reading, &rest, rows))? else { break };
        let upper = Some(cut);
        // A run of equal keys never ends below itself.
        if upper == rest.lower {
            break;
        }
        cuts.push((as_text(&rest.lower), as_text(&upper)));
        rest.lower = upper;
    }
    cuts.push((as_text(&rest.lower), as_text(&rest.upper)));
    Ok(cuts)
}

fn known(plan: &TablePlan, chunk: &PlannedChunk) -> Option<KnownChunk> {
    let bound = |text: &Option<String>| -> Option<Option<Bound>> {
        match text {
            None => Some(None),
            Some(text) => boundary::parse(text, &plan.reading.key, &plan.definition).map(Some),
        }
    };
    Some(KnownChunk {
        id: ChunkId { segment: 0, number: narrow::<u32, _>(chunk.number.checked_sub(1)?)? },
        interval: Interval { lower: bound(&chunk.lower)?, upper: bound(&chunk.upper)? },
        replicas: Vec::new(),
        rows: 0,
        bytes: 0,
    })
}

fn misfit(read: &Link<'_>, plan: &TablePlan) -> ServerError {
    let text = format!("the boundaries that were noted for {} do not fit its key any more", plan.label);
    ServerError::new(read.name(), Fault::Changed, text)
}

/// A failure to note what was done.
pub fn not_noted(error: &ServerError) -> Failure {
    Failure::new(Code::StateFault, format!("the slice could not be noted as done: {error}"))
        .with_hint("it is done again in the next run")
}
