//! The result document of a run; the same for every command.

use crate::{Coverage, Failure, Finding, Notice, Skip, Verdict};

/// What a run came to, and on what it rests.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The command, such as `compare`.
    pub command: &'static str,
    /// The run's id.
    pub run_id: String,
    /// Milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub finished_ms: u64,
    /// The verdict; its exit code is the process's.
    pub verdict: Verdict,
    /// What was looked at, how, as of when.
    pub coverage: Coverage,
    /// Damage seen.
    pub findings: Vec<Finding>,
    /// Choices not to look.
    pub skips: Vec<Skip>,
    /// Failures to look.
    pub errors: Vec<Failure>,
    /// Things to know about how the run looked.
    pub notices: Vec<Notice>,
}
