//! Refusing to start because of the server: [`refuse_server`].

use vouch_report::{Code, Refusal, RefusalKind};
use vouch_server::{Fault, ServerError};

/// A refusal because the server could not be asked.
pub fn refuse_server(error: &ServerError) -> Refusal {
    let (code, kind) = match error.fault {
        fault if fault.is_lasting() => (Code::UsageRefused, RefusalKind::Usage),
        Fault::Moved => (Code::AddressMoved, RefusalKind::Unreachable),
        _ => (Code::ConnectionLost, RefusalKind::Unreachable),
    };
    Refusal::new(code, format!("the server cannot be asked: {error}"), error.fault.hint()).of_kind(kind)
}
