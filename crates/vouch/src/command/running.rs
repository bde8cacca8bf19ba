//! A run from its start to its result on stdout, for every command that looks at
//! servers: progress, signals, renderers, reports.

use super::last_words::LastWords;
use crate::cli::output::{Format, OutputArgs};
use crate::complaint::{Complaint, cause};
use crate::exit::Exit;
use crate::terminal::{Terminal, say};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use vouch_render::human::HumanStyle;
use vouch_render::{Jsonl, Progress};
use vouch_report::{Event, NullSink, Refusal, RunContext, Sink, Stop, Summary};

/// What the process ends with, by the result.
pub(super) type ExitOf<'a> = &'a (dyn Fn(&Summary) -> Exit + Sync);

/// What a run does.
pub(super) type Work<'a> = &'a dyn Fn(&RunContext) -> Result<Summary, Refusal>;

/// A summary, and why a part of it did not reach its reader; or why there is none.
pub(super) type Ended = Result<(Summary, Result<(), Complaint>), Refusal>;

/// How a run is shown.
pub(super) struct Show<'a> {
    /// What was asked for.
    pub output: &'a OutputArgs,
    /// What stdout and stderr are.
    pub terminal: Terminal,
    /// The request to stop.
    pub stop: &'a Arc<Stop>,
    /// A signal ends the process within a second, even if a server is silent.
    pub at_once: bool,
    /// What the process ends with then.
    pub exit: ExitOf<'a>,
}

impl Show<'_> {
    /// Does the work and shows the result as it comes.
    ///
    /// # Errors
    /// The work was refused: there is no result.
    pub fn carry_out(&self, work: Work<'_>) -> Ended {
        let stdout = Arc::new(Stdout::new(self.output.format));
        let words = Arc::new(LastWords::new());
        let show = |summary: &Summary| {
            let written = stdout.finish(summary, self.terminal);
            written.and(super::report::write(&self.output.report, summary))
        };
        let done = std::thread::scope(|scope| {
            let progress: Arc<dyn Sink> = Arc::from(progress(self.output, self.terminal));
            let sinks: [Arc<dyn Sink>; 3] = [progress, Arc::clone(&stdout) as _, Arc::clone(&words) as _];
            if self.at_once {
                scope.spawn(|| leave(words.after(self.stop), stdout.sink(), &show, self.exit));
            }
            let stop = Arc::clone(self.stop);
            let context = RunContext {
                sink: Arc::new(Shared(sinks)),
                stop,
                now_ms: vouch_convert::unix_ms,
                run_id: String::new(),
            };
            let done = work(&context);
            let claimed = words.claim();
            self.stop.wake();
            if !claimed {
                // The other thread has the word and ends the process.
                std::thread::sleep(Duration::MAX);
            }
            match (done, self.stop.requested()) {
                // To be stopped while servers are being reached is no refusal.
                (Err(_), Some(signal)) => Ok(ended(words.summary(signal), stdout.sink())),
                (done, _) => done,
            }
        });
        done.map(|summary| {
            let shown = show(&summary);
            (summary, shown)
        })
    }
}

/// The summary of a run that could not tell its end itself.
fn ended(summary: Summary, sink: &dyn Sink) -> Summary {
    sink.emit(&Event::RunFinished(Box::new(summary.clone())));
    summary
}

/// Shows what a run has told that does not end by itself, and ends the process.
fn leave(
    summary: Option<Summary>,
    sink: &dyn Sink,
    show: &dyn Fn(&Summary) -> Result<(), Complaint>,
    exit: ExitOf<'_>,
) {
    if let Some(summary) = summary {
        let summary = ended(summary, sink);
        let shown = show(&summary);
        shown.map_or_else(|problem| unwritten(&problem, &summary), |()| exit(&summary)).now();
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

/// Asks for a password on the terminal.
///
/// # Errors
/// There is no terminal.
pub(super) fn ask(prompt: &str) -> Result<String, Complaint> {
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
pub(super) struct Shared<const N: usize>(pub(super) [Arc<dyn Sink>; N]);

impl<const N: usize> Sink for Shared<N> {
    fn emit(&self, event: &Event) {
        self.0.iter().for_each(|sink| sink.emit(event));
    }
}

impl Sink for Stdout {
    fn emit(&self, event: &Event) {
        self.sink().emit(event);
    }
}

/// What stdout gets, during the run and after it.
pub(super) enum Stdout {
    Human,
    Json,
    Percona,
    Mysqlbackup,
    Jsonl(Jsonl),
}

impl Stdout {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Human => Stdout::Human,
            Format::Json => Stdout::Json,
            Format::Percona => Stdout::Percona,
            Format::Mysqlbackup => Stdout::Mysqlbackup,
            Format::Jsonl => Stdout::Jsonl(Jsonl::new(Box::new(io::stdout()))),
        }
    }

    pub(super) fn sink(&self) -> &dyn Sink {
        match self {
            Stdout::Jsonl(lines) => lines,
            Stdout::Human | Stdout::Json | Stdout::Percona | Stdout::Mysqlbackup => &NullSink,
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
            Stdout::Percona => vouch_render::percona::lines(summary),
            Stdout::Mysqlbackup => vouch_render::mysqlbackup::lines(summary),
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

/// Processors that there are.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
