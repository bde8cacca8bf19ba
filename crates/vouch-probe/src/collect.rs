//! One look at one server within its limits: [`Collector`].
//!
//! The connection stays open from look to look. Invariant: a look never panics and
//! never asks for more than statements that read; whatever fails becomes a fact.

use crate::facts::{ChannelFacts, NodeFacts, Reach, Thread};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_convert::{millis, unix_time};
use vouch_server::gtid;
use vouch_server::{
    Addresses, Fault, LogPlace, Registry, ReplicaStatus, Result as Asked, ServerError, Session, TableName, Target, Wire,
};

/// A server that is looked at.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name in the pool.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// The port that takes connections when the other has none left.
    pub admin_port: Option<u16>,
    /// The table of heartbeats that is read, if any.
    pub heartbeat: Option<TableName>,
    /// Whether `status_example.lastcheck` is read where it is there.
    pub lastcheck: bool,
}

/// The part of a look that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A connection is being opened.
    Opening,
    /// A question has been asked.
    Asking,
}

/// Looks at one server, again and again.
pub struct Collector {
    spec: NodeSpec,
    deadline: Duration,
    session: Option<Session>,
    by_admin_port: bool,
    /// What the account may not read, or is not there; tried again on every new connection.
    without_heartbeat: bool,
    without_applier: bool,
    registry: Arc<Registry>,
}

/// Disk full, error on write, table full.
const DISK_ERRORS: [u64; 3] = [1021, 1026, 1114];

impl Collector {
    /// A collector that has not connected yet. Each step of a look may take `deadline`.
    pub fn new(spec: NodeSpec, deadline: Duration) -> Collector {
        Collector {
            spec,
            deadline,
            session: None,
            by_admin_port: false,
            without_heartbeat: false,
            without_applier: false,
            // After a failover an address may lead to another server, which is then what is looked at.
            registry: Arc::new(Registry::of(Addresses::MayMove)),
        }
    }

    /// Looks once. `phase` is told what is under way; `last` is what was seen before,
    /// whose identity is kept when nothing can be seen now.
    pub fn look(&mut self, last: &NodeFacts, phase: &dyn Fn(Phase)) -> NodeFacts {
        let began = Instant::now();
        let mut facts = self.identity(last);
        let mut outcome = self.attempt(&mut facts, phase);
        // A server that was restarted has closed the connection: that alone is no fault of its.
        let was_open = self.session.is_some();
        if let (true, Err((Phase::Asking, error))) = (was_open, &outcome)
            && error.wire == Some(Wire::Broken)
        {
            self.session = None;
            facts = self.identity(last);
            outcome = self.attempt(&mut facts, phase);
        }
        match outcome {
            Ok(()) => facts.reach = Reach::Answers,
            Err((phase, error)) => {
                self.session = None;
                facts = self.identity(last);
                facts.reach = reach(phase, &error);
                facts.errno = error.code.map_or(0, u64::from);
                facts.error = error.message;
            }
        }
        facts.took_ms = millis(began.elapsed());
        facts
    }

    fn identity(&self, last: &NodeFacts) -> NodeFacts {
        let (host, port) = self.spec.target.tcp_address().map_or(("", 0), |(host, port)| (host, u64::from(port)));
        NodeFacts { name: self.spec.name.clone(), host: host.to_owned(), port, ..last.identity() }
    }

    fn attempt(&mut self, facts: &mut NodeFacts, phase: &dyn Fn(Phase)) -> Result<(), (Phase, ServerError)> {
        if self.session.is_none() {
            phase(Phase::Opening);
            self.open().map_err(|error| (Phase::Opening, error))?;
        }
        phase(Phase::Asking);
        facts.admin_port = self.by_admin_port;
        self.ask(facts).map_err(|error| (Phase::Asking, error))
    }

    fn open(&mut self) -> Asked<()> {
        let limits = vouch_server::Limits {
            connect: self.deadline / 2,
            read: self.deadline,
            statement: self.deadline,
            lock_wait: Duration::from_secs(1),
            handshakes: 1,
        };
        (self.without_heartbeat, self.without_applier, self.by_admin_port) = (false, false, false);
        let opened = Session::open(&self.spec.target, limits, &self.registry);
        let session = match (opened, self.spec.admin_port, self.spec.target.tcp_address()) {
            (Err(error), Some(port), Some((host, _))) if is_full(&error) => {
                let target = self.spec.target.with_address(host, port).map_err(|_| error.clone())?;
                self.by_admin_port = true;
                Session::open(&target, limits, &self.registry).map_err(|_| error)?
            }
            (opened, _, _) => opened?,
        };
        self.session = Some(session);
        Ok(())
    }

    fn ask(&mut self, facts: &mut NodeFacts) -> Asked<()> {
        let Some(session) = self.session.as_mut() else { return Ok(()) };
        let identity = session.identity();
        facts.version = identity.version.clone();
        (facts.server_id, facts.uuid) = (identity.server_id, identity.uuid.clone());
        let settings = session.health_settings()?;
        (facts.read_only, facts.super_read_only) = (settings.read_only, settings.super_read_only);
        facts.offline_mode = settings.offline_mode;
        let status = session.health_status()?;
        (facts.uptime_s, facts.semi_sync_waiting) = (status.uptime_s, status.semi_sync_waiting);
        if settings.galera {
            facts.galera_state = status.galera_state;
            facts.galera_primary = status.galera_status.map(|status| status == "Primary");
        }
        let before = Instant::now();
        facts.clock_ms = session.clock_ms()?.map(|clock| clock.saturating_sub(wall_ms(before)));
        let received = channels(session, facts)?;
        facts.executed = session.executed().or_else(without)?;
        drained(facts, &received);
        if settings.group {
            group(session, facts)?;
        }
        if !facts.channels.is_empty() && !self.without_applier {
            self.without_applier = !appliers(session, facts)?;
        }
        if let (Some(table), false) = (&self.spec.heartbeat, self.without_heartbeat) {
            self.without_heartbeat = !heartbeat(session, table, facts)?;
        }
        if self.spec.lastcheck {
            lastcheck(session, facts)?;
        }
        Ok(())
    }
}

/// The prober's own clock, in ms since 1970, halfway through the question.
fn wall_ms(before: Instant) -> i64 {
    let now = unix_time();
    i64::try_from((now.saturating_sub(before.elapsed() / 2)).as_millis()).unwrap_or(i64::MAX)
}

fn is_full(error: &ServerError) -> bool {
    matches!(error.code, Some(1040 | 1203))
}

/// Anything but a broken connection is an answer: it cannot be had.
fn without<T: Default>(error: ServerError) -> Asked<T> {
    if error.wire.is_some() || error.fault == Fault::Timeout { Err(error) } else { Ok(T::default()) }
}

/// Adds the channels and returns for each what it has received, and whether its applier waits for more.
fn channels(session: &mut Session, facts: &mut NodeFacts) -> Asked<Vec<(String, bool)>> {
    let mut received = Vec::new();
    match session.replica_status() {
        Ok(channels) => {
            received = channels.iter().map(|status| (status.received_gtids.clone(), status.applier_waits)).collect();
            facts.channels = channels.into_iter().map(channel).collect();
        }
        Err(error) if matches!(error.fault, Fault::Denied | Fault::Refused) => {
            facts.replication_denied = true;
            facts.channels.clear();
            facts.errno = error.code.map_or(0, u64::from);
        }
        Err(error) => return Err(error),
    }
    let errors = facts.channels.iter().flat_map(|channel| [channel.io_errno, channel.sql_errno]);
    facts.disk_full = errors.into_iter().any(|errno| DISK_ERRORS.contains(&errno));
    Ok(received)
}

/// Transactions tell better than places: of one that was cut off in the middle nothing is left to apply.
/// An applier of MariaDB that waits has nothing left either; on MySQL its workers may.
fn drained(facts: &mut NodeFacts, received: &[(String, bool)]) {
    for (channel, (received, waits)) in facts.channels.iter_mut().zip(received) {
        if !received.is_empty() && !facts.executed.is_empty() {
            let cut_off = facts.uuid.is_empty() && *waits && channel.io != Thread::Yes;
            channel.drained = Some(cut_off || gtid::holds(&facts.executed, received));
            channel.backlog_trx = gtid::missing(&facts.executed, received).filter(|_| !cut_off);
        }
    }
}

fn channel(status: ReplicaStatus) -> ChannelFacts {
    let drained = status.applied.as_ref().zip(status.received.as_ref()).map(|(applied, received)| applied == received);
    let backlog_bytes = status
        .applied
        .as_ref()
        .zip(status.received.as_ref())
        .map(|(applied, received)| backlog(applied, received).unwrap_or(status.relay_bytes));
    let io = match status.receiver.as_str() {
        "Yes" => Thread::Yes,
        "No" => Thread::No,
        _ => Thread::Connecting,
    };
    ChannelFacts {
        channel: status.channel,
        source_host: status.source_host,
        source_port: status.source_port,
        source_uuid: status.source_uuid,
        source_id: status.source_id,
        io,
        io_errno: status.receiver_errno,
        io_error: status.receiver_error,
        sql: if status.applying { Thread::Yes } else { Thread::No },
        sql_errno: status.applier_errno,
        sql_error: status.last_error,
        behind_s: status.behind_s,
        applier_ms: None,
        delay_s: status.delay_s,
        drained,
        backlog_bytes,
        backlog_trx: None,
    }
}

/// Bytes between two places of one file.
fn backlog(applied: &LogPlace, received: &LogPlace) -> Option<u64> {
    (applied.file == received.file).then(|| received.offset.saturating_sub(applied.offset))
}

fn group(session: &mut Session, facts: &mut NodeFacts) -> Asked<()> {
    let members = session.group_members().or_else(without)?;
    let own = members.iter().find(|member| member.uuid == facts.uuid);
    facts.group_state = Some(own.map_or_else(|| "OFFLINE".to_owned(), |member| member.state.clone()));
    facts.group_role = own.map(|member| member.role.clone()).filter(|role| !role.is_empty());
    // A server outside the group sees itself alone, which says nothing about the group.
    let inside = matches!(facts.group_state.as_deref(), Some("ONLINE" | "RECOVERING"));
    let present = members.iter().filter(|member| matches!(member.state.as_str(), "ONLINE" | "RECOVERING")).count();
    facts.group_quorum = inside.then_some(present.saturating_mul(2) > members.len());
    // The channels of the group itself are no replication from outside.
    facts.channels.retain(|channel| !channel.channel.starts_with("group_replication_"));
    Ok(())
}

/// Whether the account may look; then the age of what each applier works on is added.
fn appliers(session: &mut Session, facts: &mut NodeFacts) -> Asked<bool> {
    let delays = match session.applier_delays() {
        Ok(delays) => delays,
        Err(error) => return without(error),
    };
    for channel in &mut facts.channels {
        let own = delays.iter().find(|delay| delay.channel == channel.channel);
        channel.applier_ms = own.map(|delay| delay.age_us / 1000);
    }
    Ok(true)
}

/// Whether the table can be read; then the newest beat of another server is added.
fn heartbeat(session: &mut Session, table: &TableName, facts: &mut NodeFacts) -> Asked<bool> {
    let beats = match session.heartbeats(table) {
        Ok(beats) => beats,
        Err(error) => return without(error),
    };
    let foreign = beats.iter().filter(|beat| beat.server_id != facts.server_id);
    if let (Some(beat), false) = (foreign.min_by_key(|beat| beat.age_us), facts.channels.is_empty()) {
        facts.heartbeat_ms = Some(beat.age_us / 1000);
        facts.heartbeat_from = Some(beat.server_id);
    }
    Ok(true)
}

fn lastcheck(session: &mut Session, facts: &mut NodeFacts) -> Asked<()> {
    let at = session.last_check().or_else(without)?;
    let clock_s = facts.clock_ms.unwrap_or(0).saturating_add(wall_ms(Instant::now())) / 1000;
    facts.lastcheck_s = at.map(|at| u64::try_from(clock_s).unwrap_or(0).saturating_sub(at));
    Ok(())
}

/// What a failed look says about the server.
pub fn reach(phase: Phase, error: &ServerError) -> Reach {
    let opening = phase == Phase::Opening;
    match (error.code, error.wire, error.fault) {
        (Some(1129), _, _) => Reach::HostBlocked,
        (Some(1040 | 1203), _, _) => Reach::TooMany,
        (Some(1053), _, _) => Reach::Refused,
        (_, _, Fault::Refused) => Reach::AuthFailed,
        (_, _, Fault::UnknownHost) => Reach::HostUnknown,
        (_, _, Fault::Tls) => Reach::Tls,
        (_, Some(Wire::Refused), _) => Reach::Refused,
        (_, Some(Wire::NoAnswer), _) => Reach::NoAnswer,
        (_, Some(Wire::Silent), _) => {
            if opening {
                Reach::HandshakeStalled
            } else {
                Reach::QueryStalled
            }
        }
        (_, Some(Wire::Broken), _) => {
            if opening {
                Reach::HandshakeBroken
            } else {
                Reach::Refused
            }
        }
        (_, _, Fault::Timeout) => Reach::QueryStalled,
        (None, None, _) if opening => Reach::HandshakeBroken,
        _ => Reach::ServerError,
    }
}
