//! `vouch pages`: options, signals, the verification, renderers.

use super::running::{Fan, Stdout, progress, unwritten};
use crate::cli::pages::{Level, PagesArgs, State};
use crate::complaint::Complaint;
use crate::config::job::{check_format, check_reports};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::Terminal;
use std::time::{SystemTime, UNIX_EPOCH};
use vouch_datadir::{PagesOptions, Refusal, Runtime, StateChoice};
use vouch_report::NullSink;

/// Verifies, shows the result and returns what it came to.
pub fn run(args: &PagesArgs, variables: &Environment) -> Result<Exit, Complaint> {
    check_format(&args.output)?;
    check_reports(&args.output.report)?;
    let options = options(args);
    let terminal = Terminal::of_process(args.output.color, variables);
    let stop = signal::stop()?;
    let stdout = Stdout::new(args.output.format);
    let summary = {
        let progress = progress(&args.output, terminal);
        let sink = Fan([&*progress, stdout.sink(), &NullSink]);
        let run_id = format!("{:x}-{:x}", now_ms(), std::process::id());
        let stopped = || stop.requested();
        vouch_datadir::verify(&options, &Runtime { sink: &sink, stopped: &stopped, now_ms: &now_ms, run_id })
    };
    let summary = summary.map_err(complaint)?;
    let shown = stdout.finish(&summary, terminal).and(super::report::write(&args.output.report, &summary));
    Ok(shown.map_or_else(|problem| unwritten(&problem, &summary), |()| Exit::from(summary.verdict)))
}

fn options(args: &PagesArgs) -> PagesOptions {
    PagesOptions {
        paths: args.paths.clone(),
        level: match args.level {
            Level::Quick => vouch_datadir::Level::Quick,
            Level::Page => vouch_datadir::Level::Page,
            Level::Tree => vouch_datadir::Level::Tree,
        },
        state: match args.state {
            State::Auto => StateChoice::Auto,
            State::Clean => StateChoice::Clean,
            State::Raw => StateChoice::Raw,
        },
        threads: args.threads.map_or_else(processors, usize::from),
        max_bad_pages: args.max_bad_pages,
        max_findings: usize::try_from(args.max_findings).unwrap_or(usize::MAX),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn complaint(refusal: Refusal) -> Complaint {
    refusal.hint.into_iter().fold(Complaint::usage(refusal.message), Complaint::hint)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
