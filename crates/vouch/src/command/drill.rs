//! `vouch drill`: from a backup to a verdict, in one command.
//!
//! Main type: [`Drill`]. Invariants: the backup is only read; whatever a drill
//! comes to, its server and its copy are gone when it ends; a step that could
//! not be done leaves every table unproven.

mod copy;
mod stage;

use super::evidence::Evidence;
use super::running::{Stdout, processors, progress};
use super::trust::{self, Refusal, Taken};
use super::validate::{end, keep_serial, now_ms, refuse, written};
use crate::cli::drill::DrillArgs;
use crate::complaint::Complaint;
use crate::config::job::{check_format, check_reports};
use crate::config::{alert, gate};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::Terminal;
use stage::Stage;
use std::sync::Arc;
use std::time::Instant;
use vouch_compare::Stop;
use vouch_datadir::{Level, PagesOptions, StateChoice};
use vouch_manifest::Held;
use vouch_report::{
    Code, Command, Coverage, Event, Failure, Finding, GateCoverage, Scope, Sink, StepCoverage, Summary, Verdict,
};
use vouch_validate::{ExtraPolicy, Gate, Runtime, ValidateOptions, untouched, validate};

/// Drills, shows the result and returns what it came to.
pub fn run(args: &DrillArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let format = args.output.format;
    let about = format!("drill of {}", args.backup.display());
    let alerts = match alert::alerts(&args.alert, about, &args.trust, now_ms, variables) {
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
    let taken = trust::accept(&args.manifest, &args.trust, variables, now_ms())?;
    if !args.backup.is_dir() {
        let complaint = Complaint::usage(format!("the backup {} is no directory", args.backup.display()));
        return Err(complaint.hint("unpack an image first").into());
    }
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
    let drill = Drill {
        args,
        taken,
        stop,
        progress: Arc::clone(&progress),
        started_ms: now_ms(),
        run_id: format!("{:x}-{:x}", now_ms(), std::process::id()),
        steps: Vec::new(),
        findings: Vec::new(),
        errors: Vec::new(),
        validated: None,
    };
    let summary = drill.run();
    progress.emit(&Event::RunFinished(Box::new(summary.clone())));
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

/// A drill under way.
struct Drill<'a> {
    args: &'a DrillArgs,
    taken: &'a Taken,
    stop: Arc<Stop>,
    progress: Arc<dyn Sink>,
    started_ms: u64,
    run_id: String,
    steps: Vec<StepCoverage>,
    findings: Vec<Finding>,
    errors: Vec<Failure>,
    validated: Option<Summary>,
}

/// Hands on what happens, but for the end: a drill goes on after a step.
struct Inner(Arc<dyn Sink>);

impl Sink for Inner {
    fn emit(&self, event: &Event) {
        if !matches!(event, Event::RunFinished(_)) {
            self.0.emit(event);
        }
    }
}

impl Drill<'_> {
    fn run(mut self) -> Summary {
        self.step("files", Drill::files);
        if !self.args.no_pages {
            self.step("pages", Drill::pages);
        }
        if self.goes_on() {
            self.restore();
        }
        self.summary()
    }

    fn goes_on(&self) -> bool {
        let grave = self.findings.iter().any(|finding| finding.severity > vouch_report::Severity::Notice);
        !grave && self.errors.is_empty() && self.stop.requested().is_none()
    }

    /// Does a step, and notes how long it took and what it came to.
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce(&mut Self) -> Result<T, Broken>) -> Option<T> {
        let begun = Instant::now();
        let before = self.findings.len();
        let done = work(self);
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let found = self.findings.len().saturating_sub(before);
        let outcome = match &done {
            Ok(_) if found == 0 => "ok".to_owned(),
            Ok(_) => format!("{found} findings"),
            Err(broken) => broken.message.clone(),
        };
        self.steps.push(StepCoverage { name: name.to_owned(), took_ms, outcome });
        done.map_err(|broken| self.errors.push(broken.failure())).ok()
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
        let stop = &self.stop;
        let compared = held.compare(processors(), &|_, _| stop.requested().is_none());
        self.findings.extend(compared.findings);
        compared.failures.into_iter().next().map_or(Ok(()), |failure| Err(incomplete(failure.message)))
    }

    fn pages(&mut self) -> Result<(), Broken> {
        let options = PagesOptions {
            backup_key: None,
            keyring: vouch_datadir::Keyring::default(),
            first_method: vouch_datadir::Method::Crc32,
            strict: None,
            paths: vec![self.args.backup.clone()],
            level: Level::Tree,
            state: StateChoice::Auto,
            threads: processors(),
            max_bad_pages: None,
            max_findings: 1_000,
        };
        let stop = Arc::clone(&self.stop);
        let stopped = move || stop.requested();
        let sink = Inner(Arc::clone(&self.progress));
        let runtime = vouch_datadir::Runtime {
            sink: &sink,
            stopped: &stopped,
            now_ms: &now_ms,
            run_id: self.run_id.clone(),
            pace: vouch_datadir::Pace::default(),
            input: None,
            besides: None,
        };
        let summary = vouch_datadir::verify(&options, &runtime)
            .map_err(|refusal| Broken::new(refusal.message, "look at the backup"))?;
        // What pages alone cannot prove, the server that is started and its tables do.
        self.findings.extend(summary.findings);
        Ok(())
    }

    fn restore(&mut self) {
        let Some(mut stage) = self.step("copy", |drill| Stage::copy(drill.args, &drill.stop)) else { return };
        let manifest = self.taken.accepted.manifest();
        let going = self.step("prepare", |_| stage.prepare(manifest)).is_some() && self.stop.requested().is_none();
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
            allow_older: self.args.trust.allow_older,
            key_beside: self.taken.key_beside,
            keep_in: None,
            resume: false,
        };
        let stop = Arc::clone(&self.stop);
        let runtime = Runtime {
            sink: Arc::new(Inner(Arc::clone(&self.progress))),
            stopped: Arc::new(move || stop.requested()),
            now_ms,
            run_id: self.run_id.clone(),
        };
        let summary = validate(&self.taken.accepted, &options, &runtime).map_err(|refusal| Broken {
            code: refusal.code,
            message: refusal.message,
            hint: refusal.hint,
        })?;
        self.findings.extend(summary.findings.iter().cloned());
        self.errors.extend(summary.errors.iter().cloned());
        self.validated = Some(summary);
        Ok(())
    }

    fn summary(self) -> Summary {
        let Drill { steps, findings, errors, validated, stop, .. } = self;
        let why =
            errors.first().map(|error| error.message.as_str()).or(findings.first().map(|one| one.message.as_str()));
        let why = format!("the drill ended before it: {}", why.unwrap_or("it was stopped"));
        let coverage = validated.as_ref().and_then(|summary| summary.coverage.gate().cloned());
        let coverage = coverage.unwrap_or_else(|| untouched(&self.taken.accepted, Gate::Restored, &why));
        let halts = coverage.checks.iter().any(|check| !check.status.passes());
        let verdict = match Verdict::of(&findings, &errors, stop.requested()) {
            Verdict::Incomplete => Verdict::Findings,
            Verdict::Clean(_) if halts => Verdict::Findings,
            verdict => verdict,
        };
        let (servers, skips, notices) = validated
            .map(|summary| (summary.coverage.servers().to_vec(), summary.skips, summary.notices))
            .unwrap_or_default();
        Summary {
            command: Command::Drill,
            run_id: self.run_id,
            started_ms: self.started_ms,
            finished_ms: now_ms(),
            verdict,
            scope: Scope::default(),
            coverage: Coverage::Gate(servers, Box::new(GateCoverage { steps, ..coverage })),
            findings,
            skips,
            errors,
            notices,
        }
    }
}
