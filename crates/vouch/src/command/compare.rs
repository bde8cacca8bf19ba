//! `vouch compare`: options, signals, engine, renderers.

use super::last_words::LastWords;
use crate::cli::Verb;
use crate::cli::output::{Format, OutputArgs};
use crate::complaint::{Complaint, cause, printable};
use crate::config::Origins;
use crate::config::job::{self, Job};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say};
use std::io;
use std::time::Duration;
use vouch_compare::{CompareOptions, Refusal, RefusalKind, Runtime, Stop};
use vouch_render::human::HumanStyle;
use vouch_render::{Jsonl, Progress};
use vouch_report::{Event, NullSink, Sink, Summary};

/// Compares, shows the result and returns what it came to.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Compare(args) = verb else { return Ok(Exit::Usage) };
    let Job { options, output, warnings } = job::compare(*args, origins, variables, ask)?;
    if !output.quiet {
        warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    }
    let terminal = Terminal::of_process(output.color, variables);
    let stop = signal::stop()?;
    crate::batch::settle();
    let (summary, shown) = carry_out(&options, &output, terminal, &stop, true)?;
    Ok(shown.map_or_else(|problem| unwritten(&problem, &summary), |()| Exit::from(summary.verdict)))
}

/// Compares and shows the result as it comes. The second value is why a part of the result did not
/// reach its reader. With `at_once` a signal ends the process within a second, even if a server is silent.
///
/// # Errors
/// The comparison was refused: there is no result.
pub(super) fn carry_out(
    options: &CompareOptions,
    output: &OutputArgs,
    terminal: Terminal,
    stop: &Stop,
    at_once: bool,
) -> Result<(Summary, Result<(), Complaint>), Complaint> {
    let stdout = Stdout::new(output.format);
    let words = LastWords::new();
    let show = |summary: &Summary| {
        let written = stdout.finish(summary, terminal);
        written.and(super::report::write(&output.report, summary))
    };
    let summary = std::thread::scope(|scope| {
        let progress = progress(output, terminal);
        let sink = Fan([&*progress, stdout.sink(), &words]);
        if at_once {
            scope.spawn(|| leave(words.after(stop), stdout.sink(), &show));
        }
        let compared = vouch_compare::compare(options, &Runtime { sink: &sink, stop });
        let claimed = words.claim();
        stop.wake();
        if !claimed {
            // The other thread has the word and ends the process.
            std::thread::sleep(Duration::MAX);
        }
        match (compared, stop.requested()) {
            // To be stopped while servers are being reached is no refusal.
            (Err(_), Some(signal)) => Ok(ended(words.summary(signal), stdout.sink())),
            (compared, _) => compared.map_err(complaint),
        }
    })?;
    let shown = show(&summary);
    Ok((summary, shown))
}

/// The summary of a run that could not tell its end itself.
fn ended(summary: Summary, sink: &dyn Sink) -> Summary {
    sink.emit(&Event::RunFinished(Box::new(summary.clone())));
    summary
}

/// Shows what a run has told that does not end by itself, and ends the process.
fn leave(summary: Option<Summary>, sink: &dyn Sink, show: &dyn Fn(&Summary) -> Result<(), Complaint>) {
    if let Some(summary) = summary {
        let summary = ended(summary, sink);
        let shown = show(&summary);
        shown.map_or_else(|problem| unwritten(&problem, &summary), |()| Exit::from(summary.verdict)).now();
    }
}

/// A result that did not reach its reader must not look complete.
pub(super) fn unwritten(problem: &Complaint, summary: &Summary) -> Exit {
    say(&problem.to_string());
    match Exit::from(summary.verdict) {
        Exit::Clean => Exit::Incomplete,
        exit => exit,
    }
}

fn complaint(refusal: Refusal) -> Complaint {
    let complaint = match refusal.exit {
        RefusalKind::Usage => Complaint::usage(refusal.message),
        RefusalKind::Unreachable => Complaint::incomplete(refusal.message),
    };
    refusal.hint.into_iter().fold(complaint, Complaint::hint)
}

fn ask(prompt: &str) -> Result<String, Complaint> {
    rpassword::prompt_password(prompt).map_err(|error| {
        Complaint::usage(format!("no password could be asked for: {}", cause(&error)))
            .hint("--ask-password needs a terminal; use ~/.my.cnf or ${ENV} where there is none")
    })
}

/// What shows the course of the run on stderr.
pub(super) fn progress(output: &OutputArgs, terminal: Terminal) -> Box<dyn Sink> {
    if output.quiet || output.no_progress {
        Box::new(NullSink)
    } else if terminal.stderr_live {
        Box::new(Progress::terminal(terminal.stderr_colour))
    } else {
        Box::new(Progress::plain(Box::new(io::stderr())))
    }
}

/// Hands every event to all sinks.
pub(super) struct Fan<'a>(pub(super) [&'a dyn Sink; 3]);

impl Sink for Fan<'_> {
    fn emit(&self, event: &Event) {
        self.0.iter().for_each(|sink| sink.emit(event));
    }
}

/// What stdout gets, during the run and after it.
pub(super) enum Stdout {
    Human,
    Json,
    Jsonl(Jsonl),
}

impl Stdout {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Human => Stdout::Human,
            Format::Json => Stdout::Json,
            Format::Jsonl => Stdout::Jsonl(Jsonl::new(Box::new(io::stdout()))),
        }
    }

    pub(super) fn sink(&self) -> &dyn Sink {
        match self {
            Stdout::Jsonl(lines) => lines,
            Stdout::Human | Stdout::Json => &NullSink,
        }
    }

    /// Writes what comes at the end. With `jsonl` the result was the last event.
    pub(super) fn finish(&self, summary: &Summary, terminal: Terminal) -> Result<(), Complaint> {
        let text = match self {
            Stdout::Human => {
                let style = HumanStyle { colour: terminal.stdout_colour, width: terminal.width };
                vouch_render::human::render(summary, &style)
            }
            Stdout::Json => vouch_render::json::document(summary),
            Stdout::Jsonl(lines) => {
                return match lines.take_error().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
                    Some(error) => Err(super::unwritten(&error)),
                    None => Ok(()),
                };
            }
        };
        super::write(&text).map(|_| ())
    }
}
