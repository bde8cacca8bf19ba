//! `vouch drill`: from a backup to a verdict, in one command.
//!
//! Main type: [`Drill`]. Invariants: the backup is only read; whatever a drill
//! comes to, its server and its copy are gone when it ends; a step that could
//! not be done leaves every table unproven.

mod copy;
mod inspect;
mod leftovers;
mod stage;

use super::evidence::Evidence;
use super::running::{Stdout, processors, progress};
use super::trust::{self, Taken};
use super::validate::{end, keep_serial, refuse, written};
use crate::cli::drill::DrillArgs;
use crate::complaint::Complaint;
use crate::config::job::{check_format, check_reports};
use crate::config::{alert, gate};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::Terminal;
use stage::Stage;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use vouch_convert::{millis, unix_ms};
use vouch_datadir::{Inputs, Level, PagesOptions, StateChoice};
use vouch_manifest::Held;
use vouch_report::{
    CheckStatus, Code, Command, Coverage, Debt, Event, Failure, Finding, GateCoverage, Item, ItemKind, Notice, Outcome,
    Recorder, Refusal, RunContext, Severity, Sink, StepCoverage, Summary, TableCheck,
};
use vouch_testkit::Flavor;
use vouch_validate::{ExtraPolicy, Gate, ValidateOptions, untouched, validate};

/// Drills, shows the result and returns what it came to.
pub fn run(args: &DrillArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let format = args.output.format;
    let about = format!("drill of {}", args.backup.display());
    let alerts = match alert::alerts(&args.alert, about, &args.trust, unix_ms, variables) {
        Ok(alerts) => alerts,
        Err(complaint) => return refuse(complaint.into(), format),
    };
    let ended = prepare(args, variables).and_then(|(taken, evidence)| {
        let (exit, summary) = carry_out(args, &taken, evidence.as_ref(), variables)?;
        Ok((exit, summary))
    });
    end("drill", ended, alerts.as_ref(), format)
}

fn prepare(args: &DrillArgs, variables: &Environment) -> Result<(Taken, Option<Evidence>), Refusal> {
    check_format(&args.output)?;
    check_reports(&args.output.report)?;
    let evidence = Evidence::prepare(&args.evidence)?;
    let taken = trust::accept(&args.manifest, &args.trust, variables, unix_ms())?;
    if !args.backup.is_dir() {
        let complaint = Complaint::usage(format!("the backup {} is not a directory", args.backup.display()));
        return Err(complaint.hint("unpack an image first").into());
    }
    if args.keyring.is_some() && stage::flavor(taken.accepted.manifest()) == Flavor::Mysql {
        let complaint = Complaint::usage("a drill starts MySQL without a keyring component");
        return Err(complaint
            .hint("restore the backup on a server that has its keyring, then use vouch validate")
            .into());
    }
    inspect::inspect(&args.backup, args.keyring.as_deref())?;
    Ok((taken, evidence))
}

fn carry_out(
    args: &DrillArgs,
    taken: &Taken,
    evidence: Option<&Evidence>,
    variables: &Environment,
) -> Result<(Exit, Summary), Complaint> {
    let stop = signal::stop_and_clean_up()?;
    let terminal = Terminal::of_process(args.output.color, variables);
    let stdout = Stdout::new(args.output.format);
    let progress: Arc<dyn Sink> = Arc::from(progress(&args.output, terminal));
    let run_id = super::fresh_run_id();
    let context = RunContext { sink: Arc::clone(&progress), stop: Arc::clone(&stop), now_ms: unix_ms, run_id };
    let summary = Drill::begin(args, taken, context).run();
    stdout.sink().emit(&Event::RunFinished(Box::new(summary.clone())));
    keep_serial(taken, args.trust.allow_older);
    let shown = stdout.finish(&summary, terminal);
    Ok((written(shown, &args.output.report, evidence, &summary), summary))
}

/// Why a step could not be done.
struct Broken {
    code: Code,
    message: String,
    hint: String,
}

impl Broken {
    fn new(message: impl Into<String>, hint: &str) -> Self {
        Broken { code: Code::RestoreFailed, message: message.into(), hint: hint.to_owned() }
    }

    fn failure(self) -> Failure {
        Failure::new(self.code, self.message).with_hint(self.hint)
    }
}

/// The steps of a drill, in their order.
const STEPS: [&str; 7] = ["files", "pages", "copy", "prepare", "start", "validate", "clean up"];

/// A drill under way.
struct Drill<'a> {
    args: &'a DrillArgs,
    taken: &'a Taken,
    recorder: Recorder,
    owed: HashMap<&'static str, Debt>,
    tables: HashMap<String, Debt>,
    steps: Vec<StepCoverage>,
    found: usize,
    validated: Option<Summary>,
}

/// Hands on what happens, but for the end and the account: a drill goes on after a step and keeps its own.
struct Inner(Arc<dyn Sink>);

impl Sink for Inner {
    fn emit(&self, event: &Event) {
        let own = matches!(
            event,
            Event::RunStarted { .. } | Event::RunFinished(_) | Event::Account(_) | Event::Finding(_) | Event::Error(_)
        );
        if !own {
            self.0.emit(event);
        }
    }
}

impl<'a> Drill<'a> {
    /// Writes down what is owed: every step, and every table of the manifest.
    fn begin(args: &'a DrillArgs, taken: &'a Taken, context: RunContext) -> Self {
        let recorder = Recorder::begin(Command::Drill, context);
        let owed = STEPS.map(|step| (step, recorder.owe(Item::new(ItemKind::Step, step))));
        let tables = taken.accepted.manifest().tables.iter().map(|table| {
            let label = table.label();
            let debt = recorder.owe(Item::new(ItemKind::Table, &label));
            (label, debt)
        });
        let tables = tables.collect();
        let owed = HashMap::from(owed);
        Drill { args, taken, recorder, owed, tables, steps: Vec::new(), found: 0, validated: None }
    }

    fn run(mut self) -> Summary {
        self.leftovers();
        self.step("files", Drill::files);
        match self.args.no_pages {
            true => self.settle("pages", Outcome::excluded_by_option(Code::FilteredOut)),
            false => drop(self.step("pages", Drill::pages)),
        }
        if self.goes_on() {
            self.restore();
        }
        self.summary()
    }

    fn debt(&self, step: &str) -> Debt {
        self.owed.get(step).copied().unwrap_or_else(|| self.recorder.run())
    }

    fn settle(&self, step: &str, outcome: Outcome) {
        self.recorder.settle(self.debt(step), outcome);
    }

    fn stopped(&self) -> bool {
        self.recorder.context().stopped().is_some()
    }

    fn goes_on(&self) -> bool {
        self.found == 0 && !self.recorder.has_errors() && !self.stopped()
    }

    /// Removes what killed drills left.
    fn leftovers(&self) {
        let scratch = self.args.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let (removed, failed) = leftovers::remove(&scratch);
        for folder in removed {
            let message = format!("removed what a killed drill left: {}", folder.display());
            self.recorder.notice(Code::DrillLeftover, None, message);
        }
        for why in failed {
            let message = format!("what a killed drill left could not be removed: {why}");
            self.recorder.notice(Code::DrillLeftover, None, message);
        }
    }

    /// Does a step, and notes how long it took and what the result was.
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce(&mut Self) -> Result<T, Broken>) -> Option<T> {
        let begun = Instant::now();
        let before = self.found;
        let done = work(self);
        let took_ms = millis(begun.elapsed());
        let found = self.found.saturating_sub(before);
        let debt = self.debt(name);
        let (outcome, value) = match done {
            Err(broken) => {
                let message = broken.message.clone();
                self.recorder.error(debt, broken.failure());
                (message, None)
            }
            Ok(value) if found > 0 => (format!("{found} findings"), Some(value)),
            Ok(value) if self.recorder.has_failed(debt) => ("not proven, see errors".to_owned(), Some(value)),
            Ok(value) => ("ok".to_owned(), Some(value)),
        };
        self.settle(name, Outcome::verified());
        self.steps.push(StepCoverage { name: name.to_owned(), took_ms, outcome });
        value
    }

    /// Reports what a step found under the step's own debt, or under that of the table it is about.
    fn report(&mut self, step: &str, findings: Vec<Finding>, errors: Vec<Failure>) {
        for finding in findings {
            self.found += usize::from(finding.severity > Severity::Notice);
            self.recorder.finding(self.debt_of(step, finding.location.table.as_ref()), finding);
        }
        for error in errors {
            self.recorder.error(self.debt_of(step, error.location.table.as_ref()), error);
        }
    }

    /// Takes over what a step owed beside the tables of the manifest: files, definitions, objects, positions.
    fn adopt(&self, summary: &Summary) {
        for (item, outcome) in summary.scope.items().filter(|(item, _)| item.kind != ItemKind::Table) {
            self.recorder.settled(item.clone(), outcome.clone());
        }
    }

    fn debt_of(&self, step: &str, table: Option<&String>) -> Debt {
        let own = table.filter(|_| step == "validate").and_then(|table| self.tables.get(table));
        own.copied().unwrap_or_else(|| self.debt(step))
    }

    fn files(&mut self) -> Result<(), Broken> {
        let Some(backup) = self.taken.accepted.manifest().backup.as_ref().filter(|backup| !backup.files.is_empty())
        else {
            return Ok(());
        };
        let incomplete =
            |why: String| Broken::new(format!("a file cannot be read: {why}"), "the backup is not complete");
        let held = Held::list(&self.args.backup, &backup.files, &trust::files(&self.args.manifest, &self.args.trust))
            .map_err(|error| incomplete(error.to_string()))?;
        let compared = held.compare(processors(), &|_, _| !self.stopped());
        self.report("files", compared.findings, compared.failures);
        Ok(())
    }

    fn pages(&mut self) -> Result<(), Broken> {
        let options = PagesOptions {
            backup_key: None,
            keyring: self.keyring()?,
            first_method: vouch_datadir::Method::Crc32,
            strict: None,
            paths: vec![self.args.backup.clone()],
            level: Level::Tree,
            state: StateChoice::Auto,
            threads: processors(),
            max_bad_pages: None,
            max_findings: 1_000,
        };
        let context = self.recorder.context().clone();
        let context = RunContext { sink: Arc::new(Inner(Arc::clone(&context.sink))), ..context };
        let summary = vouch_datadir::verify(&options, Inputs::default(), &context)
            .map_err(|refusal| Broken::new(refusal.message, "check the backup"))?;
        self.adopt(&summary);
        self.report("pages", summary.findings, summary.errors);
        Ok(())
    }

    fn keyring(&self) -> Result<vouch_datadir::Keyring, Broken> {
        let files: Vec<PathBuf> = self.args.keyring.iter().cloned().collect();
        super::pages::keyring(&files, self.args.keyring_password_file.as_deref())
            .map_err(|complaint| Broken::new(complaint.to_string(), "check --keyring"))
    }

    fn restore(&mut self) {
        let stop = Arc::clone(&self.recorder.context().stop);
        let Some(mut stage) = self.step("copy", |drill| Stage::copy(drill.args, &stop)) else { return };
        let manifest = self.taken.accepted.manifest();
        let going = self.step("prepare", |_| stage.prepare(manifest)).is_some() && !self.stopped();
        let server = if going { self.step("start", |_| stage.start(manifest)) } else { None };
        if let Some(server) = server {
            self.step("validate", |drill| drill.validate(&server));
            self.step("clean up", |_| {
                drop(server);
                stage.remove()
            });
        }
    }

    fn validate(&mut self, server: &stage::Restored) -> Result<(), Broken> {
        let options = ValidateOptions {
            target: server.target()?,
            effort: gate::effort(&self.args.effort, None),
            gate: Gate::Restored,
            wait_timeout: std::time::Duration::ZERO,
            channel: None,
            expect_server_uuid: None,
            expect_server_id: None,
            expect_read_only: true,
            extra: ExtraPolicy::Auto,
            allow_other_flavor: false,
            allow_older: self.args.trust.allow_older,
            key_beside: self.taken.key_beside,
            keep_in: None,
            resume: false,
        };
        let context = self.recorder.context();
        let context = RunContext { sink: Arc::new(Inner(Arc::clone(&context.sink))), ..context.clone() };
        let summary = validate(&self.taken.accepted, &options, &context).map_err(|refusal| Broken {
            code: refusal.code,
            message: refusal.message,
            hint: refusal.hint,
        })?;
        self.adopt(&summary);
        self.report("validate", summary.findings.clone(), summary.errors.clone());
        self.validated = Some(summary);
        // What it had open while it answered is what it answered from.
        server.keeps_inside()
    }

    fn summary(mut self) -> Summary {
        let why = self.steps.iter().map(|step| step.outcome.as_str()).find(|outcome| *outcome != "ok");
        let why = format!("the drill ended before it: {}", why.unwrap_or("it was stopped"));
        let validated = self.validated.take();
        let coverage = validated.as_ref().and_then(|summary| summary.coverage.gate().cloned());
        let coverage = coverage.unwrap_or_else(|| untouched(&self.taken.accepted, Gate::Restored, &why));
        coverage.checks.iter().for_each(|check| self.settle_table(check));
        let mut servers = Vec::new();
        if let Some(summary) = validated {
            servers = summary.coverage.servers().to_vec();
            summary.skips.into_iter().for_each(|skip| self.recorder.skip(skip));
            for Notice { code, server, message } in summary.notices {
                self.recorder.notice(code, server.as_deref(), message);
            }
        }
        let gate = GateCoverage { steps: self.steps, ..coverage };
        self.recorder.finish(Coverage::Gate(servers, Box::new(gate)))
    }

    /// Settles a table of the manifest, or one that the manifest does not name.
    fn settle_table(&self, check: &TableCheck) {
        let outcome = match check.status {
            CheckStatus::Valid => Outcome::verified_by(check.method.clone()),
            CheckStatus::Skipped => Outcome::excluded_by_option(Code::Volatile),
            CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => Outcome::Differs,
            CheckStatus::Error | CheckStatus::Timeout => Outcome::Unproven(Code::TableFailed),
            CheckStatus::NotRun => Outcome::Unproven(Code::NotRun),
        };
        match self.tables.get(&check.label()) {
            Some(debt) => self.recorder.settle(*debt, outcome),
            None => self.recorder.settled(Item::new(ItemKind::Table, check.label()), outcome),
        }
    }
}
