//! What is looked at before anything is written, since a statement that fails or
//! is dropped on a replica does harm there: refusals, each with the way out.

use super::options::ChecksumOptions;
use crate::preflight::{Facts, Relation};
use crate::refusal::refuse_server;
use crate::servers::{Joined, Servers};
use vouch_report::Refusal;
use vouch_server::{Capability, Fault, Flavor, ReplicaStatus, ServerError};

const WAY_OUT: &str = "vouch compare needs neither a binlog format nor a table of its own";

/// Refuses a source whose statements would reach nobody.
///
/// # Errors
/// A refusal that names the setting.
pub fn source(servers: &Servers) -> Result<(), Refusal> {
    let name = servers.source.target.name();
    match servers.source_facts.setting("log_bin") {
        "ON" | "1" => Ok(()),
        _ => Err(Refusal::usage(format!("{name} writes no binlog, so nothing would replicate"), WAY_OUT)),
    }
}

/// Refuses replicas that would compute other values from the same rows.
///
/// # Errors
/// A refusal that names the first such replica.
pub fn alike(servers: &Servers) -> Result<(), Refusal> {
    let source = &servers.source_facts;
    let wide = |facts: &Facts| facts.identity.capabilities.has(Capability::WideBitXor);
    let other = |joined: &&Joined| joined.facts.flavor() != source.flavor() || wide(&joined.facts) != wide(source);
    match servers.replicas.iter().find(other) {
        None => Ok(()),
        Some(joined) => Err(Refusal::usage(
            format!(
                "{} is {} {}, which computes other checksums from the same rows than {} {}",
                joined.dial.target.name(),
                joined.facts.flavor().name(),
                joined.facts.identity.version,
                source.flavor().name(),
                source.identity.version
            ),
            WAY_OUT,
        )),
    }
}

/// Refuses replicas whose filters might drop the statements, or let them through for
/// tables that they keep out.
///
/// # Errors
/// A refusal that names the first such replica.
pub fn filters(servers: &Servers, options: &ChecksumOptions) -> Result<(), Refusal> {
    if !options.checks.replication_filters {
        return Ok(());
    }
    for joined in &servers.replicas {
        if joined.facts.channels.is_none() {
            return Err(Refusal::usage(
                format!("{} does not let the account see whether it filters replication", joined.dial.target.name()),
                "grant REPLICATION CLIENT (SLAVE MONITOR on MariaDB) there, or say --no-check-replication-filters if \
                 you know that it does not",
            ));
        }
        let filtering = joined.facts.channels().iter().find(|channel| !channel.filters.is_empty());
        if let Some(channel) = filtering {
            return Err(Refusal::usage(
                format!("{} filters replication: {}", joined.dial.target.name(), channel.filters),
                "a filter may drop the statement or break replication; say --no-check-replication-filters if it \
                 does neither, or use vouch compare",
            ));
        }
    }
    Ok(())
}

/// Which replicas get copies of another replica's checksums, since a server before
/// them logs as rows what it applies as statements.
///
/// # Errors
/// A refusal that names the first of them, unless that is not to be checked.
pub fn by_rows(servers: &Servers, options: &ChecksumOptions) -> Result<Vec<bool>, Refusal> {
    let copies = copies(servers);
    for (joined, why) in servers.replicas.iter().zip(&copies) {
        if let Some(why) = why.as_ref().filter(|_| options.checks.binlog_format) {
            return Err(Refusal::usage(
                format!("{} would not compute checksums of its own: {why}", joined.dial.target.name()),
                format!(
                    "set binlog_format=STATEMENT on every server that others replicate from, leave the replica out \
                     with --recurse 1, or use vouch compare: {WAY_OUT}"
                ),
            ));
        }
    }
    Ok(copies.iter().map(Option::is_some).collect())
}

/// Why each replica gets copies, by the settings of the servers before it; `None` when it does not.
pub fn copies(servers: &Servers) -> Vec<Option<String>> {
    servers.replicas.iter().map(|joined| copies_of(joined, servers, servers.replicas.len())).collect()
}

/// Why a replica gets copies; `None` when it does not. `levels` bounds the way up.
fn copies_of(joined: &Joined, servers: &Servers, levels: usize) -> Option<String> {
    if joined.relation != Relation::Indirect {
        return None;
    }
    let above = servers.replicas.iter().find(|other| replicates_from(&joined.facts, &other.facts));
    let Some(above) = above.filter(|_| levels > 0) else {
        return Some("the server that it replicates from is not among the replicas".to_owned());
    };
    let format = above.facts.setting("binlog_format");
    if format != "STATEMENT" {
        return Some(format!("{} logs what it applies with binlog_format={format}", above.dial.target.name()));
    }
    copies_of(above, servers, levels.saturating_sub(1))
}

fn replicates_from(replica: &Facts, other: &Facts) -> bool {
    let from = |channel: &ReplicaStatus| match other.flavor() {
        Flavor::Mysql => channel.source_uuid == other.identity.uuid,
        Flavor::Mariadb => channel.source_id == other.identity.server_id,
    };
    replica.channels().iter().any(from)
}

/// A source that does not let the account write as it must.
pub fn cannot_write(error: &ServerError) -> Refusal {
    match error.fault {
        Fault::Denied | Fault::Unsupported | Fault::Other => Refusal::usage(
            format!("the source does not let the account write checksums in statement format: {error}"),
            format!(
                "grant SESSION_VARIABLES_ADMIN (BINLOG ADMIN on MariaDB) and CREATE, INSERT, UPDATE and DELETE on the \
                 replicate table; or use vouch compare: {WAY_OUT}"
            ),
        ),
        _ => refuse_server("source", error),
    }
}
