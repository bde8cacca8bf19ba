//! Refusing to start because of a server: [`refuse_server`].

use crate::ledger::Ledger;
use vouch_report::{Code, Failure, Refusal, RefusalKind};
use vouch_server::{Fault, Registry, ServerError};

/// Reports that an address led to another server than before, if one did: whoever noticed it.
pub fn report_moved(registry: &Registry, ledger: &Ledger<'_>) {
    if let Some(error) = registry.moved() {
        let failure = Failure::new(Code::AddressMoved, error.to_string());
        ledger.failure(failure.at(None, Some(&error.server)).with_hint(Fault::Moved.hint()));
    }
}

/// A refusal because a server could not be asked.
pub fn refuse_server(role: &str, error: &ServerError) -> Refusal {
    let (code, kind) = match error.fault {
        fault if fault.is_lasting() => (Code::UsageRefused, RefusalKind::Usage),
        Fault::Moved => (Code::AddressMoved, RefusalKind::Unreachable),
        _ => (Code::ConnectionLost, RefusalKind::Unreachable),
    };
    Refusal::new(code, format!("the {role} cannot be asked: {error}"), error.fault.hint()).of_kind(kind)
}
