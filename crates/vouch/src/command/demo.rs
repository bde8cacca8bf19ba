//! `vouch demo`: the tour on servers of its own.
//!
//! [`run`] boots them, fills them, writes to them, changes rows on one replica,
//! compares as `vouch compare` does, and holds what was found against what was
//! put there. Invariant: however it ends, no server and no folder is left.

mod comparison;
mod stage;
mod tally;

use crate::cli::demo::DemoArgs;
use crate::cli::output::When;
use crate::cli::value::ReportFile;
use crate::complaint::Complaint;
use crate::config::job;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say};
use stage::Stage;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tally::Tally;
use vouch_report::Stop;
use vouch_testkit::Load;
use vouch_testkit::drift::Drifted;
use vouch_testkit::tour;

/// How long a comparison that was told to stop may take until its servers are taken away.
const GRACE: Duration = Duration::from_secs(3);
/// Transactions that are written before the comparison begins, and in which time at most.
const WARM_UP: u64 = 200;
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

/// Gives the tour. Clean when exactly what was put on the replica was found.
///
/// # Errors
/// A server that is missing or does not start.
pub fn run(args: &DemoArgs, variables: &Environment) -> Result<Exit, Complaint> {
    job::check_reports(&args.report)?;
    let guide = Guide { since: Instant::now(), stop: signal::stop_and_clean_up()?, comparing: Arc::default() };
    guide.end_servers_on_stop();
    let outcome = guide.tour(args, Terminal::of_process(When::Auto, variables));
    match (guide.stop.requested(), outcome) {
        (Some(signal), Err(_)) => {
            guide.tell("interrupted: the servers are stopped and their folder is removed");
            Ok(Exit::Interrupted(signal))
        }
        (_, outcome) => outcome,
    }
}

/// Leads through the tour and tells about it.
struct Guide {
    since: Instant,
    stop: Arc<Stop>,
    comparing: Arc<AtomicBool>,
}

impl Guide {
    fn tell(&self, what: &str) {
        say(&format!("demo {:5.1} s  {what}", self.since.elapsed().as_secs_f64()));
    }

    /// Whoever waits for a server when a stop is asked for gets an error at once, and all unwinds.
    fn end_servers_on_stop(&self) {
        let (stop, comparing) = (Arc::clone(&self.stop), Arc::clone(&self.comparing));
        thread::spawn(move || {
            while !stop.sleep(Duration::from_secs(3600)) {}
            let asked = Instant::now();
            // A comparison ends by itself, and ends its statements on the servers.
            while comparing.load(Ordering::Relaxed) && asked.elapsed() < GRACE {
                thread::sleep(Duration::from_millis(20));
            }
            vouch_testkit::end_all();
        });
    }

    fn tour(&self, args: &DemoArgs, terminal: Terminal) -> Result<Exit, Complaint> {
        let stage = self.boot(args)?;
        let outcome = self.performance(&stage, args, terminal);
        let place = stage.path().display().to_string();
        stage.clear()?;
        let exit = outcome?;
        self.tell(&format!("the servers are stopped and {place} is removed"));
        Ok(exit)
    }

    fn performance(&self, stage: &Stage, args: &DemoArgs, terminal: Terminal) -> Result<Exit, Complaint> {
        self.fill(stage, args.rows)?;
        let load = self.write(stage, args.rows)?;
        let planted = self.plant(stage, args.rows)?;
        let exit = self.compare(stage, &load, planted, args, terminal)?;
        if args.keep {
            self.keep(stage, &load);
        }
        Ok(exit)
    }

    fn boot(&self, args: &DemoArgs) -> Result<Stage, Complaint> {
        let stage = Stage::prepare(args.mysql)?;
        let place = stage.path().display().to_string();
        self.tell(&format!("starting a source and two replicas of it, {}, in {place}", stage.server_name()));
        let stage = stage.boot()?;
        for (role, server) in stage.roles() {
            self.tell(&format!("  {role}: 127.0.0.1:{}, socket {}", server.port(), server.socket().display()));
        }
        self.carry_on().map(|()| stage)
    }

    fn fill(&self, stage: &Stage, rows: u64) -> Result<(), Complaint> {
        self.tell(&format!("writing about {rows} rows to the source"));
        for table in tour::tables(rows) {
            tour::seed(stage.source(), &table).map_err(stage::complaint)?;
            self.tell(&format!("  {:<15} {:>9} rows, {}", table.name, table.rows, table.key));
            self.carry_on()?;
        }
        self.tell("waiting until the replicas have them");
        stage.wait_in_sync()?;
        self.carry_on()
    }

    fn write(&self, stage: &Stage, rows: u64) -> Result<Load, Complaint> {
        self.tell("from now on a shop writes to the source: transfers, orders, jobs, a log");
        let load = tour::load(stage.source(), rows).map_err(stage::complaint)?;
        let since = Instant::now();
        while load.done() < WARM_UP {
            self.stop.sleep(Duration::from_millis(20));
            self.carry_on()?;
            if since.elapsed() > WRITTEN_WITHIN {
                return Err(Complaint::incomplete(format!("the source took {} transactions only", load.done())));
            }
        }
        Ok(load)
    }

    fn plant(&self, stage: &Stage, rows: u64) -> Result<Vec<(Drifted, bool)>, Complaint> {
        let (source, replica) = (stage.source(), stage.replica(1));
        self.tell("changing rows on replica 2, past replication; replica 1 is left alone:");
        let planted = tour::plant(replica, rows).map_err(stage::complaint)?;
        let mut drifted = Vec::new();
        for planted in planted {
            let alike = planted.folds_alike(source, replica).map_err(stage::complaint)?;
            self.tell(&format!("  {:<15} {}", planted.drifted.table, planted.drifted.what));
            if alike {
                say(&format!("{:31}not seen by checksums of today: {}", "", planted.why_unseen));
            }
            drifted.push((planted.drifted, alike));
        }
        self.carry_on().map(|()| drifted)
    }

    fn compare(
        &self,
        stage: &Stage,
        load: &Load,
        planted: Vec<(Drifted, bool)>,
        args: &DemoArgs,
        terminal: Terminal,
    ) -> Result<Exit, Complaint> {
        let comparison = comparison::of(stage, &args.report)?;
        self.tell("comparing, while the shop goes on:");
        say(&format!("\n  {}\n", comparison.command_line));
        let (before, began) = (load.done(), Instant::now());
        self.comparing.store(true, Ordering::Relaxed);
        let compared = comparison.carry_out(terminal, &self.stop);
        self.comparing.store(false, Ordering::Relaxed);
        let written = (load.done() - before, began.elapsed().as_secs_f64());
        let summary = compared?;
        self.tell_reports(&args.report);
        self.carry_on()?;
        let tally = Tally::of(&summary, planted, &stage.name_of(1), written);
        super::write(&tally.text())?;
        Ok(tally.exit())
    }

    fn tell_reports(&self, reports: &[ReportFile]) {
        for report in reports.iter().filter(|report| report.path.exists()) {
            let path = std::path::absolute(&report.path).unwrap_or_else(|_| report.path.clone());
            self.tell(&format!("the report, which stays: {}", path.display()));
        }
    }

    fn keep(&self, stage: &Stage, load: &Load) {
        self.tell("the servers and the write load stay until Ctrl-C:");
        for (role, server) in stage.roles() {
            let client = server.dist().client();
            let words = std::iter::once(client.get_program()).chain(client.get_args());
            let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
            say(&format!("  {role}: {} -u root -S {}", words.join(" "), server.socket().display()));
        }
        say(&format!("  vouch compare {}", stage.addresses()));
        while !self.stop.sleep(Duration::from_secs(3600)) {}
        self.tell(&format!("{} transactions were written in all", load.done()));
    }

    /// An error when a stop was asked for meanwhile.
    fn carry_on(&self) -> Result<(), Complaint> {
        self.stop.requested().map_or(Ok(()), |_| Err(Complaint::incomplete("interrupted")))
    }
}
