//! `vouch checksum` and the commands under it: options, engine, renderers, exit codes.

use super::running::{self, Show};
use crate::cli::Verb;
use crate::cli::checksum::{ChecksumVerb, ExitCodes};
use crate::cli::output::Format;
use crate::complaint::{Complaint, printable};
use crate::config::Origins;
use crate::config::checksum::{self as job, ChecksumJob, Task};
use crate::config::job::check_files_format;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say};
use std::sync::Arc;
use vouch_compare::checksum;
use vouch_report::{Code, NullSink, Refusal, RefusalKind, RunContext, Stop, Summary, Verdict};

/// Does what the arguments ask for, and returns what it came to.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Checksum(mut args) = verb else { return Ok(Exit::Usage) };
    let job = match args.verb.take() {
        None => job::write(*args, origins, variables, &running::ask)?,
        Some(ChecksumVerb::Check(args)) => job::check(*args, origins, variables, &running::ask)?,
        Some(ChecksumVerb::Plan(args)) => job::plan(*args, origins, variables, &running::ask)?,
        Some(ChecksumVerb::Status(args)) => job::status(*args, origins, variables, &running::ask)?,
    };
    check_files_format(&job.output)?;
    if !job.output.quiet {
        job.warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    }
    let stop = signal::stop()?;
    crate::batch::settle();
    match job.task {
        Task::Explain => explained(&job, &stop),
        Task::Plan(slice_bytes) => planned(&job, slice_bytes, &stop),
        _ => looked(&job, &stop, Terminal::of_process(job.output.color, variables)),
    }
}

fn explained(job: &ChecksumJob, stop: &Arc<Stop>) -> Result<Exit, Complaint> {
    let text = checksum::explain(&job.options, &silent(stop));
    super::write(&text.map_err(Complaint::from)?)
}

fn planned(job: &ChecksumJob, slice_bytes: u64, stop: &Arc<Stop>) -> Result<Exit, Complaint> {
    let plan = checksum::plan(&job.options, slice_bytes, &silent(stop));
    let plan = plan.map_err(Complaint::from)?;
    super::write(&match job.output.format {
        Format::Human | Format::Percona | Format::Mysqlbackup => vouch_render::rotation::plan(&plan),
        Format::Json | Format::Jsonl => vouch_render::json::plan(&plan),
    })
}

/// Nobody is told of the course of the work.
fn silent(stop: &Arc<Stop>) -> RunContext {
    RunContext {
        sink: Arc::new(NullSink),
        stop: Arc::clone(stop),
        now_ms: vouch_convert::unix_ms,
        run_id: String::new(),
    }
}

/// Work that has a result document.
fn looked(job: &ChecksumJob, stop: &Arc<Stop>, terminal: Terminal) -> Result<Exit, Complaint> {
    let exit = |summary: &Summary| exit_of(summary, job.exit_codes);
    let show = Show { output: &job.output, terminal, stop, at_once: true, exit: &exit };
    let options = &job.options;
    let ended = show.carry_out(&|context| {
        let context = RunContext { run_id: checksum::fresh_id((context.now_ms)()), ..context.clone() };
        match job.task {
            Task::Status(age) => checksum::status(options, age, &context),
            Task::Check => checksum::check(options, &context),
            _ => checksum::checksum(options, &context),
        }
    });
    match ended {
        Ok((summary, Ok(()))) => Ok(exit(&summary)),
        Ok((summary, Err(problem))) => Ok(running::unwritten(&problem, &summary)),
        Err(refusal) => Err(refused(refusal, job.exit_codes)),
    }
}

/// The bits of pt-table-checksum.
mod bit {
    pub const ERROR: u8 = 1;
    pub const ALREADY_RUNNING: u8 = 2;
    pub const SIGNAL: u8 = 4;
    pub const NO_REPLICAS: u8 = 8;
    pub const DIFFERENCES: u8 = 16;
    pub const CHUNK_SKIPPED: u8 = 32;
    pub const TABLE_SKIPPED: u8 = 64;
    pub const REPLICA_STOPPED: u8 = 128;
}

fn refused(refusal: Refusal, codes: ExitCodes) -> Complaint {
    let bits = match refusal.kind {
        RefusalKind::AlreadyRunning => bit::ALREADY_RUNNING,
        RefusalKind::NoReplicas => bit::NO_REPLICAS,
        RefusalKind::Usage | RefusalKind::Unreachable => bit::ERROR,
    };
    let mut complaint = Complaint::from(refusal);
    if codes == ExitCodes::Percona {
        complaint.exit = Exit::Mask(bits);
    }
    complaint
}

fn exit_of(summary: &Summary, codes: ExitCodes) -> Exit {
    match codes {
        ExitCodes::Vouch => Exit::from(summary.verdict),
        ExitCodes::Percona => Exit::Mask(mask(summary)),
    }
}

fn mask(summary: &Summary) -> u8 {
    let interrupted = matches!(summary.verdict, Verdict::Interrupted(_));
    let differences = summary.scope.counts().differing > 0
        || summary.findings.iter().any(|finding| finding.severity > vouch_report::Severity::Notice);
    let mut mask = if interrupted { bit::SIGNAL } else { 0 } | if differences { bit::DIFFERENCES } else { 0 };
    for error in &summary.errors {
        mask |= match error.code {
            Code::ChunkSkipped => bit::CHUNK_SKIPPED,
            Code::TableOversized | Code::TableUnsafe | Code::TableVanished => bit::TABLE_SKIPPED,
            Code::LagTimeout => bit::REPLICA_STOPPED,
            _ => bit::ERROR,
        };
    }
    // What is not proven has a bit even where no error was reported about it.
    if mask == 0 && !summary.verdict.is_clean() { bit::ERROR } else { mask }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_report::{
        Command, Coverage, Failure, Finding, Item, ItemKind, Outcome, Recorder, Reported, RunContext, Scope,
    };

    /// The scope of a run that verified the one table it owed.
    fn verified() -> Scope {
        let recorder = Recorder::begin(Command::Checksum, RunContext::silent());
        recorder.settled(Item::new(ItemKind::Table, "shop.t"), Outcome::verified());
        recorder.finish(Coverage::default()).scope
    }

    fn summary(findings: Vec<Finding>, errors: Vec<Failure>) -> Summary {
        Summary::of(Command::Checksum, verified(), Reported { findings, errors, ..Reported::default() }, None)
    }

    /// A table that nobody settled was exit code 0 with `--exit-codes percona`: a scheduled job would have taken rows
    /// that were never compared for proven.
    #[test]
    fn what_is_not_proven_has_a_bit() {
        let recorder = Recorder::begin(Command::Checksum, RunContext::silent());
        recorder.settled(Item::new(ItemKind::Table, "shop.t"), Outcome::verified());
        recorder.owe(Item::new(ItemKind::Table, "shop.u"));
        assert_eq!(mask(&recorder.finish(Coverage::default())), bit::ERROR);
    }

    #[test]
    fn the_bits_of_the_mask_add_up() {
        let error = |code| Failure::new(code, "");
        let found = Finding::new(Code::ChunkDiffers, "");
        let errors = vec![error(Code::ChunkSkipped), error(Code::TableOversized), error(Code::ChunkSkipped)];
        assert_eq!(mask(&summary(vec![found], errors)), 16 + 32 + 64);
        assert_eq!(mask(&summary(Vec::new(), vec![error(Code::ConnectionLost), error(Code::LagTimeout)])), 1 + 128);
        assert_eq!(mask(&summary(Vec::new(), Vec::new())), 0);
    }
}
