//! From the books of a run to its summary, for every command of the procedure.

use crate::ledger::Ledger;
use crate::run_id;
use crate::state::now_ms;
use crate::stop::Stop;
use vouch_report::{
    Code, Command, Coverage, Event, Failure, RotationCoverage, RowsCoverage, Scope, Sink, Summary, Verdict,
};

/// A run that has begun.
pub struct Report<'a> {
    command: Command,
    run_id: String,
    started_ms: u64,
    sink: &'a dyn Sink,
}

impl<'a> Report<'a> {
    /// Begins a run of `command`.
    pub fn begin(command: Command, sink: &'a dyn Sink) -> Self {
        let started_ms = now_ms();
        Report { command, run_id: run_id::fresh(started_ms).0, started_ms, sink }
    }

    /// The event that says so.
    pub fn started(&self) -> Event {
        Event::RunStarted { command: self.command, run_id: self.run_id.clone(), at_ms: self.started_ms }
    }

    /// Closes the books and tells the end. A run that looked at no table does not look clean.
    pub fn close(self, ledger: Ledger<'_>, stop: &Stop, rotation: Option<RotationCoverage>) -> Summary {
        let closed = ledger.close();
        let mut errors = closed.errors;
        if closed.tables.is_empty() && rotation.is_none() && errors.is_empty() {
            let text = "no table was looked at: nothing matches the filters, or nothing may be seen";
            errors.push(Failure::new(Code::TableUnknown, text).with_hint("loosen the filters, or grant SELECT"));
        }
        let rows = RowsCoverage {
            servers: closed.servers,
            tables: closed.tables,
            pauses: closed.pauses,
            resumed_chunks: closed.resumed,
        };
        let summary = Summary {
            command: self.command,
            run_id: self.run_id,
            started_ms: self.started_ms,
            finished_ms: now_ms(),
            verdict: Verdict::of(&closed.findings, &errors, stop.requested()),
            scope: Scope::default(),
            coverage: match rotation {
                Some(rotation) => Coverage::Rotation(rows, rotation),
                None => Coverage::Rows(rows),
            },
            findings: closed.findings,
            skips: closed.skips,
            errors,
            notices: closed.notices,
        };
        self.sink.emit(&Event::RunFinished(Box::new(summary.clone())));
        summary
    }
}
