//! The typed options of a comparison, from arguments that are complete.

use super::addresses::{self, Servers};
use super::layers::Origins;
use crate::cli::compare::{
    CompareArgs, Digest, MethodArgs, PairArgs, ProofBy, RunArgs, Schema, ServerArgs, ThrottleArgs,
};
use crate::cli::output::{Format, OutputArgs};
use crate::cli::value::ReportFile;
use crate::complaint::Complaint;
use crate::environment::Environment;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use vouch_compare::{
    ChunkPolicy, CompareOptions, DigestPolicy, Discovery, Filters, HiddenTables, ProofPolicy, SchemaScope, TextPolicy,
    ThrottlePolicy,
};

pub use super::addresses::redacted;

/// A comparison that can be started.
#[derive(Debug)]
pub struct Job {
    /// What is to be compared.
    pub options: CompareOptions,
    /// How it is to be shown.
    pub output: OutputArgs,
    /// What the user should know about the way the options were taken.
    pub warnings: Vec<String>,
}

/// Makes the options of a comparison. `ask` asks for a password when that is wanted.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn compare(
    args: CompareArgs,
    origins: &Origins,
    variables: &Environment,
    ask: impl FnOnce(&str) -> Result<String, Complaint>,
) -> Result<Job, Complaint> {
    let CompareArgs { servers, pair, filters, method, throttle, reading, output, run } = args;
    check_servers(&servers, &pair)?;
    check_format(&output)?;
    check_reports(&output.report)?;
    let chunk = chunk(&method)?;
    let filters = Filters::new(&filters.spec())?;
    let state_dir = state_dir(&run, variables)?;
    let mut resolved = addresses::resolve(&servers, !pair.map.is_empty(), origins, variables)?;
    if servers.ask_password {
        let password = ask(&prompt(&resolved))?;
        resolved = addresses::with_password(resolved, &password);
    }
    let options = CompareOptions {
        source: resolved.source,
        replicas: resolved.replicas,
        discovery: discovery(&servers),
        expect_replicas: servers.expect_replicas,
        replication: !pair.no_replication,
        channel: servers.channel.clone(),
        database_map: pair.map,
        filters,
        hidden_tables: hidden_tables(&servers),
        where_clause: method.where_clause,
        schema: schema(method.schema),
        text: if method.bytes { TextPolicy::Bytes } else { TextPolicy::Text },
        digest: digest(method.digest),
        max_bandwidth: reading.max_bandwidth,
        chunk,
        readers: usize::from(reading.readers),
        wait_timeout: throttle.wait_timeout,
        retry_for: throttle.retry_for,
        throttle: throttle_policy(throttle, reading.busy_share),
        hot_deadline: method.hot_deadline,
        confirm_after: method.confirm_after,
        proof: proof(method.proof),
        show_values: method.show_values,
        max_findings: method.max_findings,
        from_checksums: method.from_checksums,
        state_dir,
        resume: run.resume,
    };
    Ok(Job { options, output, warnings: resolved.warnings })
}

pub(super) fn prompt(servers: &Servers) -> String {
    let user = servers.source.user().map(|user| format!("{user}@")).unwrap_or_default();
    format!("Password of {user}{}: ", servers.source.name())
}

/// What the combination of options leaves nothing to do for.
fn check_servers(args: &ServerArgs, pair: &PairArgs) -> Result<(), Complaint> {
    if args.replica.is_empty() && pair.no_replication {
        return Err(Complaint::usage("--no-replication leaves no replica to find")
            .hint("name the server to hold against the source with --replica"));
    }
    check_discovery(args)?;
    let mut sources = HashSet::new();
    match pair.map.iter().find(|(source, _)| !sources.insert(source)) {
        Some((source, _)) => Err(Complaint::usage(format!("--map names database {source} twice"))
            .hint("a database is held against one other")),
        None => Ok(()),
    }
}

/// Whether any replica is given or may be found.
pub(super) fn check_discovery(args: &ServerArgs) -> Result<(), Complaint> {
    let discovers = args.recursion_method.iter().any(|method| method.0.is_some());
    if args.replica.is_empty() && !discovers {
        return Err(Complaint::usage("no replica is given, and none is to be found")
            .hint("name one with --replica, or leave out --recursion-method none"));
    }
    Ok(())
}

/// Refuses a format that only another command has.
///
/// # Errors
/// It is that of pt-table-checksum or of mysqlbackup.
pub fn check_format(output: &OutputArgs) -> Result<(), Complaint> {
    match output.format {
        Format::Percona => Err(Complaint::usage("--format percona is of vouch checksum").hint("human, json or jsonl")),
        _ => check_files_format(output),
    }
}

/// Refuses the format that is for files alone.
///
/// # Errors
/// It is that of mysqlbackup.
pub fn check_files_format(output: &OutputArgs) -> Result<(), Complaint> {
    match output.format {
        Format::Mysqlbackup => {
            Err(Complaint::usage("--format mysqlbackup is of vouch pages").hint("human, json or jsonl"))
        }
        _ => Ok(()),
    }
}

/// A report that cannot be written is better known before the run than after it.
///
/// # Errors
/// The first whose folder is not there, or that is a folder itself.
pub fn check_reports(reports: &[ReportFile]) -> Result<(), Complaint> {
    for report in reports {
        let folder = report.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() || report.path.is_dir() {
            return Err(Complaint::usage(format!("the report {} cannot be written there", report.path.display()))
                .hint(format!("make the folder {} first, and name a file in it", folder.display())));
        }
    }
    Ok(())
}

fn chunk(args: &MethodArgs) -> Result<ChunkPolicy, Complaint> {
    if args.chunk_rows_min > args.chunk_rows_max {
        let (least, most) = (args.chunk_rows_min, args.chunk_rows_max);
        return Err(Complaint::usage(format!("--chunk-rows-min {least} is above --chunk-rows-max {most}"))
            .hint("lower the one or raise the other"));
    }
    Ok(ChunkPolicy {
        time: args.chunk_time,
        rows_min: args.chunk_rows_min,
        rows_max: args.chunk_rows_max,
        bytes_max: args.chunk_bytes,
        index: args.chunk_index.clone(),
    })
}

pub(super) fn hidden_tables(args: &ServerArgs) -> HiddenTables {
    match args.accept_hidden_tables {
        true => HiddenTables::Accepted,
        false => HiddenTables::Incomplete,
    }
}

pub(super) fn discovery(args: &ServerArgs) -> Discovery {
    Discovery {
        methods: args.recursion_method.iter().filter_map(|method| method.0.clone()).collect(),
        recurse: args.recurse,
        allow: args.allow_discovered.clone(),
    }
}

pub(super) fn throttle_policy(args: ThrottleArgs, busy_share: f64) -> ThrottlePolicy {
    ThrottlePolicy {
        max_lag: args.max_lag.0,
        max_load: args.max_load.into_iter().filter_map(|limit| limit.0).collect(),
        busy_share,
        pause_file: args.pause_file,
        check_interval: args.check_interval,
        run_time: args.run_time,
        windows: args.windows,
    }
}

fn schema(schema: Schema) -> SchemaScope {
    match schema {
        Schema::Off => SchemaScope::Off,
        Schema::Rows => SchemaScope::Rows,
        Schema::Full => SchemaScope::Full,
    }
}

fn digest(digest: Digest) -> DigestPolicy {
    match digest {
        Digest::Auto => DigestPolicy::Auto,
        Digest::Sha2 => DigestPolicy::Sha2,
        Digest::Stream => DigestPolicy::Stream,
        Digest::Crc => DigestPolicy::Crc,
    }
}

fn proof(proof: ProofBy) -> ProofPolicy {
    match proof {
        ProofBy::Auto => ProofPolicy::Auto,
        ProofBy::Lock => ProofPolicy::Lock,
        ProofBy::None => ProofPolicy::None,
    }
}

fn state_dir(args: &RunArgs, variables: &Environment) -> Result<PathBuf, Complaint> {
    let own = || variables.folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("vouch"));
    args.state_dir.clone().or_else(own).ok_or_else(|| {
        Complaint::usage("there is no home folder to keep the state of the run in")
            .hint("name a folder with --state-dir")
    })
}
