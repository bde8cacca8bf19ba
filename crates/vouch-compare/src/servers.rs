//! The servers of a job: reached, recognised, and how they stand to each other.
//!
//! [`Party`] is who is invited, [`Servers`] who came. Who was found and did not
//! answer is a failure in the ledger, never left out in silence.

use crate::discover;
use crate::fence::Fence;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::Discovery;
use crate::preflight::{self, Facts, Relation};
use crate::refusal::refuse_server;
use std::sync::Arc;
use std::time::Duration;
use vouch_report::{Code, Failure, Refusal, RefusalKind, ServerCoverage, ServerRole, Stop};
use vouch_server::{Access, Fault, Limits, PositionKind, Registry, ReplicaStatus, Target};

/// Who is to take part.
pub struct Party<'a> {
    /// The source.
    pub source: &'a Target,
    /// The replicas; empty means that they are discovered.
    pub replicas: &'a [Target],
    /// How they are discovered.
    pub discovery: &'a Discovery,
    /// Fewer than this is a failure.
    pub expect_replicas: Option<usize>,
    /// Whether they replicate at all.
    pub replication: bool,
    /// Whether the source may be its own counterpart, in other databases.
    pub may_be_itself: bool,
    /// How long a lost connection is tried again.
    pub retry_for: Duration,
}

/// A replica that was reached.
pub struct Joined {
    /// How it is reached.
    pub dial: Dial,
    /// What it says of itself.
    pub facts: Facts,
    /// How it stands to the source.
    pub relation: Relation,
}

/// The servers that were reached.
pub struct Servers {
    /// How the source is reached.
    pub source: Dial,
    /// What it says of itself.
    pub source_facts: Facts,
    /// The kind of its positions.
    pub kind: PositionKind,
    /// The replicas.
    pub replicas: Vec<Joined>,
}

impl Party<'_> {
    fn dial(&self, target: &Target, registry: &Arc<Registry>) -> Dial {
        Dial {
            target: target.clone(),
            limits: Limits::default(),
            access: Access::ReadOnly,
            registry: Arc::clone(registry),
            retry_for: self.retry_for,
        }
    }

    /// Connects to everybody and finds out how they stand to each other.
    ///
    /// # Errors
    /// When nothing can be looked at: no source, no replica, or servers that are none.
    pub fn join(&self, registry: &Arc<Registry>, stop: &Stop, ledger: &Ledger<'_>) -> Result<Servers, Refusal> {
        let source = self.dial(self.source, registry);
        let mut link = Link::new(source.impatient(), stop);
        let refuse = |error| refuse_server("source", &error);
        let source_facts = preflight::gather(&mut link).map_err(refuse)?;
        let kind = match self.replication {
            true => link.ask(|session| session.position_kind()).map_err(refuse)?,
            false => PositionKind::None,
        };
        let targets = self.targets(&source, stop, ledger)?;
        let mut replicas = Vec::new();
        for target in &targets {
            let dial = self.dial(target, registry);
            match preflight::gather(&mut Link::new(dial.impatient(), stop)) {
                Ok(facts) => {
                    let relation = preflight::relation(&source_facts, &facts);
                    self.accept(target, relation, kind)?;
                    is_new(target, &facts, &replicas)?;
                    replicas.push(Joined { dial, facts, relation });
                }
                Err(error) if targets.len() == 1 || error.fault == Fault::Refused => {
                    return Err(refuse_server("replica", &error));
                }
                Err(error) => ledger
                    .failure(Failure::new(Code::ReplicaUnreachable, error.to_string()).at(None, Some(target.name()))),
            }
        }
        Ok(Servers { source, source_facts, kind, replicas })
    }

    fn targets(&self, source: &Dial, stop: &Stop, ledger: &Ledger<'_>) -> Result<Vec<Target>, Refusal> {
        let targets = if self.replicas.is_empty() {
            discover::replicas(source, self.discovery, stop, ledger).map_err(|error| refuse_server("source", &error))?
        } else {
            self.replicas.to_vec()
        };
        if targets.is_empty() && !ledger.has_failures() {
            return Err(Refusal::usage(
                format!("no replica of {} was found", source.target.name()),
                "name them with --replica; looking them up needs REPLICATION SLAVE or PROCESS on the source",
            )
            .of_kind(RefusalKind::NoReplicas));
        }
        if let Some(expected) = self.expect_replicas.filter(|&expected| targets.len() < expected) {
            let message = format!("{} of {expected} expected replicas were found", targets.len());
            ledger
                .failure(Failure::new(Code::ReplicaMissing, message).with_hint("name the missing ones with --replica"));
        }
        Ok(targets)
    }

    /// Refuses servers that cannot be compared as a source and its replica.
    fn accept(&self, target: &Target, relation: Relation, kind: PositionKind) -> Result<(), Refusal> {
        let name = target.name();
        match relation {
            Relation::Itself if !self.may_be_itself => Err(Refusal::usage(
                format!("{name} is the source itself"),
                "name another server, or map databases with --map",
            )),
            Relation::None if self.replication => Err(Refusal::usage(
                format!("{name} is no replica: it replicates from nobody"),
                "say --no-replication to compare two servers that do not replicate",
            )),
            Relation::Indirect if self.replication && kind == PositionKind::FileOffset => Err(Refusal::usage(
                format!(
                    "{name} does not replicate from the source itself, and without GTIDs positions do not carry through"
                ),
                "compare it with the server that it replicates from, or say --no-replication",
            )),
            _ => Ok(()),
        }
    }
}

/// Refuses a replica that is another one by a second address: one of two would never be looked at.
fn is_new(target: &Target, facts: &Facts, replicas: &[Joined]) -> Result<(), Refusal> {
    match replicas.iter().find(|joined| joined.facts.identity.is_same_server(&facts.identity)) {
        None => Ok(()),
        Some(joined) => Err(Refusal::usage(
            format!("{} and {} lead to the same server", joined.dial.target.name(), target.name()),
            "name each replica once, by an address of its own and not that of a load balancer",
        )),
    }
}

impl Servers {
    /// The names of the replicas.
    pub fn replica_names(&self) -> Vec<String> {
        self.replicas.iter().map(|joined| joined.dial.target.name().to_owned()).collect()
    }

    /// Tells the ledger of every server, and what the checks have to say of it.
    pub fn introduce(&self, replication: bool, ledger: &Ledger<'_>) {
        let describe = |dial: &Dial, facts: &Facts, role| ServerCoverage {
            name: dial.target.name().to_owned(),
            role,
            flavor: facts.flavor().name().to_owned(),
            version: facts.identity.version.clone(),
            positions: self.kind.name().to_owned(),
        };
        ledger.joined(describe(&self.source, &self.source_facts, ServerRole::Source));
        for Joined { dial, facts, relation } in &self.replicas {
            ledger.joined(describe(dial, facts, ServerRole::Replica));
            let name = dial.target.name();
            for remark in preflight::remarks(&self.source_facts, facts) {
                ledger.notice(remark.code, Some(name), remark.message);
            }
            if *relation == Relation::Unknown && replication {
                ledger.notice(Code::LagUnknown, Some(name), "its replication status may not be read by the account");
            }
        }
    }

    /// How positions work between the source and a replica.
    pub fn fence(&self, joined: &Joined, channel: Option<&str>, wait_timeout: Duration) -> Fence {
        Fence {
            kind: self.kind,
            channel: channel.map(str::to_owned).or_else(|| channel_from(&self.source_facts, &joined.facts)),
            wait_timeout: wait_timeout + delay(&joined.facts),
            source_uuid: self.source_facts.identity.uuid.clone(),
            uuid: joined.facts.identity.uuid.clone(),
            server_id: joined.facts.identity.server_id,
            ..Fence::default()
        }
    }
}

/// The time by which a replica is delayed on purpose.
fn delay(replica: &Facts) -> Duration {
    Duration::from_secs(replica.channels().iter().map(|channel| channel.delay_s).max().unwrap_or(0))
}

/// The replica's channel from this source, where it has several.
fn channel_from(source: &Facts, replica: &Facts) -> Option<String> {
    let channels = replica.channels();
    if channels.len() < 2 {
        return None;
    }
    let from = |channel: &&ReplicaStatus| {
        (!source.identity.uuid.is_empty() && channel.source_uuid == source.identity.uuid)
            || channel.source_id == source.identity.server_id
    };
    channels.iter().find(from).map(|channel| channel.channel.clone())
}
