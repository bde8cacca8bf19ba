//! Finding the replicas of a source.

use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::{Discovery, DiscoveryMethod};
use crate::stop::Stop;
use vouch_report::{Code, Failure};
use vouch_server::{Defaults, Fault, ReplicaAddress, Result, ServerError, TableName, Target, TargetError};

/// Finds the replicas of `source`, level by level. A server that is found but does
/// not answer is a failure in the ledger, never left out in silence.
///
/// # Errors
/// Those of the source.
pub fn replicas(source: &Dial, how: &Discovery, stop: &Stop, ledger: &Ledger<'_>) -> Result<Vec<Target>> {
    let mut known: Vec<(u64, String)> = vec![identity(source, stop)?];
    let mut found: Vec<Target> = Vec::new();
    let mut level = vec![source.clone()];
    for _ in 0..how.recurse.max(1) {
        let mut next = Vec::new();
        for parent in &level {
            for target in below(parent, how, stop, ledger)? {
                let dial = Dial { target, ..parent.clone() };
                match identity(&dial, stop) {
                    Ok(id) if known.contains(&id) => {}
                    Ok(id) => {
                        known.push(id);
                        found.push(dial.target.clone());
                        next.push(dial);
                    }
                    Err(error) => unreachable(ledger, &dial, &error),
                }
            }
        }
        level = next;
    }
    Ok(found)
}

fn unreachable(ledger: &Ledger<'_>, dial: &Dial, error: &ServerError) {
    let message = format!("a replica was found at {} and cannot be asked: {error}", dial.target.name());
    ledger.failure(Failure::new(Code::ReplicaUnreachable, message).at(None, Some(dial.target.name())));
}

fn identity(dial: &Dial, stop: &Stop) -> Result<(u64, String)> {
    // What is down now is not waited for: it is reported.
    let dial = Dial { retry_for: std::time::Duration::ZERO, ..dial.clone() };
    Link::new(dial, stop).ask(|session| Ok((session.identity().server_id, session.identity().uuid.clone())))
}

/// The replicas right below a server, by the first method that finds any.
fn below(parent: &Dial, how: &Discovery, stop: &Stop, ledger: &Ledger<'_>) -> Result<Vec<Target>> {
    let mut link = Link::new(parent.clone(), stop);
    for method in &how.methods {
        let found = match ask(&mut link, parent, method) {
            Ok(found) => found,
            Err(error) if error.fault == Fault::Denied => {
                let text = format!("replicas cannot be looked up by {}: {error}", name(method));
                ledger.notice(Code::AccessDenied, Some(parent.target.name()), text);
                continue;
            }
            Err(error) => return Err(error),
        };
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn name(method: &DiscoveryMethod) -> &'static str {
    match method {
        DiscoveryMethod::Processlist => "processlist",
        DiscoveryMethod::Hosts => "hosts",
        DiscoveryMethod::Dsn { .. } => "dsn table",
    }
}

fn ask(link: &mut Link<'_>, parent: &Dial, method: &DiscoveryMethod) -> Result<Vec<Target>> {
    let own_port = parent.target.tcp_address().map_or(3306, |(_, port)| port);
    let refused = |error: TargetError| ServerError::new(parent.target.name(), Fault::Other, error.to_string());
    let at = |address: ReplicaAddress| {
        parent.target.with_address(&address.host, address.port.unwrap_or(own_port)).map_err(refused)
    };
    match method {
        DiscoveryMethod::Processlist => link.ask(|s| s.replicas_by_processlist())?.into_iter().map(at).collect(),
        DiscoveryMethod::Hosts => link.ask(|s| s.replicas_by_report())?.into_iter().map(at).collect(),
        DiscoveryMethod::Dsn { database, table } => {
            let table = TableName::new(database, table);
            let texts = link.ask(|session| session.replicas_by_table(&table))?;
            let parse = |text: &String| {
                let target = Target::parse(text, &Defaults::default()).map_err(refused)?;
                Ok(target.with_account_of(&parent.target))
            };
            texts.iter().map(parse).collect()
        }
    }
}
