//! Opening sessions, again and again where that may help.

use crate::options::Effort;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_report::RunContext;
use vouch_server::{Limits, Registry, Result, Session, Target};

/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How sessions are opened.
#[derive(Clone)]
pub struct Connector {
    /// The server.
    pub target: Target,
    /// Its limits.
    pub limits: Limits,
    /// Knows all sessions.
    pub registry: Arc<Registry>,
    retry_for: Duration,
    context: RunContext,
}

impl Connector {
    /// A connector for a run. A statement may take as long as a table may, and a little more is waited
    /// for its answer, so that it is the server that ends it.
    pub fn new(target: &Target, effort: &Effort, context: &RunContext) -> Self {
        let limits = Limits {
            statement: effort.table_timeout,
            read: effort.table_timeout.saturating_add(Duration::from_secs(15)),
            lock_wait: effort.lock_wait,
            ..Limits::default()
        };
        let (target, registry) = (target.clone(), Arc::new(Registry::default()));
        Connector { target, limits, registry, retry_for: effort.retry_for, context: context.clone() }
    }

    /// For questions that are answered at once.
    pub fn brisk(&self) -> Self {
        let limits = Limits {
            statement: Duration::from_secs(20),
            read: Duration::from_secs(25),
            connect: Duration::from_secs(5),
            ..self.limits
        };
        Connector { limits, ..self.clone() }
    }

    /// Opens a session at the first try.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open_once(&self) -> Result<Session> {
        Session::open(&self.target, self.limits, &self.registry)
    }

    /// Opens a session, with growing pauses between attempts while that may help.
    ///
    /// # Errors
    /// Those of [`Session::open`], the last one.
    pub fn open(&self) -> Result<Session> {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            match self.open_once() {
                Err(error)
                    if error.is_transient() && begun.elapsed() < self.retry_for && self.context.stopped().is_none() =>
                {
                    std::thread::sleep(pause(attempt));
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }
}

/// 50 ms, doubled with every attempt, by up to a half longer at random.
pub fn pause(attempt: u32) -> Duration {
    let whole = Duration::from_millis(50).saturating_mul(1 << attempt.min(10)).min(PAUSE_MAX);
    let mut random = [0_u8];
    // Without randomness pauses are just as long.
    getrandom::fill(&mut random).ok();
    let [random] = random;
    whole.mul_f64(1.0 + f64::from(random) / 512.0)
}
