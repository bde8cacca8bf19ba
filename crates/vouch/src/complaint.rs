//! What ends a command before its result: one sentence, a hint, an exit code.

use crate::exit::Exit;
use std::fmt;
use vouch_compare::FilterError;
use vouch_report::{Refusal, RefusalKind};
use vouch_server::TargetError;

/// Why a command ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    message: String,
    hint: Option<String>,
    /// What the process ends with.
    pub exit: Exit,
}

impl Complaint {
    /// Arguments, configuration or environment are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Complaint { message: message.into(), hint: None, exit: Exit::Usage }
    }

    /// Something could not be looked at or written.
    pub fn incomplete(message: impl Into<String>) -> Self {
        Complaint { message: message.into(), hint: None, exit: Exit::Incomplete }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The sentence and the hint.
    pub fn parts(self) -> (String, Option<String>) {
        (self.message, self.hint)
    }

    /// The same, said about `what`: `what: message`.
    pub fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vouch: {}", printable(&self.message))?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {}", printable(hint)))
    }
}

impl From<Refusal> for Complaint {
    fn from(refusal: Refusal) -> Self {
        let complaint = match refusal.kind {
            RefusalKind::Usage | RefusalKind::NoReplicas => Complaint::usage(refusal.message),
            RefusalKind::Unreachable | RefusalKind::AlreadyRunning => Complaint::incomplete(refusal.message),
        };
        if refusal.hint.is_empty() { complaint } else { complaint.hint(refusal.hint) }
    }
}

/// A gate refuses with exit code 2, whatever the reason: nothing was checked.
impl From<Complaint> for Refusal {
    fn from(complaint: Complaint) -> Self {
        Refusal::usage(complaint.message, complaint.hint.unwrap_or_default())
    }
}

impl From<TargetError> for Complaint {
    fn from(error: TargetError) -> Self {
        Complaint::usage(error.to_string()).hint(error.hint())
    }
}

impl From<FilterError> for Complaint {
    fn from(error: FilterError) -> Self {
        Complaint::usage(error.to_string()).hint(error.hint())
    }
}

/// What the system said, without its error number.
pub fn cause(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The text on one line and without control characters, which could paint a terminal.
pub fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_a_sentence_and_a_hint() {
        let complaint = Complaint::usage("it\u{1b}[31m is\nwrong").about("--source").hint("do so");
        assert_eq!(complaint.to_string(), "vouch: --source: it\\u{1b}[31m is\\nwrong\nhint: do so");
    }
}
