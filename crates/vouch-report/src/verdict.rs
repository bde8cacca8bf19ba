//! The answer of a run, and the exit code that says it to a program.

use crate::{Failure, Finding, Severity};

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that was asked for was looked at, and nothing was found.
    Clean,
    /// At least one finding.
    Findings,
    /// Nothing found, but something could not be looked at.
    Incomplete,
    /// SIGINT or SIGTERM (the signal's number is kept): the report says what was not run.
    Interrupted(u8),
}

impl Verdict {
    /// Weighs what a run has seen. Notices never count; a finding outweighs an error.
    pub fn of(findings: &[Finding], errors: &[Failure], interrupted: Option<u8>) -> Self {
        if let Some(signal) = interrupted {
            return Verdict::Interrupted(signal);
        }
        if findings.iter().any(|finding| finding.severity > Severity::Notice) {
            Verdict::Findings
        } else if errors.is_empty() {
            Verdict::Clean
        } else {
            Verdict::Incomplete
        }
    }

    /// The process exit code: 0, 1, 3 or 128 + signal.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Clean => 0,
            Verdict::Findings => 1,
            Verdict::Incomplete => 3,
            Verdict::Interrupted(signal) => 128_u8.saturating_add(signal),
        }
    }

    /// The name in reports: `clean`, `findings`, `incomplete`, `interrupted`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Findings => "findings",
            Verdict::Incomplete => "incomplete",
            Verdict::Interrupted(_) => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn a_notice_does_not_spoil_a_clean_verdict() {
        let notice = Finding::new(Code::IndexDiffers, "an index differs");
        assert_eq!(Verdict::of(&[notice], &[], None), Verdict::Clean);
    }

    #[test]
    fn a_finding_outweighs_an_error() {
        let finding = Finding::new(Code::RowChanged, "a row differs");
        let error = Failure::new(Code::ConnectionLost, "the connection was cut");
        assert_eq!(Verdict::of(&[finding], std::slice::from_ref(&error), None).exit_code(), 1);
        assert_eq!(Verdict::of(&[], &[error], None).exit_code(), 3);
    }

    #[test]
    fn a_signal_outweighs_everything() {
        let finding = Finding::new(Code::RowChanged, "a row differs");
        assert_eq!(Verdict::of(&[finding], &[], Some(2)).exit_code(), 130);
        assert_eq!(Verdict::of(&[], &[], Some(15)).exit_code(), 143);
    }
}
