//! The result document of a run; the same for every command.

use crate::{Command, Coverage, Failure, Finding, Notice, Scope, Skip, Verdict};

/// Everything that a run reported.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    /// Damage seen.
    pub findings: Vec<Finding>,
    /// Failures to check something.
    pub errors: Vec<Failure>,
    /// Choices not to check something.
    pub skips: Vec<Skip>,
    /// Things to know about the run.
    pub notices: Vec<Notice>,
}

/// The result of a run, and what it rests on.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The command.
    pub command: Command,
    /// The run's id.
    pub run_id: String,
    /// Milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub finished_ms: u64,
    /// The verdict; its exit code is the process's.
    pub verdict: Verdict,
    /// What was owed, and how each item was settled.
    pub scope: Scope,
    /// What was checked, how, as of when.
    pub coverage: Coverage,
    /// Damage seen.
    pub findings: Vec<Finding>,
    /// Choices not to check something.
    pub skips: Vec<Skip>,
    /// Failures to check something.
    pub errors: Vec<Failure>,
    /// Things to know about the run.
    pub notices: Vec<Notice>,
}

impl Summary {
    /// The summary of a closed account, with the one verdict that follows from it.
    /// Run id, times and coverage are the caller's to fill in.
    pub fn of(command: Command, scope: Scope, reported: Reported, interrupted: Option<u8>) -> Self {
        let Reported { findings, mut errors, skips, notices } = reported;
        errors.extend(Verdict::missing_from(&scope, &findings, &errors, interrupted));
        let verdict = Verdict::derive(command, &scope, &findings, &errors, interrupted);
        Summary {
            command,
            run_id: String::new(),
            started_ms: 0,
            finished_ms: 0,
            verdict,
            scope,
            coverage: Coverage::empty(command),
            findings,
            skips,
            errors,
            notices,
        }
    }
}
