//! What was seen of the nodes: [`Facts`], [`NodeFacts`], [`ChannelFacts`].
//!
//! Facts are plain values that can be recorded as named fields and read back, so
//! that any verdict can be derived again. Invariant: what could not be asked is
//! absent, never a default that looks like an answer.

use std::fmt;
use vouch_report::health::State;

/// How the last look at a node ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// It has not ended for the first time yet.
    #[default]
    NotYet,
    /// Everything that is needed was answered.
    Answers,
    /// Connections are refused, or the open one was closed.
    Refused,
    /// Nothing at the address answers.
    NoAnswer,
    /// The name does not resolve.
    HostUnknown,
    /// The port takes connections and says nothing.
    HandshakeStalled,
    /// What answers is no server, or closes early.
    HandshakeBroken,
    /// A question was not answered in time.
    QueryStalled,
    /// The account is refused.
    AuthFailed,
    /// The probe's host is blocked.
    HostBlocked,
    /// There is no connection left for the probe.
    TooMany,
    /// TLS failed.
    Tls,
    /// The server answered with another error.
    ServerError,
}

impl Reach {
    const NAMES: [(Reach, &'static str); 13] = [
        (Reach::NotYet, "not-yet"),
        (Reach::Answers, "answers"),
        (Reach::Refused, "refused"),
        (Reach::NoAnswer, "no-answer"),
        (Reach::HostUnknown, "host-unknown"),
        (Reach::HandshakeStalled, "handshake-stalled"),
        (Reach::HandshakeBroken, "handshake-broken"),
        (Reach::QueryStalled, "query-stalled"),
        (Reach::AuthFailed, "auth-failed"),
        (Reach::HostBlocked, "host-blocked"),
        (Reach::TooMany, "too-many"),
        (Reach::Tls, "tls"),
        (Reach::ServerError, "server-error"),
    ];
}

/// Whether a thread of replication runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thread {
    /// It runs.
    #[default]
    Yes,
    /// It does not.
    No,
    /// It tries to reach its source.
    Connecting,
}

impl Thread {
    const NAMES: [(Thread, &'static str); 3] =
        [(Thread::Yes, "yes"), (Thread::No, "no"), (Thread::Connecting, "connecting")];
}

/// A field that does not exist, or a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// The value.
    pub value: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be `{}`", self.field, self.value)
    }
}

impl std::error::Error for FieldError {}

/// A value that can be recorded as text.
pub(crate) trait Field: Sized {
    /// The text; `None` when there is nothing to record.
    fn show(&self) -> Option<String>;
    /// The value of a text.
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! plain_fields {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
            fn parse(text: &str) -> Option<Self> {
                vouch_convert::parse(text)
            }
        }
    )*};
}
plain_fields!(u8, u32, u64, i64, bool);

impl Field for String {
    fn show(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.clone())
    }
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl<T: Field> Field for Option<T> {
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Field::show)
    }
    fn parse(text: &str) -> Option<Self> {
        if text == "-" { Some(None) } else { T::parse(text).map(Some) }
    }
}

macro_rules! named_fields {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn show(&self) -> Option<String> {
                <$type>::NAMES.iter().find(|(value, _)| value == self).map(|(_, name)| (*name).to_owned())
            }
            fn parse(text: &str) -> Option<Self> {
                <$type>::NAMES.iter().find(|(_, name)| *name == text).map(|(value, _)| *value)
            }
        }
    )*};
}
named_fields!(Reach, Thread);

impl Field for State {
    fn show(&self) -> Option<String> {
        Some(self.name().to_owned())
    }
    fn parse(text: &str) -> Option<Self> {
        State::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// A plain struct whose fields can be read and set by name.
macro_rules! facts {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* } plus { $($(#[$other_doc:meta])* $other:ident: $other_type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            $($(#[$other_doc])* pub $other: $other_type,)*
        }

        impl $name {
            /// The fields that have a value, by name.
            pub fn fields(&self) -> Vec<(&'static str, String)> {
                use $crate::facts::Field as _;
                let all = [$((stringify!($field), self.$field.show())),*];
                all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
            }

            /// Sets a field by name; `-` makes an optional one absent.
            ///
            /// # Errors
            /// There is no such field, or it cannot have that value.
            pub fn set(&mut self, field: &str, value: &str) -> Result<(), $crate::facts::FieldError> {
                let wrong = || $crate::facts::FieldError { field: field.to_owned(), value: value.to_owned() };
                match field {
                    $(stringify!($field) => self.$field = $crate::facts::Field::parse(value).ok_or_else(wrong)?,)*
                    _ => return Err(wrong()),
                }
                Ok(())
            }
        }
    };
}

pub(crate) use facts;

facts! {
    /// What was seen of one node.
    NodeFacts {
        /// Its name in the pool.
        name: String,
        /// Host or address as the pool knows it.
        host: String,
        /// Port; 0 when it is reached over a socket.
        port: u64,
        /// How many looks have ended.
        round: u64,
        /// When the last look began, on the prober's monotonic clock.
        asked_ms: u64,
        /// How old the facts are.
        age_ms: u64,
        /// How long the last look took.
        took_ms: u64,
        /// How the last look ended.
        reach: Reach,
        /// The server's error number where the look failed.
        errno: u64,
        /// What was said where the look failed.
        error: String,
        /// Whether the admin port had to be used.
        admin_port: bool,
        /// Its version.
        version: String,
        /// `@@server_id`.
        server_id: u64,
        /// `@@server_uuid`; empty on MariaDB.
        uuid: String,
        /// Seconds since it started.
        uptime_s: Option<u64>,
        /// `read_only`.
        read_only: Option<bool>,
        /// `super_read_only`.
        super_read_only: Option<bool>,
        /// `offline_mode`.
        offline_mode: Option<bool>,
        /// Its clock less the prober's, in ms.
        clock_ms: Option<i64>,
        /// All transactions it has.
        executed: String,
        /// Whether the state of replication may not be read.
        replication_denied: bool,
        /// The age of the newest heartbeat of another server, by its own clock.
        heartbeat_ms: Option<i64>,
        /// The server that wrote that heartbeat.
        heartbeat_from: Option<u64>,
        /// Its state in a replication group.
        group_state: Option<String>,
        /// Its role in a replication group.
        group_role: Option<String>,
        /// Whether the group has a majority.
        group_quorum: Option<bool>,
        /// `wsrep_local_state`.
        galera_state: Option<u64>,
        /// Whether it is in Galera's primary component.
        galera_primary: Option<bool>,
        /// Sessions waiting for a semi-synchronous acknowledgement.
        semi_sync_waiting: Option<u64>,
        /// Whether it has no space left.
        disk_full: bool,
        /// Rows that a comparison found to differ.
        drift: Option<u64>,
        /// Why an operator took it out.
        maintenance: Option<String>,
        /// Seconds since `status_example.lastcheck`, by the server's clock.
        lastcheck_s: Option<u64>,
    } plus {
        /// Its replication channels.
        channels: Vec<ChannelFacts>,
    }
}

facts! {
    /// What was seen of one replication channel.
    ChannelFacts {
        /// Its name; empty for the default one.
        channel: String,
        /// Host of its source.
        source_host: String,
        /// Port of its source.
        source_port: u64,
        /// Server uuid of its source; empty on MariaDB.
        source_uuid: String,
        /// Server id of its source; 0 when unknown.
        source_id: u64,
        /// The receiver.
        io: Thread,
        /// The receiver's last error number.
        io_errno: u64,
        /// The receiver's last error.
        io_error: String,
        /// The applier.
        sql: Thread,
        /// The applier's last error number.
        sql_errno: u64,
        /// The applier's last error.
        sql_error: String,
        /// The server's own figure of seconds behind.
        behind_s: Option<u64>,
        /// How long ago the transaction in the applier was committed on the source, by the replica's clock.
        applier_ms: Option<i64>,
        /// Delay on purpose.
        delay_s: u64,
        /// Whether all that was received has been applied.
        drained: Option<bool>,
        /// Bytes that were received and not applied.
        backlog_bytes: Option<u64>,
        /// Transactions that were received and not applied; absent without GTIDs.
        backlog_trx: Option<u64>,
    } plus {}
}

/// What was seen of all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Now, on the prober's monotonic clock.
    pub at_ms: u64,
    /// The nodes, in the order in which they were given.
    pub nodes: Vec<NodeFacts>,
}

impl NodeFacts {
    /// Whether the last look succeeded, so that what it saw is current.
    pub fn answers(&self) -> bool {
        self.reach == Reach::Answers
    }

    /// Whether the server takes writes from ordinary clients; `None` when not known.
    pub fn writable(&self) -> Option<bool> {
        let barred = [self.read_only, self.super_read_only, self.offline_mode];
        self.read_only.map(|_| barred.iter().all(|flag| *flag != Some(true)))
    }

    /// Who the node is and what it replicates from: what stays known when it does not answer.
    pub fn identity(&self) -> NodeFacts {
        let channel = |channel: &ChannelFacts| ChannelFacts {
            channel: channel.channel.clone(),
            source_host: channel.source_host.clone(),
            source_port: channel.source_port,
            source_uuid: channel.source_uuid.clone(),
            source_id: channel.source_id,
            ..ChannelFacts::default()
        };
        NodeFacts {
            name: self.name.clone(),
            host: self.host.clone(),
            port: self.port,
            version: self.version.clone(),
            server_id: self.server_id,
            uuid: self.uuid.clone(),
            channels: self.channels.iter().map(channel).collect(),
            ..NodeFacts::default()
        }
    }

    /// Whether a channel replicates from this node.
    pub fn is(&self, channel: &ChannelFacts) -> bool {
        let by_uuid = !self.uuid.is_empty() && self.uuid == channel.source_uuid;
        let by_id = self.uuid.is_empty() && self.server_id != 0 && self.server_id == channel.source_id;
        let by_place = self.port != 0 && self.host == channel.source_host && self.port == channel.source_port;
        by_uuid || by_id || by_place
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_read_back_as_they_were() {
        let mut facts = NodeFacts { name: "db1".into(), reach: Reach::AuthFailed, ..NodeFacts::default() };
        facts.read_only = Some(true);
        facts.clock_ms = Some(-3);
        let mut copy = NodeFacts::default();
        facts.fields().iter().for_each(|(name, value)| copy.set(name, value).unwrap());
        assert_eq!(copy, facts);
        copy.set("clock_ms", "-").unwrap();
        assert_eq!(copy.clock_ms, None);
        assert!(copy.set("reach", "nonsense").is_err() && copy.set("nonsense", "1").is_err());
    }
}
