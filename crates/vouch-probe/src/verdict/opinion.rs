//! What the facts of one moment say about one service of one node: [`Opinion`].

use crate::facts::{NodeFacts, Reach};
use vouch_report::Code;
use vouch_report::health::{Reason, State};

/// For how long an earlier verdict may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    No,
    /// As long as the policy says.
    ForAWhile,
    /// Until something is known.
    Always,
}

/// What should be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Serve with this weight.
    Serve(u8),
    /// Stop serving: `Drain` or `Down`.
    Out(State),
    /// Nothing can be said.
    CannotTell(Hold),
    /// An operator says so.
    Maint,
}

/// A call and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// What should be done.
    pub call: Call,
    /// Why, the decisive one first.
    pub reasons: Vec<Reason>,
    /// Whether it is done on the first look, rather than after several.
    pub at_once: bool,
}

impl Opinion {
    /// Serve with full weight.
    pub fn serve() -> Opinion {
        Opinion { call: Call::Serve(100), reasons: Vec::new(), at_once: true }
    }

    /// Stop serving after several such looks.
    pub fn out(state: State, reason: Reason) -> Opinion {
        Opinion { call: Call::Out(state), reasons: vec![reason], at_once: false }
    }

    /// Stop serving now.
    pub fn out_now(state: State, reason: Reason) -> Opinion {
        Opinion { at_once: true, ..Opinion::out(state, reason) }
    }

    /// Nothing can be said.
    pub fn cannot_tell(hold: Hold, reason: Reason) -> Opinion {
        Opinion { call: Call::CannotTell(hold), reasons: vec![reason], at_once: true }
    }

    /// Serve with at most this weight, for this reason.
    pub fn limit(&mut self, weight: u8, reason: Reason) {
        if let Call::Serve(old) = self.call {
            if weight < old {
                self.call = Call::Serve(weight);
                self.reasons.insert(0, reason);
            } else {
                self.reasons.push(reason);
            }
        }
    }

    /// Something to know that changes nothing.
    pub fn remark(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }
}

/// Why the last look failed; `None` when it did not.
pub fn failure(node: &NodeFacts) -> Option<Reason> {
    let (code, words) = match node.reach {
        Reach::Answers => return None,
        Reach::NotYet => (Code::Starting, "not looked at yet"),
        Reach::Refused => (Code::Refused, "connection refused"),
        Reach::NoAnswer => (Code::ConnectTimeout, "no answer from the address"),
        Reach::HostUnknown => (Code::HostUnknown, "host name does not resolve"),
        Reach::HandshakeStalled => (Code::HandshakeStalled, "connection taken, no handshake"),
        Reach::HandshakeBroken => (Code::HandshakeBroken, "handshake broken"),
        Reach::QueryStalled => (Code::QueryStalled, "query not answered in time"),
        Reach::AuthFailed => (Code::AuthFailed, "account refused"),
        Reach::HostBlocked => (Code::HostBlocked, "the probe's host is blocked"),
        Reach::TooMany => (Code::TooManyConnections, "too many connections"),
        Reach::Tls => (Code::TlsFailed, "TLS failed"),
        Reach::ServerError => (Code::ServerError, if node.error.is_empty() { "server error" } else { &node.error }),
    };
    Some(Reason::numbered(code, Some(node.errno), words))
}
