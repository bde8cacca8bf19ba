//! The typed plan of a watch, from arguments that are complete.

use super::addresses;
use super::layers::Origins;
use crate::cli::probe::{Delayed, NodeArgs, OnDrift, OnUnknown, PolicyArgs, Shape, WatchArgs, YesNo};
use crate::complaint::{Complaint, cause};
use crate::environment::Environment;
use crate::terminal::say;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vouch_convert::millis;
use vouch_probe::Policy;
use vouch_probe::collect::NodeSpec;
use vouch_probe::maintenance::{Maintenance, Window};
use vouch_probe::policy;
use vouch_probe::watch::{DriftSource, Plan};
use vouch_server::{Defaults, Target};

/// What is to be watched, and what the user should know about how it was taken.
pub struct Watched {
    /// The plan.
    pub plan: Plan,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Makes the plan.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn plan(args: &WatchArgs, origins: &Origins, variables: &Environment) -> Result<Watched, Complaint> {
    let mut warnings = Vec::new();
    let mut nodes = nodes(&args.nodes, origins, variables, &mut warnings)?;
    let own = member(&mut nodes, "self", args.nodes.own.as_deref(), args, origins, variables, &mut warnings)?;
    let peer = member(&mut nodes, "peer", args.nodes.peer.as_deref(), args, origins, variables, &mut warnings)?;
    if nodes.is_empty() {
        return Err(Complaint::usage("no node is given")
            .hint("name each with --node NAME=mysql://user@host:3306/, or in vouch.toml"));
    }
    let shape = shape(args.nodes.policy, own.clone(), peer)?;
    if shape != policy::Shape::Pool {
        nodes.iter_mut().for_each(|node| node.lastcheck = true);
    }
    let drift = args.policy.drift.clone().map(drift_source).transpose()?;
    let plan = Plan {
        nodes,
        policy: policy(&args.policy, shape)?,
        interval: args.policy.interval,
        deadline: args.policy.deadline,
        own,
        maintenance: maintenance(&args.policy),
        drift,
    };
    Ok(Watched { plan, warnings })
}

/// The policy alone, for facts that were recorded.
///
/// # Errors
/// Thresholds that contradict each other.
pub fn policy_alone(args: &WatchArgs, names: &[String]) -> Result<Policy, Complaint> {
    let known = |name: &Option<String>, otherwise: &str| {
        let given = name.clone().filter(|name| names.contains(name));
        given.or_else(|| names.iter().find(|name| *name == otherwise).cloned())
    };
    policy(&args.policy, shape(args.nodes.policy, known(&args.nodes.own, "self"), known(&args.nodes.peer, "peer"))?)
}

fn shape(shape: Shape, own: Option<String>, peer: Option<String>) -> Result<policy::Shape, Complaint> {
    match (shape, own, peer) {
        (Shape::Pool, _, _) => Ok(policy::Shape::Pool),
        (Shape::ActivePassive, Some(own), Some(peer)) if own != peer => Ok(policy::Shape::ActivePassive { own, peer }),
        (Shape::ActivePassive, _, _) => Err(Complaint::usage("a pair needs two servers")
            .hint("name them with --self and --peer, by a --node's name or by address")),
    }
}

fn nodes(
    args: &NodeArgs,
    origins: &Origins,
    variables: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Vec<NodeSpec>, Complaint> {
    let mut nodes: Vec<NodeSpec> = Vec::new();
    for text in &args.node {
        let (name, address) = split(text);
        let target = target("node", address, args, origins, variables, warnings)?;
        let name = name.map_or_else(|| target.name().to_owned(), str::to_owned);
        if nodes.iter().any(|node| node.name == name) {
            return Err(
                Complaint::usage(format!("the node {name} is given twice")).hint("give each node a name of its own")
            );
        }
        nodes.push(spec(name, target, args));
    }
    Ok(nodes)
}

/// `name=address`; keys of a DSN have one letter, names of nodes more.
fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, address)) if is_name(name) && !address.is_empty() => (Some(name), address),
        _ => (None, text),
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c)) && (text.len() > 1 || "abcxyz".contains(text))
}

fn spec(name: String, target: Target, args: &NodeArgs) -> NodeSpec {
    NodeSpec { name, target, admin_port: args.admin_port, heartbeat: args.heartbeat_table.clone(), lastcheck: false }
}

fn target(
    option: &str,
    address: &str,
    args: &NodeArgs,
    origins: &Origins,
    variables: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Target, Complaint> {
    let request = variables.connection_defaults(args.defaults_file.clone(), args.defaults_group_suffix.clone());
    let defaults = Defaults::load(&request)?;
    addresses::one(option, address, &defaults, origins, variables, warnings)
}

/// The node that `--self` or `--peer` means. An address that is no node's name makes one.
fn member(
    nodes: &mut Vec<NodeSpec>,
    option: &str,
    given: Option<&str>,
    args: &WatchArgs,
    origins: &Origins,
    variables: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, Complaint> {
    let Some(given) = given else { return Ok(None) };
    if nodes.iter().any(|node| node.name == given) {
        return Ok(Some(given.to_owned()));
    }
    if !given.contains([':', '=', '/', '@', '.', '[']) {
        return Err(
            Complaint::usage(format!("--{option} {given} is no node's name")).hint("name it as in --node NAME=ADDRESS")
        );
    }
    let target = target(option, given, &args.nodes, origins, variables, warnings)?;
    nodes.push(spec(option.to_owned(), target, &args.nodes));
    Ok(Some(option.to_owned()))
}

fn policy(args: &PolicyArgs, shape: policy::Shape) -> Result<Policy, Complaint> {
    let return_lag = args.return_lag.unwrap_or(args.max_lag / 2);
    if return_lag > args.max_lag || args.low_lag > args.max_lag && args.max_lag.as_secs() >= 5 {
        return Err(Complaint::usage("--low-lag and --return-lag must not be above --max-lag")
            .hint("lower them, or raise --max-lag"));
    }
    // Facts are late by a look that stalls and the pause after it; what is older is stale.
    let stale_facts = (args.interval + args.deadline) * 4;
    Ok(Policy {
        shape,
        fall: args.fall,
        rise: args.rise,
        dwell_ms: millis(args.dwell),
        hold_ms: millis(args.hold),
        on_unknown: match args.on_unknown {
            OnUnknown::Unknown => policy::OnUnknown::Unknown,
            OnUnknown::Keep => policy::OnUnknown::Keep,
        },
        stale_facts_ms: millis(stale_facts),
        low_lag_ms: millis(args.low_lag.min(args.max_lag)),
        max_lag_ms: millis(args.max_lag),
        return_lag_ms: millis(return_lag),
        max_stale_ms: millis(args.max_stale),
        delayed_ok: args.delayed == Delayed::Ok,
        source_reads: args.source_reads == YesNo::Yes,
        min_ready: args.min_ready,
        warm_up_ms: millis(args.warm_up),
        max_backlog: args.max_backlog,
        on_drift: match args.on_drift {
            OnDrift::Warn => policy::OnDrift::Warn,
            OnDrift::Drain => policy::OnDrift::Drain,
        },
        max_skew_ms: millis(args.max_skew),
        handover_ms: millis(args.handover),
        caught_up_ms: millis(args.caught_up),
    })
}

fn maintenance(args: &PolicyArgs) -> Maintenance {
    let windows = args.maintenance_window.iter().map(|given| Window {
        node: given.node.clone(),
        from: given.window.from,
        to: given.window.to,
    });
    Maintenance::new(args.maintenance_dir.clone(), windows.collect())
}

/// The report is read again and again, since comparisons go on; it must be readable at the start. While it is not,
/// the last one holds: a report that is gone does not take its drift away.
fn drift_source(path: PathBuf) -> Result<DriftSource, Complaint> {
    let last = Mutex::new((read_drift(&path)?, true));
    Ok(Box::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        match read_drift(&path) {
            Ok(drift) => *last = (drift, true),
            Err(problem) if last.1 => {
                last.1 = false;
                say(&problem.to_string());
                say("vouch: until it can be read, the drift that it showed last holds");
            }
            Err(_) => {}
        }
        last.0.clone()
    }))
}

fn read_drift(path: &Path) -> Result<BTreeMap<String, u64>, Complaint> {
    let complain = |problem: String| {
        Complaint::usage(format!("the report {} could not be read: {problem}", path.display()))
            .hint("name a file that `vouch compare --report FILE.json` wrote")
    };
    let text = std::fs::read_to_string(path).map_err(|error| complain(cause(&error)))?;
    vouch_render::json::health::drift_of(&text).map_err(complain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The daemon forgot all drift as soon as the report could not be read, as while it is being written: replicas with
    /// wrong rows were healthy again, and took reads.
    #[test]
    fn a_report_that_cannot_be_read_leaves_its_drift_standing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("report.json");
        let report = r#"{"command":"compare","coverage":{"servers":[{"name":"r1","role":"replica"}]},
            "findings":[{"replica":"r1","severity":"error","count":3}]}"#;
        std::fs::write(&path, report)?;
        let drift = drift_source(path.clone()).map_err(|_| "the report is not read")?;
        assert_eq!(drift(), BTreeMap::from([("r1".to_owned(), 3)]));
        std::fs::write(&path, &report[..40])?;
        assert_eq!(drift(), BTreeMap::from([("r1".to_owned(), 3)]));
        std::fs::write(&path, report.replace(":3", ":4"))?;
        assert_eq!(drift(), BTreeMap::from([("r1".to_owned(), 4)]));
        Ok(())
    }

    #[test]
    fn names_are_told_from_addresses() {
        assert_eq!(split("db1=mysql://u@h/"), (Some("db1"), "mysql://u@h/"));
        assert_eq!(split("db1=h=x,P=1"), (Some("db1"), "h=x,P=1"));
        assert_eq!(split("h=x,P=1"), (None, "h=x,P=1"));
        assert_eq!(split("mysql://u@h/?ssl-mode=required"), (None, "mysql://u@h/?ssl-mode=required"));
        assert_eq!(split("a=u@h"), (Some("a"), "u@h"));
    }
}
