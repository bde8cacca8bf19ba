//! What every engine is given, and how every engine refuses.
//!
//! Main types: [`RunContext`], [`Refusal`].

use crate::{Code, NullSink, Sink, Stop};
use std::fmt;
use std::sync::Arc;

/// What a run is given from outside. Cheap to clone.
#[derive(Clone)]
pub struct RunContext {
    /// Takes the events.
    pub sink: Arc<dyn Sink>,
    /// The request to stop.
    pub stop: Arc<Stop>,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: fn() -> u64,
    /// The run's id.
    pub run_id: String,
}

impl RunContext {
    /// For an account that nobody watches and nobody stops.
    pub fn silent() -> Self {
        RunContext { sink: Arc::new(NullSink), stop: Arc::new(Stop::new()), now_ms: || 0, run_id: String::new() }
    }

    /// The number of the signal that asked the run to stop.
    pub fn stopped(&self) -> Option<u8> {
        self.stop.requested()
    }
}

/// Which exit code a refusal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Arguments, account, configuration, key or manifest are wrong: exit code 2.
    Usage,
    /// There is no replica: exit code 2.
    NoReplicas,
    /// A server or a file cannot be reached now: exit code 3.
    Unreachable,
    /// Another process does the same work: exit code 3.
    AlreadyRunning,
}

/// Why a run did not start: nothing was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// One sentence that names the cause.
    pub message: String,
    /// What the user can do; empty when there is nothing.
    pub hint: String,
    /// The exit code.
    pub kind: RefusalKind,
}

impl Refusal {
    /// A refusal with that code, because of what was asked for.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), hint: hint.into(), kind: RefusalKind::Usage }
    }

    /// A refusal because of wrong arguments.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal::new(Code::UsageRefused, message, hint)
    }

    /// The same refusal of another kind.
    pub fn of_kind(self, kind: RefusalKind) -> Self {
        Refusal { kind, ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
