//! Finding the replicas of a source.

use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::{Discovery, DiscoveryMethod, HostPattern};
use std::net::IpAddr;
use vouch_report::{Code, Failure, Stop};
use vouch_server::{Fault, Identity, ReplicaAddress, Result, ServerError, TableName, Target, TargetError};

/// Finds the replicas of `source`, level by level. A server that is found but does
/// not answer is a failure in the ledger, never left out in silence.
///
/// # Errors
/// Those of the source.
pub fn replicas(source: &Dial, how: &Discovery, stop: &Stop, ledger: &Ledger<'_>) -> Result<Vec<Target>> {
    let known = vec![identity(source, stop)?];
    let own_host = source.target.tcp_address().map_or("localhost", |(host, _)| host).to_owned();
    let mut search = Search { how, stop, ledger, known, own_host };
    let mut found: Vec<Target> = Vec::new();
    let mut level = vec![source.clone()];
    for _ in 0..how.recurse.max(1) {
        let mut next = Vec::new();
        for parent in &level {
            next.extend(search.below(parent)?);
        }
        found.extend(next.iter().map(|dial| dial.target.clone()));
        level = next;
    }
    Ok(found)
}

fn identity(dial: &Dial, stop: &Stop) -> Result<Identity> {
    // What is down now is not waited for: it is reported.
    Link::new(dial.impatient(), stop).ask(|session| Ok(session.identity().clone()))
}

struct Search<'a, 'l> {
    how: &'a Discovery,
    stop: &'a Stop,
    ledger: &'a Ledger<'l>,
    known: Vec<Identity>,
    /// The host of the source, which has the account already.
    own_host: String,
}

impl Search<'_, '_> {
    /// The replicas right below a server, by the first method that leads to any:
    /// an address may turn out to be a guess that leads back to the source.
    fn below(&mut self, parent: &Dial) -> Result<Vec<Dial>> {
        let mut link = Link::new(parent.clone(), self.stop);
        let mut silent = Vec::new();
        for method in &self.how.methods {
            let targets = match ask(&mut link, method) {
                Ok(told) => self.allowed(parent, told),
                Err(error) if error.fault == Fault::Denied => {
                    let text = format!("replicas cannot be looked up by {}: {error}", name(method));
                    self.ledger.notice(Code::AccessDenied, Some(parent.target.name()), text);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (found, unanswered) = self.who_answers(parent, targets);
            silent.extend(unanswered);
            if !found.is_empty() {
                break_silence(self.ledger, &silent);
                return Ok(found);
            }
        }
        break_silence(self.ledger, &silent);
        Ok(Vec::new())
    }

    /// The places to which the account may be sent; the others are failures in the ledger.
    fn allowed(&self, parent: &Dial, told: Told) -> Vec<Target> {
        let own_port = parent.target.tcp_address().map_or(3306, |(_, port)| port);
        let mut targets = Vec::new();
        for told in told {
            let made = told.and_then(|address| {
                let port = address.port.unwrap_or(own_port);
                Ok((self.covers(&address.host, port), parent.target.with_address(&address.host, port)?))
            });
            match made {
                Ok((true, target)) => targets.push(target),
                Ok((false, target)) => self.unasked(&target),
                Err(error) => {
                    let message = format!("{} tells of a replica that is not asked: {error}", parent.target.name());
                    let failure = Failure::new(Code::ReplicaNotAllowed, message).with_hint(error.hint());
                    self.ledger.failure(failure.at(None, Some(parent.target.name())));
                }
            }
        }
        targets
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let own = host.eq_ignore_ascii_case(&self.own_host) || is_loopback(host) && is_loopback(&self.own_host);
        own || self.how.allow.iter().any(|pattern: &HostPattern| pattern.covers(host, port))
    }

    fn unasked(&self, target: &Target) {
        let name = target.name();
        let message = format!("a replica was found at {name}, and the account was not sent there");
        let host = target.tcp_address().map_or(name, |(host, _)| host);
        let hint = format!("name it with --replica, or pass --allow-discovered '{host}'");
        self.ledger.failure(Failure::new(Code::ReplicaNotAllowed, message).with_hint(hint).at(None, Some(name)));
    }

    /// Servers that are new to us, and those that do not answer.
    fn who_answers(&mut self, parent: &Dial, targets: Vec<Target>) -> (Vec<Dial>, Vec<ServerError>) {
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        for target in targets {
            let dial = Dial { target, ..parent.clone() };
            match identity(&dial, self.stop) {
                Ok(id) if self.known.iter().any(|known| known.is_same_server(&id)) => {}
                Ok(id) => {
                    self.known.push(id);
                    found.push(dial);
                }
                Err(error) => silent.push(error),
            }
        }
        (found, silent)
    }
}

fn break_silence(ledger: &Ledger<'_>, silent: &[ServerError]) {
    for error in silent {
        let message = format!("a replica was found at {} and cannot be asked: {error}", error.server);
        ledger.failure(Failure::new(Code::ReplicaUnreachable, message).at(None, Some(&error.server)));
    }
}

fn name(method: &DiscoveryMethod) -> &'static str {
    match method {
        DiscoveryMethod::Processlist => "processlist",
        DiscoveryMethod::Hosts => "hosts",
        DiscoveryMethod::Dsn { .. } => "dsn table",
    }
}

/// What a server tells of its replicas: places, and rows that are none.
type Told = Vec<std::result::Result<ReplicaAddress, TargetError>>;

fn ask(link: &mut Link<'_>, method: &DiscoveryMethod) -> Result<Told> {
    match method {
        DiscoveryMethod::Processlist => Ok(link.ask(|s| s.replicas_by_processlist())?.into_iter().map(Ok).collect()),
        DiscoveryMethod::Hosts => Ok(link.ask(|s| s.replicas_by_report())?.into_iter().map(Ok).collect()),
        DiscoveryMethod::Dsn { database, table } => {
            let table = TableName::new(database, table);
            let texts = link.ask(|session| session.replicas_by_table(&table))?;
            Ok(texts.iter().map(|text| Target::discovered(text)).collect())
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
