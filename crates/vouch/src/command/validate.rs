//! `vouch validate`: trust, the gate, renderers, and the exit codes of a gate.
//!
//! Invariant: whatever it comes to, a machine that asked for JSON gets JSON, and
//! nothing but a proof of every table ends with 0.

use super::evidence::Evidence;
use super::running::{progress, unwritten};
use super::trust::{self, Taken};
use crate::alert::{Alerts, Outcome};
use crate::cli::Verb;
use crate::cli::output::Format;
use crate::cli::validate::{Require, ValidateArgs};
use crate::cli::value::ReportFile;
use crate::complaint::{Complaint, printable};
use crate::config::Origins;
use crate::config::job::check_reports;
use crate::config::{alert, gate};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say, write_data};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_convert::unix_ms;
use vouch_manifest::{GateConfig, Kind};
use vouch_render::human::HumanStyle;
use vouch_render::json::{GateLines, refused};
use vouch_report::{Refusal, RunContext, Sink, Summary, Tee};
use vouch_server::Target;
use vouch_validate::{ValidateOptions, validate};

/// Validates, shows the result and returns what it came to.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Validate(mut args) = verb else { return Ok(Exit::Usage) };
    if !args.files.is_empty() && origins.of("format") == crate::config::Origin::Default {
        args.output.format = Format::Jsonl;
    }
    let format = args.output.format;
    let alerts = alert::alerts(&args.alert, gate::about(&args), &args.trust, unix_ms, variables);
    let alerts = match alerts {
        Ok(alerts) => alerts,
        Err(complaint) => return refuse(complaint.into(), format),
    };
    let ended = prepare(*args, origins, variables).and_then(|job| carry_out(job, variables));
    end("validate", ended, alerts.as_ref(), format)
}

/// Says what a run came to where that is yet to be said, tells who is to be told, and returns the exit code.
pub(super) fn end(
    command: &str,
    ended: Result<(Exit, Summary), Refusal>,
    alerts: Option<&Alerts>,
    format: Format,
) -> Result<Exit, Complaint> {
    let tell = |exit: Exit, refused: Option<(&str, &str)>, summary: Option<&Summary>| {
        let hurried = matches!(exit, Exit::Interrupted(_));
        let outcome = Outcome { command, exit_code: exit.code(), refused, summary, hurried };
        alerts.iter().for_each(|alerts| alerts.tell(&outcome));
    };
    match ended {
        Ok((exit, summary)) => {
            tell(exit, None, Some(&summary));
            Ok(exit)
        }
        Err(refusal) => {
            let (code, message) = (refusal.code, refusal.message.clone());
            let refused = refuse(refusal, format);
            tell(Exit::Usage, Some((code.name(), &message)), None);
            refused
        }
    }
}

/// Nothing was looked at, and a machine is told so too.
pub(super) fn refuse(refusal: Refusal, format: Format) -> Result<Exit, Complaint> {
    if matches!(format, Format::Json | Format::Jsonl) {
        let line = refused(refusal.code.name(), &refusal.message, &refusal.hint, Exit::Usage.code(), unix_ms());
        write_data(&line).map_err(|error| super::unwritten(&error))?;
    }
    Err(refusal.into())
}

/// A gate that can be opened or held shut.
struct Job {
    args: ValidateArgs,
    taken: Taken,
    target: Target,
    cap: Option<u64>,
    evidence: Option<Evidence>,
}

fn prepare(mut args: ValidateArgs, origins: &Origins, variables: &Environment) -> Result<Job, Refusal> {
    check_reports(&args.output.report)?;
    let evidence = Evidence::prepare(&args.evidence)?;
    let config = match args.files.as_slice() {
        [] => None,
        [config, manifest] => {
            args.manifest = Some(manifest.clone());
            args.trust.require.get_or_insert(Require::Any);
            Some(config.clone())
        }
        _ => return Err(usage("two files are needed", "vouch validate CONFIG.json MANIFEST.json").into()),
    };
    let config = config.map(|path| configuration(&path, &mut args)).transpose()?;
    let manifest = args.manifest.clone().ok_or_else(|| usage("no manifest is given", "name it with --manifest"))?;
    // First of all, and before anything is asked of a server.
    let taken = trust::accept(&manifest, &args.trust, variables, unix_ms())?;
    let target = match &config {
        Some(config) => gate::configured(config, variables)?,
        None => {
            let server = gate::server(&args.server, origins, variables, super::running::ask)?;
            let warn = |warning: &String| say(&format!("warning: {}", printable(warning)));
            server.warnings.iter().filter(|_| !args.output.quiet).for_each(warn);
            server.target
        }
    };
    Ok(Job { args, taken, target, cap: config.and_then(|config| config.max_workers), evidence })
}

fn usage(message: &str, hint: &str) -> Complaint {
    Complaint::usage(message).hint(hint)
}

/// What the configuration says about trust goes behind what the command line says.
fn configuration(path: &Path, args: &mut ValidateArgs) -> Result<GateConfig, Complaint> {
    let config = GateConfig::read(&trust::read(path, "configuration")?).map_err(|why| {
        let message = format!("the configuration {} is malformed: {why}", path.display());
        usage(&message, "it is {\"db\": {\"host\": …, \"port\": …, \"user\": …, \"password\": …}, \"max_workers\": 8}")
    })?;
    let trust = &mut args.trust;
    trust.trust = trust.trust.take().or(config.trust.as_ref().map(PathBuf::from));
    trust.signature = trust.signature.take().or(config.signature.as_ref().map(PathBuf::from));
    trust.allow_unsigned |= config.allow_unsigned;
    Ok(config)
}

fn carry_out(job: Job, variables: &Environment) -> Result<(Exit, Summary), Refusal> {
    let Job { args, taken, target, cap, evidence } = job;
    let manifest = taken.accepted.manifest();
    let stop = signal::stop()?;
    let run_id = super::fresh_run_id();
    let terminal = Terminal::of_process(args.output.color, variables);
    let lines = (args.output.format == Format::Jsonl)
        .then(|| GateLines::new(Box::new(io::stdout()), &run_id, &manifest.id, unix_ms));
    let mut sinks: Vec<Box<dyn Sink>> = vec![progress(&args.output, terminal)];
    sinks.extend(lines.iter().map(|lines| Box::new(Shared(Arc::clone(lines))) as Box<dyn Sink>));
    let context = RunContext { sink: Arc::new(Tee(sinks)), stop, now_ms: unix_ms, run_id };
    let effort = gate::effort(&args.effort, cap);
    // Without a home folder nothing is kept, and nothing else is lacking.
    let keep_in = gate::state(&args.trust, variables).ok().map(|folder| folder.join("gates"));
    let plain = gate::validate(target, effort, &args.gate, &args.trust, taken.key_beside);
    let options = ValidateOptions { keep_in, resume: args.resume, ..plain };
    let summary = validate(&taken.accepted, &options, &context)?;
    drop(context);
    keep_serial(&taken, args.trust.allow_older);
    let shown = show(&args, terminal, lines.as_deref(), &summary);
    Ok((written(shown, &args.output.report, evidence.as_ref(), &summary), summary))
}

/// Writes the files that were asked for. A gate that could not say that it is open is shut.
pub(super) fn written(
    shown: Result<(), Complaint>,
    reports: &[ReportFile],
    evidence: Option<&Evidence>,
    summary: &Summary,
) -> Exit {
    let reported = super::report::write(reports, summary);
    let proven = evidence.map_or(Ok(()), |evidence| evidence.write(summary));
    match shown.and(reported).and(proven) {
        Ok(()) => Exit::from(summary.verdict),
        Err(problem) => match unwritten(&problem, summary) {
            Exit::Incomplete => Exit::Findings,
            exit => exit,
        },
    }
}

/// From now on nothing older passes. A flat manifest has no serial.
pub(super) fn keep_serial(taken: &Taken, allow_older: bool) {
    let manifest = taken.accepted.manifest();
    if manifest.kind != Kind::Flat && !allow_older {
        let kept = taken.serials.keep(&manifest.cluster, manifest.serial, taken.accepted.digest());
        if let Err(error) = kept {
            say(&format!("warning: the serial could not be kept, so an older manifest could pass later: {error}"));
        }
    }
}

fn show(
    args: &ValidateArgs,
    terminal: Terminal,
    lines: Option<&GateLines>,
    summary: &Summary,
) -> Result<(), Complaint> {
    let text = match args.output.format {
        Format::Human | Format::Percona | Format::Mysqlbackup => {
            let style = HumanStyle { colour: terminal.stdout_colour, width: terminal.width };
            vouch_render::human::render(summary, &style)
        }
        Format::Json => vouch_render::json::document(summary),
        Format::Jsonl => {
            let failed = lines.and_then(GateLines::take_error);
            return match failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
                Some(error) => Err(super::unwritten(&error)),
                None => Ok(()),
            };
        }
    };
    super::write(&text).map(|_| ())
}

/// A sink that others hold too.
struct Shared(Arc<GateLines>);

impl Sink for Shared {
    fn emit(&self, event: &vouch_report::Event) {
        self.0.emit(event);
    }
}
