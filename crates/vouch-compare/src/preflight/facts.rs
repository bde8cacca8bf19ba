//! What the checks look at, gathered once per server.

use crate::link::Link;
use std::collections::HashMap;
use vouch_server::{Fault, Flavor, Identity, ReplicaStatus, Result};

/// Facts about one server.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What it says it is.
    pub identity: Identity,
    /// Its channels; `None` when they may not be seen.
    pub channels: Option<Vec<ReplicaStatus>>,
    /// Settings by name; those that it does not have are absent.
    pub settings: HashMap<&'static str, String>,
}

/// The settings that the checks ask for, in the words of either flavor.
const SETTINGS: &[&str] = &[
    "read_only",
    "log_replica_updates",
    "log_slave_updates",
    "replica_preserve_commit_order",
    "slave_preserve_commit_order",
    "slave_parallel_mode",
    "wsrep_on",
    "group_replication_group_name",
    "time_zone",
    "system_time_zone",
    "sql_mode",
    "log_bin",
    "binlog_format",
];

impl Facts {
    /// A setting's value; empty when the server does not have it.
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// The flavor.
    pub fn flavor(&self) -> Flavor {
        self.identity.flavor
    }

    /// Its channels; none when they may not be seen.
    pub fn channels(&self) -> &[ReplicaStatus] {
        self.channels.as_deref().unwrap_or_default()
    }
}

/// Gathers the facts of one server.
///
/// # Errors
/// Those of the server; a privilege that is missing is a fact, not an error.
pub fn gather(link: &mut Link<'_>) -> Result<Facts> {
    link.ask(|session| {
        let mut settings = HashMap::new();
        for name in SETTINGS {
            if let Some(value) = session.variable(name)? {
                settings.insert(*name, value);
            }
        }
        let channels = match session.replica_status() {
            Ok(channels) => Some(channels),
            Err(error) if matches!(error.fault, Fault::Denied | Fault::Unsupported) => None,
            Err(error) => return Err(error),
        };
        Ok(Facts { identity: session.identity().clone(), channels, settings })
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use vouch_server::{Capabilities, parse_version};

    /// A healthy replica of that version, for tests of checks.
    pub fn server(version: &str, server_id: u64) -> Facts {
        let (flavor, number) = parse_version(version);
        Facts {
            identity: Identity {
                flavor,
                version: version.to_owned(),
                capabilities: Capabilities::new(flavor, number),
                server_id,
                uuid: format!("uuid-{server_id}"),
                host: format!("host-{server_id}"),
                port: 3306,
                max_allowed_packet: 1 << 24,
            },
            channels: Some(vec![ReplicaStatus {
                source_uuid: "uuid-1".to_owned(),
                source_id: 1,
                receiving: true,
                applying: true,
                behind_s: Some(0),
                ..ReplicaStatus::default()
            }]),
            settings: HashMap::from([("read_only", "ON".to_owned())]),
        }
    }
}
