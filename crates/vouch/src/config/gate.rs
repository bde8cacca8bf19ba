//! The typed options of the gate and of making manifests.

use super::addresses::{self, redacted};
use super::layers::Origins;
use super::secret;
use crate::cli::manifest::{CreateArgs, Method};
use crate::cli::validate::{EffortArgs, Extra, GateArgs, OneServerArgs, TrustArgs, ValidateArgs};
use crate::complaint::Complaint;
use crate::environment::Environment;
use std::path::PathBuf;
use vouch_convert::unix_time;
use vouch_manifest::GateConfig;
use vouch_server::{Defaults, Target};
use vouch_validate::{CreateOptions, Effort, ExtraPolicy, Gate, HiddenTables, ValidateOptions};

/// Most workers unless it is said otherwise.
const WORKERS_MAX: usize = 8;

/// A server, and what the user should know about the way its address was taken.
pub struct Server {
    /// The server.
    pub target: Target,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Makes a target of the address. `ask` asks for a password when that is wanted.
///
/// # Errors
/// No address, or one that is wrong.
pub fn server(
    args: &OneServerArgs,
    origins: &Origins,
    variables: &Environment,
    ask: impl FnOnce(&str) -> Result<String, Complaint>,
) -> Result<Server, Complaint> {
    let request = variables.connection_defaults(args.defaults_file.clone(), args.defaults_group_suffix.clone());
    let defaults = Defaults::load(&request)?;
    let mut warnings = defaults.warnings().to_vec();
    let address = args.server.as_deref().ok_or_else(|| {
        Complaint::usage("no server is given").hint("name it with --server mysql://user@host:3306/, or in vouch.toml")
    })?;
    let mut target = addresses::one("server", address, &defaults, origins, variables, &mut warnings)?;
    if args.ask_password && !target.has_password() {
        let password = ask(&format!("Password of {}: ", target.name()))?;
        target = target.with_password(&password);
    }
    Ok(Server { target, warnings })
}

/// Makes a target of the configuration of the two-file form.
///
/// # Errors
/// A secret that is not set, or an address that is wrong.
pub fn configured(config: &GateConfig, variables: &Environment) -> Result<Target, Complaint> {
    let expand = |text: &Option<String>| text.as_ref().map(|text| secret::expand(text, variables)).transpose();
    let mut parts = Vec::new();
    let fields = [("h", &config.host), ("P", &config.port), ("S", &config.socket), ("u", &config.user)];
    for (letter, field) in fields.into_iter().chain([("p", &config.password)]) {
        parts.extend(expand(field)?.map(|value| (letter, value)));
    }
    parts.extend(config.tls.iter().map(|(name, value)| (*name, value.clone())));
    // In a DSN a comma ends a value, unless a backslash stands before it.
    let parts: Vec<String> =
        parts.into_iter().map(|(name, value)| format!("{name}={}", value.replace(',', "\\,"))).collect();
    let defaults = Defaults::load(&variables.connection_defaults(None, None))?;
    Ok(Target::parse(&parts.join(","), &defaults)?)
}

/// How much is asked of the server.
pub fn effort(args: &EffortArgs, cap: Option<u64>) -> Effort {
    let cap = cap.map_or(WORKERS_MAX, |cap| usize::try_from(cap).unwrap_or(WORKERS_MAX));
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    Effort {
        workers: args.workers.map_or_else(|| processors.min(cap), usize::from),
        table_timeout: args.table_timeout,
        run_time: args.run_time,
        lock_wait: args.lock_wait,
        attempts: args.attempts,
        retry_for: args.retry_for,
        max_lag: args.max_lag.0,
        guard: !args.no_guard,
    }
}

/// The options of a gate.
pub fn validate(
    target: Target,
    effort: Effort,
    gate: &GateArgs,
    trust: &TrustArgs,
    key_beside: bool,
) -> ValidateOptions {
    ValidateOptions {
        target,
        effort,
        gate: match (gate.restored, gate.static_only) {
            (true, _) => Gate::Restored,
            (_, true) => Gate::Static,
            _ => Gate::AtPosition,
        },
        wait_timeout: gate.wait_timeout,
        channel: gate.channel.clone(),
        expect_server_uuid: gate.expect_server_uuid.clone(),
        expect_server_id: gate.expect_server_id,
        expect_read_only: gate.expect_read_only,
        extra: match gate.extra {
            Extra::Auto => ExtraPolicy::Auto,
            Extra::Fail => ExtraPolicy::Fail,
            Extra::Ignore => ExtraPolicy::Ignore,
        },
        allow_other_flavor: gate.allow_other_flavor,
        allow_older: trust.allow_older,
        key_beside,
        keep_in: None,
        resume: false,
    }
}

/// The options of taking a manifest.
pub fn create(target: Target, args: &CreateArgs) -> CreateOptions {
    let now = unix_time();
    CreateOptions {
        target,
        effort: effort(&args.effort, None),
        method: match args.method {
            Method::RowSha256Tree => vouch_manifest::Method::RowSha256Tree,
            Method::RowSha256 => vouch_manifest::Method::RowSha256,
            Method::ChecksumTable => vouch_manifest::Method::ChecksumTable,
        },
        range_rows: args.range_rows,
        count_rows: args.count_rows,
        tables: args.tables.clone(),
        ignore_tables: args.ignore_tables.clone(),
        hidden_tables: match args.accept_hidden_tables {
            true => HiddenTables::Accepted,
            false => HiddenTables::Refused,
        },
        volatile: args.volatile.clone(),
        schema_only: args.schema_only.clone(),
        snapshot_timeout: args.snapshot_timeout,
        cluster: args.cluster.clone(),
        serial: args.serial.unwrap_or(now.as_secs()),
        valid_for: args.issue.valid_for,
        tool: format!("vouch {}", env!("CARGO_PKG_VERSION")),
    }
}

/// Where the serials of accepted manifests are kept.
///
/// # Errors
/// There is no home folder, and none was named.
pub fn serials(args: &TrustArgs, variables: &Environment) -> Result<PathBuf, Complaint> {
    Ok(state(args, variables)?.join("serials"))
}

/// Where is kept what one run leaves to the next.
///
/// # Errors
/// There is no home folder, and none was named.
pub fn state(args: &TrustArgs, variables: &Environment) -> Result<PathBuf, Complaint> {
    let own = || variables.folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("vouch"));
    args.state_dir.clone().or_else(own).ok_or_else(|| {
        Complaint::usage("there is no home folder to keep the last serials in").hint("name a folder with --state-dir")
    })
}

/// What a run is about, the same from run to run.
pub fn about(args: &ValidateArgs) -> String {
    match (&args.server.server, args.files.first()) {
        (Some(address), _) => redacted(address),
        (None, Some(config)) => config.canonicalize().unwrap_or_else(|_| config.clone()).display().to_string(),
        (None, None) => "no server".to_owned(),
    }
}
