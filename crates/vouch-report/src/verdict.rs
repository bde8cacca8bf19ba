//! The answer of a run, and the exit code that says it to a program.
//!
//! Main function: [`Verdict::derive`], the only place that weighs an account.

use crate::{Code, Command, Failure, Finding, Outcome, Scope, Severity};

/// Proof that an account was weighed and found clean. Only [`Verdict::derive`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven(());

/// The result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every item that was owed was verified, or left out by an option or a documented default.
    Clean(Proven),
    /// At least one finding; for a gate, anything that is not proven.
    Findings,
    /// No finding, but something could not be checked.
    Incomplete,
    /// SIGINT or SIGTERM (the signal's number is kept): the report says what was not run.
    Interrupted(u8),
    /// The account contradicts itself: a bug in vouch.
    Bug,
}

impl Verdict {
    /// Weighs a closed account. Notices never count; a finding outweighs an error.
    ///
    /// `Clean` takes an account in which at least one item was verified that is more
    /// than a listing or a position, none is unproven and none differs, and a run
    /// without an error or a finding.
    pub fn derive(
        command: Command,
        scope: &Scope,
        findings: &[Finding],
        errors: &[Failure],
        interrupted: Option<u8>,
    ) -> Self {
        let counts = scope.counts();
        let found = counts.differing > 0 || findings.iter().any(|finding| finding.severity > Severity::Notice);
        let run_proven = matches!(scope.run(), Some(Outcome::Verified { .. }));
        let proven = run_proven && errors.is_empty() && counts.unproven == 0 && scope.counts_of_subjects().verified > 0;
        if scope.contradiction().is_some() {
            Verdict::Bug
        } else if let Some(signal) = interrupted {
            Verdict::Interrupted(signal)
        } else if found || (!proven && command.is_gate()) {
            // A gate has two answers: whatever is not proven shuts it.
            Verdict::Findings
        } else if proven {
            Verdict::Clean(Proven(()))
        } else {
            Verdict::Incomplete
        }
    }

    /// The error that a run owes its reader and did not report: a contradiction, or nothing verified.
    pub(crate) fn missing_from(
        scope: &Scope,
        findings: &[Finding],
        errors: &[Failure],
        interrupted: Option<u8>,
    ) -> Option<Failure> {
        if let Some(why) = scope.contradiction() {
            return Some(Failure::new(Code::AccountUnsound, why));
        }
        let counts = scope.counts_of_subjects();
        let silent = interrupted.is_none() && findings.is_empty() && errors.is_empty() && scope.counts().differing == 0;
        (silent && counts.verified == 0).then(|| {
            let left_out = counts.excluded_by_option + counts.excluded_by_default;
            let message = match (counts.owed, left_out) {
                (0, _) => "nothing was verified: the request names nothing that could be checked".to_owned(),
                (owed, out) if owed == out => format!("nothing was verified: all {owed} items were left out"),
                (owed, _) => format!("nothing was verified: none of {owed} items was checked to its end"),
            };
            Failure::new(Code::NothingVerified, message)
        })
    }

    /// Exit code and name of every verdict, for the documentation.
    pub fn catalogue() -> [(u8, &'static str); 6] {
        let all = [
            Verdict::Clean(Proven(())),
            Verdict::Findings,
            Verdict::Incomplete,
            Verdict::Bug,
            Verdict::Interrupted(2),
            Verdict::Interrupted(15),
        ];
        all.map(|verdict| (verdict.exit_code(), verdict.name()))
    }

    /// Whether everything that was owed was verified.
    pub fn is_clean(self) -> bool {
        matches!(self, Verdict::Clean(_))
    }

    /// The process exit code: 0, 1, 3, 128 + signal, or 70 for a bug in vouch.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Clean(_) => 0,
            Verdict::Findings => 1,
            Verdict::Incomplete => 3,
            Verdict::Interrupted(signal) => 128_u8.saturating_add(signal),
            Verdict::Bug => 70,
        }
    }

    /// The name in reports: `clean`, `findings`, `incomplete`, `interrupted`, `bug`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Clean(_) => "clean",
            Verdict::Findings => "findings",
            Verdict::Incomplete => "incomplete",
            Verdict::Interrupted(_) => "interrupted",
            Verdict::Bug => "bug",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Debt, Entry, Item, ItemKind};

    /// A closed account of a run and one table, both verified.
    fn scope() -> Scope {
        let mut account = Account::default();
        for (number, kind) in [(0, ItemKind::Run), (1, ItemKind::Table)] {
            let debt = Debt(number);
            account.enter(Entry::Owed { debt, item: Item::new(kind, "it") });
            account.enter(Entry::Settled { debt, outcome: Outcome::verified(), found: 0, failed: 0 });
        }
        account.close(2)
    }

    fn verdict(findings: &[Finding], errors: &[Failure], interrupted: Option<u8>) -> Verdict {
        Verdict::derive(Command::Compare, &scope(), findings, errors, interrupted)
    }

    #[test]
    fn a_notice_does_not_spoil_a_clean_verdict() {
        let notice = Finding::new(Code::IndexDiffers, "an index differs");
        assert!(verdict(&[notice], &[], None).is_clean());
    }

    #[test]
    fn a_finding_outweighs_an_error() {
        let finding = Finding::new(Code::RowChanged, "a row differs");
        let error = Failure::new(Code::ConnectionLost, "the connection was cut");
        assert_eq!(verdict(&[finding], std::slice::from_ref(&error), None).exit_code(), 1);
        assert_eq!(verdict(&[], &[error], None).exit_code(), 3);
    }

    #[test]
    fn a_signal_outweighs_everything() {
        let finding = Finding::new(Code::RowChanged, "a row differs");
        assert_eq!(verdict(&[finding], &[], Some(2)).exit_code(), 130);
        assert_eq!(verdict(&[], &[], Some(15)).exit_code(), 143);
    }

    #[test]
    fn without_an_account_nothing_is_clean() {
        let empty = Account::default().close(0);
        assert_eq!(Verdict::derive(Command::Compare, &empty, &[], &[], None).exit_code(), 3);
    }
}
