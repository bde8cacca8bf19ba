//! The exit codes of the process, as one named table.

use std::process::ExitCode;
use vouch_report::Verdict;

/// Why the process ends. The numbers are public and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; or all that was asked for was looked at, and nothing found.
    Clean,
    /// At least one finding.
    Findings,
    /// Arguments or configuration are wrong: nothing was looked at.
    Usage,
    /// No finding, but something could not be looked at.
    Incomplete,
    /// A bug in vouch.
    Bug,
    /// The signal of this number.
    Interrupted(u8),
    /// What the protocol of a health verdict says.
    Protocol(u8),
    /// A bit mask in the words of another tool, where that was asked for.
    Mask(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::Bug => 70,
            Exit::Interrupted(signal) => 128_u8.saturating_add(signal),
            Exit::Protocol(code) => code,
            Exit::Mask(bits) => bits,
        }
    }

    /// Ends the process at once.
    pub fn now(self) -> ! {
        std::process::exit(i32::from(self.code()))
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Clean(_) => Exit::Clean,
            Verdict::Findings => Exit::Findings,
            Verdict::Incomplete => Exit::Incomplete,
            Verdict::Interrupted(signal) => Exit::Interrupted(signal),
            Verdict::Bug => Exit::Bug,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use vouch_report::{Command, Coverage, Item, ItemKind, Outcome, Recorder, RunContext, Scope};

    /// The scope of a run that verified the one table it owed.
    pub(crate) fn verified() -> Scope {
        let recorder = Recorder::begin(Command::Compare, RunContext::silent());
        recorder.settled(Item::new(ItemKind::Table, "shop.t"), Outcome::verified());
        recorder.finish(Coverage::default()).scope
    }

    #[test]
    fn verdicts_keep_their_codes() {
        let clean = Verdict::derive(Command::Compare, &verified(), &[], &[], None);
        assert!(clean.is_clean());
        for verdict in [clean, Verdict::Bug, Verdict::Findings, Verdict::Incomplete, Verdict::Interrupted(2)] {
            assert_eq!(Exit::from(verdict).code(), verdict.exit_code(), "{verdict:?}");
        }
    }
}
