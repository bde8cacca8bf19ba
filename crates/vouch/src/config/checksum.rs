//! The typed options of replicated checksums, from arguments that are complete.

use super::addresses;
use super::job;
use super::layers::Origins;
use crate::cli::checksum::{
    CheckArgs, ChecksumArgs, ChunkArgs, ExitCodes, FunctionName, PlanArgs, SliceArgs, StatusArgs,
};
use crate::cli::compare::ServerArgs;
use crate::cli::filters::FilterArgs;
use crate::cli::output::OutputArgs;
use crate::complaint::Complaint;
use crate::environment::Environment;
use std::time::Duration;
use vouch_compare::checksum::{Checks, ChecksumOptions, ChunkSizing, Function, Slice};
use vouch_compare::{Filters, ThrottlePolicy};
use vouch_server::TableName;

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Write checksums.
    Write,
    /// Show what would be written.
    Explain,
    /// Read what others wrote.
    Check,
    /// Plan slices of so many bytes.
    Plan(u64),
    /// Show how far the slices have come; what is older than this is stale.
    Status(Duration),
}

/// A piece of work that can be started.
#[derive(Debug)]
pub struct ChecksumJob {
    /// What is to be done.
    pub task: Task,
    /// How.
    pub options: ChecksumOptions,
    /// How it is to be shown.
    pub output: OutputArgs,
    /// What the process ends with.
    pub exit_codes: ExitCodes,
    /// What the user should know about the way the options were taken.
    pub warnings: Vec<String>,
}

/// Asks for a password.
pub type Ask<'a> = &'a dyn Fn(&str) -> Result<String, Complaint>;

/// Makes the options of `vouch checksum`.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn write(
    args: ChecksumArgs,
    origins: &Origins,
    variables: &Environment,
    ask: Ask<'_>,
) -> Result<ChecksumJob, Complaint> {
    let ChecksumArgs { verb: _, servers, filters, table, chunks, throttle, safety, slices, result, output } = args;
    job::check_discovery(&servers)?;
    let task = match (result.explain, result.replicate_check_only) {
        (true, _) => Task::Explain,
        (_, true) => Task::Check,
        _ => Task::Write,
    };
    let retry_for = throttle.retry_for;
    let wait_timeout = throttle.wait_timeout;
    let basis = Basis { servers: &servers, filters, replicate: table.name.replicate, retry_for };
    let (mut options, mut warnings) = basis.options(&output, origins, variables, ask)?;
    let lag_of = safety.check_replica_lag.as_deref();
    options.lag_of = lag_of
        .map(|text| {
            let option = "check-replica-lag";
            addresses::another(&servers, option, text, &options.source, origins, variables, &mut warnings)
        })
        .transpose()?;
    options.where_clause = chunks.where_clause.clone();
    options.create = !table.no_create_replicate_table;
    options.empty = !table.no_empty_replicate_table;
    options.truncate = table.truncate_replicate_table;
    options.database = table.replicate_database;
    options.function = function(chunks.function);
    options.chunk = chunk(&chunks);
    options.throttle = job::throttle_policy(throttle, 1.0);
    options.wait_timeout = wait_timeout;
    options.checks = Checks {
        binlog_format: !safety.no_check_binlog_format,
        replication_filters: !safety.no_check_replication_filters,
        replica_tables: !safety.no_check_replica_tables,
    };
    options.retries = safety.retries;
    options.variables = safety.set_vars;
    options.check = !result.no_replicate_check;
    options.check_retries = result.replicate_check_retries;
    options.resume = result.resume;
    options.slice = slice(slices);
    Ok(ChecksumJob { task, options, output, exit_codes: result.exit_codes, warnings })
}

/// Makes the options of `vouch checksum check`.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn check(
    args: CheckArgs,
    origins: &Origins,
    variables: &Environment,
    ask: Ask<'_>,
) -> Result<ChecksumJob, Complaint> {
    let CheckArgs { servers, filters, table, replicate_check_retries, exit_codes, output } = args;
    job::check_discovery(&servers)?;
    let basis = Basis::new(&servers, filters, table.replicate);
    let (mut options, warnings) = basis.options(&output, origins, variables, ask)?;
    options.check_retries = replicate_check_retries;
    Ok(ChecksumJob { task: Task::Check, options, output, exit_codes, warnings })
}

/// Makes the options of `vouch checksum plan`.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn plan(
    args: PlanArgs,
    origins: &Origins,
    variables: &Environment,
    ask: Ask<'_>,
) -> Result<ChecksumJob, Complaint> {
    let PlanArgs { servers, filters, table, slice_size, output } = args;
    let basis = Basis::new(&servers, filters, table.replicate);
    let (options, warnings) = basis.options(&output, origins, variables, ask)?;
    Ok(ChecksumJob { task: Task::Plan(slice_size), options, output, exit_codes: ExitCodes::Vouch, warnings })
}

/// Makes the options of `vouch checksum status`.
///
/// # Errors
/// The first thing that is wrong or missing, with a hint.
pub fn status(
    args: StatusArgs,
    origins: &Origins,
    variables: &Environment,
    ask: Ask<'_>,
) -> Result<ChecksumJob, Complaint> {
    let StatusArgs { servers, filters, table, max_age, output } = args;
    let basis = Basis::new(&servers, filters, table.replicate);
    let (options, warnings) = basis.options(&output, origins, variables, ask)?;
    Ok(ChecksumJob { task: Task::Status(max_age), options, output, exit_codes: ExitCodes::Vouch, warnings })
}

/// What every one of the commands is given.
struct Basis<'a> {
    servers: &'a ServerArgs,
    filters: FilterArgs,
    replicate: TableName,
    retry_for: Duration,
}

impl<'a> Basis<'a> {
    fn new(servers: &'a ServerArgs, filters: FilterArgs, replicate: TableName) -> Self {
        Basis { servers, filters, replicate, retry_for: Duration::from_secs(30) }
    }

    /// Options with the defaults of what the command does not have.
    fn options(
        self,
        output: &OutputArgs,
        origins: &Origins,
        variables: &Environment,
        ask: Ask<'_>,
    ) -> Result<(ChecksumOptions, Vec<String>), Complaint> {
        let servers = self.servers;
        job::check_reports(&output.report)?;
        let filters = Filters::new(&self.filters.spec())?;
        let mut resolved = addresses::resolve(servers, false, origins, variables)?;
        if servers.ask_password {
            let password = ask(&job::prompt(&resolved))?;
            resolved = addresses::with_password(resolved, &password);
        }
        let options = ChecksumOptions {
            source: resolved.source,
            replicas: resolved.replicas,
            discovery: job::discovery(servers),
            expect_replicas: servers.expect_replicas,
            channel: servers.channel.clone(),
            filters,
            hidden_tables: job::hidden_tables(servers),
            where_clause: None,
            replicate: self.replicate,
            create: false,
            empty: false,
            truncate: false,
            function: Function::Sha2,
            chunk: ChunkSizing {
                time: Duration::from_millis(500),
                rows: FIRST_ROWS,
                fixed: false,
                limit: 2.0,
                index: None,
                index_columns: None,
                check_plan: true,
            },
            throttle: ThrottlePolicy::default(),
            lag_of: None,
            checks: Checks { binlog_format: true, replication_filters: true, replica_tables: true },
            retries: 0,
            database: None,
            check: true,
            check_retries: 1,
            resume: false,
            slice: None,
            variables: Vec::new(),
            wait_timeout: Duration::from_secs(300),
            retry_for: self.retry_for,
        };
        Ok((options, resolved.warnings))
    }
}

/// Rows of the first chunk of a table.
const FIRST_ROWS: u64 = 1000;

fn function(name: FunctionName) -> Function {
    match name {
        FunctionName::Sha2 => Function::Sha2,
        FunctionName::Crc32Percona => Function::Crc32Percona,
    }
}

fn chunk(args: &ChunkArgs) -> ChunkSizing {
    ChunkSizing {
        time: args.chunk_time,
        rows: args.chunk_size.unwrap_or(FIRST_ROWS),
        fixed: args.chunk_size.is_some(),
        limit: args.chunk_size_limit,
        index: args.chunk_index.clone(),
        index_columns: args.chunk_index_columns,
        check_plan: !args.no_check_plan,
    }
}

fn slice(args: SliceArgs) -> Option<Slice> {
    args.modulo.map(|modulo| Slice { modulo, offset: args.offset })
}
