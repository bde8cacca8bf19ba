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
    let known = vec![identity(source, stop)?];
    let mut search = Search { how, stop, ledger, known };
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

fn identity(dial: &Dial, stop: &Stop) -> Result<(u64, String)> {
    // What is down now is not waited for: it is reported.
    Link::new(dial.impatient(), stop).ask(|session| Ok((session.identity().server_id, session.identity().uuid.clone())))
}

struct Search<'a, 'l> {
    how: &'a Discovery,
    stop: &'a Stop,
    ledger: &'a Ledger<'l>,
    known: Vec<(u64, String)>,
}

impl Search<'_, '_> {
    /// The replicas right below a server, by the first method that leads to any:
    /// an address may turn out to be a guess that leads back to the source.
    fn below(&mut self, parent: &Dial) -> Result<Vec<Dial>> {
        let mut link = Link::new(parent.clone(), self.stop);
        let mut silent = Vec::new();
        for method in &self.how.methods {
            let targets = match ask(&mut link, parent, method) {
                Ok(targets) => targets,
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

    /// Servers that are new to us, and those that do not answer.
    fn who_answers(&mut self, parent: &Dial, targets: Vec<Target>) -> (Vec<Dial>, Vec<ServerError>) {
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        for target in targets {
            let dial = Dial { target, ..parent.clone() };
            match identity(&dial, self.stop) {
                Ok(id) if self.known.contains(&id) => {}
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
