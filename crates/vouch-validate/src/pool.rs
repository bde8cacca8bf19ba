//! The workers that read tables, and what is done when a table cannot be read: [`Pool`].
//!
//! Invariants: there are never more sessions than workers, and one more. Every
//! request gets exactly one answer. No worker is waited for longer than a user
//! waits after a signal: one that a silent server holds is left behind.

use crate::connect::{Connector, pause};
use crate::options::Effort;
use crate::queue::{Next, Queue, Task};
use crate::read;
use crate::request::{Answer, Request, Trouble};
use crate::warden;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use vouch_convert::millis;
use vouch_report::{Event, RunContext};
use vouch_server::{Fault, ServerError, Session};

/// How long workers may take to end after the run is to end.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often a table gives way to an applier before it is given up.
const GIVE_WAY_MAX: u32 = 30;

/// Makes a session that was opened anew like the ones before it, or says why that is not possible.
pub type Renew = Arc<dyn Fn(&mut Session) -> Result<(), String> + Send + Sync>;

/// Why a run ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Abort {
    /// A signal.
    Stopped(u8),
    /// Its time was over.
    Deadline,
    /// The replica fell behind; says how far.
    Lag(String),
    /// The server was lost; says how.
    Lost(String),
}

/// Why a statement of ours was ended by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It took too long.
    Deadline,
    /// An applier waited for it.
    GaveWay,
}

/// A table that is being read.
pub struct InFlight {
    /// Since when.
    pub since: Instant,
    /// Why it was ended.
    pub ended: Option<Why>,
}

/// What workers and the warden share.
pub struct Shared {
    requests: Vec<Request>,
    queue: Mutex<Queue>,
    in_flight: Mutex<HashMap<u32, InFlight>>,
    abort: Mutex<Option<Abort>>,
    /// How often reading gave way to an applier.
    pub gave_way: AtomicU64,
    /// Whether all answers are there.
    pub done: AtomicBool,
    /// Opens sessions.
    pub connector: Connector,
    /// The limits.
    pub effort: Effort,
    context: RunContext,
    renew: Option<Renew>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The tables that are being read, by connection.
    pub fn in_flight(&self) -> MutexGuard<'_, HashMap<u32, InFlight>> {
        lock(&self.in_flight)
    }

    /// Ends the run; the first reason counts.
    pub fn end(&self, abort: Abort) {
        lock(&self.abort).get_or_insert(abort);
    }

    /// Why the run is to end.
    pub fn ended(&self) -> Option<Abort> {
        lock(&self.abort).clone()
    }
}

/// Workers for one run.
pub struct Pool {
    shared: Arc<Shared>,
    answers: Receiver<Answer>,
    begun: Instant,
}

/// What a run came to, besides its answers.
pub struct Ended {
    /// Why it ended early, if it did.
    pub abort: Option<Abort>,
    /// How often reading gave way to an applier.
    pub gave_way: u64,
}

impl Pool {
    /// Starts a worker on each session, and the warden. `renew` is asked to make sessions that are opened
    /// later like these; where it is given, they hold a snapshot.
    pub fn start(
        requests: Vec<Request>,
        sessions: Vec<Session>,
        connector: Connector,
        effort: &Effort,
        context: &RunContext,
        renew: Option<Renew>,
    ) -> Pool {
        let sizes: Vec<u64> = requests.iter().map(|request| request.bytes).collect();
        let shared = Arc::new(Shared {
            requests,
            queue: Mutex::new(Queue::new(&sizes)),
            in_flight: Mutex::default(),
            abort: Mutex::default(),
            gave_way: AtomicU64::new(0),
            done: AtomicBool::new(false),
            connector,
            effort: effort.clone(),
            context: context.clone(),
            renew,
        });
        let (sender, answers) = channel();
        for session in sessions {
            let worker = Worker { shared: Arc::clone(&shared), session: Some(session), answers: sender.clone() };
            thread::spawn(move || worker.work());
        }
        let watched = Arc::clone(&shared);
        thread::spawn(move || warden::watch(&watched));
        Pool { shared, answers, begun: Instant::now() }
    }

    /// Hands every answer to `take` as it comes, and returns when all are there.
    pub fn finish(self, mut take: impl FnMut(Answer)) -> Ended {
        let mut open: HashSet<usize> = (0..self.shared.requests.len()).collect();
        let mut ending: Option<Instant> = None;
        while !open.is_empty() {
            match self.answers.recv_timeout(Duration::from_millis(50)) {
                Ok(answer) => {
                    if open.remove(&answer.index) {
                        take(answer);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_at_the_time();
            if self.shared.ended().is_some() {
                let since = *ending.get_or_insert_with(|| self.kill());
                if since.elapsed() > PATIENCE {
                    break;
                }
            }
        }
        self.shared.done.store(true, Ordering::Release);
        let abort = self.shared.ended();
        let mut left: Vec<usize> = open.into_iter().collect();
        left.sort_unstable();
        for index in left {
            let result = Err((Trouble::NotRun, words(abort.as_ref())));
            take(Answer { index, result, took_ms: 0, attempts: 0 });
        }
        Ended { abort, gave_way: self.shared.gave_way.load(Ordering::Relaxed) }
    }

    fn look_at_the_time(&self) {
        if let Some(signal) = self.shared.context.stopped() {
            self.shared.end(Abort::Stopped(signal));
        }
        if self.shared.effort.run_time.is_some_and(|limit| self.begun.elapsed() >= limit) {
            self.shared.end(Abort::Deadline);
        }
    }

    /// Ends what runs on the server too; a server that does not answer is not waited for.
    fn kill(&self) -> Instant {
        let registry = Arc::clone(&self.shared.connector.registry);
        thread::spawn(move || registry.kill_all(Duration::from_secs(2)));
        Instant::now()
    }
}

/// Why a table was not looked at.
fn words(abort: Option<&Abort>) -> String {
    match abort {
        Some(Abort::Stopped(_)) => "the run was stopped before it".to_owned(),
        Some(Abort::Deadline) => "the time of the run was over before it".to_owned(),
        Some(Abort::Lag(how)) => format!("the run was ended before it: {how}"),
        Some(Abort::Lost(how)) => format!("the server was lost before it: {how}"),
        None => "no worker was left to read it".to_owned(),
    }
}

/// What is to be done about a table that was not read.
enum Judged {
    Answer(Trouble, String),
    Again { task: Task, after: Duration },
}

struct Worker {
    shared: Arc<Shared>,
    session: Option<Session>,
    answers: Sender<Answer>,
}

impl Worker {
    fn work(mut self) {
        while self.shared.ended().is_none() {
            let next = lock(&self.shared.queue).next(Instant::now());
            match next {
                Next::Nothing => return,
                Next::Wait(time) => thread::sleep(time.min(Duration::from_millis(50))),
                Next::Task(task) => self.step(task),
            }
        }
    }

    fn step(&mut self, task: Task) {
        let shared = Arc::clone(&self.shared);
        let Some(request) = shared.requests.get(task.index) else { return };
        if let Err(trouble) = self.ready() {
            return self.answer(task, Err(trouble), Duration::ZERO);
        }
        let Some(mut session) = self.session.take() else { return };
        if task.attempts == 0 && task.gave_way == 0 && request.is_first() {
            shared.context.sink.emit(&Event::TableStarted { table: request.name.to_string(), rows: 0 });
        }
        let (id, since) = (session.connection_id(), Instant::now());
        shared.in_flight().insert(id, InFlight { since, ended: None });
        let read = read::table(&mut session, request);
        let ended = shared.in_flight().remove(&id).and_then(|in_flight| in_flight.ended);
        let lets_go = shared.renew.is_none() || session.let_go().is_ok();
        let broken = read.as_ref().is_err_and(ServerError::is_transient);
        if lets_go && !broken {
            self.session = Some(session);
        }
        match read {
            Ok(read) => self.answer(task, read, since.elapsed()),
            Err(error) => match self.judge(&error, ended, task, since.elapsed()) {
                Judged::Answer(trouble, message) => self.answer(task, Err((trouble, message)), since.elapsed()),
                Judged::Again { task, after } => lock(&shared.queue).again(task, Instant::now() + after),
            },
        }
    }

    /// Makes sure that there is a session.
    fn ready(&mut self) -> Result<(), (Trouble, String)> {
        if self.session.is_some() {
            return Ok(());
        }
        let mut session = self.shared.connector.open().map_err(|error| {
            if self.shared.ended().is_none() {
                self.shared.end(Abort::Lost(error.to_string()));
            }
            (Trouble::Error, format!("the connection was lost and could not be made again: {error}"))
        })?;
        if let Some(renew) = &self.shared.renew {
            renew(&mut session).map_err(|why| (Trouble::Error, why))?;
        }
        self.session = Some(session);
        Ok(())
    }

    fn judge(&self, error: &ServerError, ended: Option<Why>, task: Task, took: Duration) -> Judged {
        let effort = &self.shared.effort;
        if let Some(abort) = self.shared.ended() {
            return Judged::Answer(Trouble::NotRun, words(Some(&abort)));
        }
        let too_long = format!("it took longer than {} s", effort.table_timeout.as_secs_f64());
        if ended == Some(Why::GaveWay) && task.gave_way < GIVE_WAY_MAX {
            self.shared.gave_way.fetch_add(1, Ordering::Relaxed);
            let task = Task { gave_way: task.gave_way.saturating_add(1), ..task };
            return Judged::Again { task, after: Duration::from_secs(1) };
        }
        let locked = matches!(error.code, Some(1205 | 1213 | 3572));
        if ended == Some(Why::Deadline) || took >= effort.table_timeout || error.fault == Fault::Timeout && !locked {
            return Judged::Answer(Trouble::Timeout, too_long);
        }
        let attempts = task.attempts.saturating_add(1);
        let may_help = locked || error.is_transient() || matches!(error.fault, Fault::Killed | Fault::Changed);
        if may_help && attempts < effort.attempts {
            return Judged::Again { task: Task { attempts, ..task }, after: pause(task.attempts) };
        }
        let (trouble, message) = read::trouble(error);
        Judged::Answer(trouble, message)
    }

    fn answer(&self, task: Task, result: read::Read, took: Duration) {
        let took_ms = millis(took);
        let attempts = task.attempts.saturating_add(1);
        // Nobody listens any more once the run has ended without us.
        drop(self.answers.send(Answer { index: task.index, result, took_ms, attempts }));
    }
}
