//! Taking a manifest of a server: [`create`].

use crate::assembly::Assembly;
use crate::connect::Connector;
use crate::definition;
use crate::options::{CreateOptions, HiddenTables};
use crate::pool::{Abort, Pool, Renew};
use crate::refusal::refuse_server;
use crate::request::{DefinitionForm, Reading, Request, Slice};
use crate::snapshot;
use crate::split;
use std::sync::Arc;
use vouch_convert::{millis, parse, widen};
use vouch_manifest::{
    Class, Exclude, Kind, Manifest, Method, ObjectFacts, ServerFacts, TableDigest, TableFacts, fresh_id, matches,
};
use vouch_report::{Code, Event, Notice, Refusal, RefusalKind, RunContext};
use vouch_server::{Databases, Hidden, Session, TableEntry};

/// Reads every table that is wanted, all in one snapshot, and says what they were.
///
/// # Errors
/// A [`Refusal`] when any of them could not be read: a manifest that lacks a table would prove too little.
pub fn create(options: &CreateOptions, context: &RunContext) -> Result<Manifest, Refusal> {
    let asked = |error: vouch_server::ServerError| refuse_server(&error);
    let connector = Connector::new(&options.target, &options.effort, context);
    let mut control = connector.brisk().open().map_err(asked)?;
    let listed = control.tables().map_err(asked)?;
    hidden(&mut control, &listed, options, context)?;
    let wanted = choose(&listed, options)?;
    let mut sessions = open(&connector, options.effort.workers.min(wanted.tables.len()))?;
    let position = snapshot::open_all(&mut control, &mut sessions, options.snapshot_timeout, context).map_err(asked)?;
    let position = position.ok_or_else(|| {
        Refusal::new(
            Code::PositionRefused,
            "no moment was found at which all workers see the same, so much is written",
            "take it of a replica whose applier is stopped; or grant BACKUP_ADMIN, use fewer --workers, or raise \
             --snapshot-timeout",
        )
    })?;
    let objects = objects(&mut control, &wanted, kind(options), context)?;
    let server = server(&mut control).map_err(asked)?;
    let plan = plan(&mut control, &wanted.tables, options).map_err(asked)?;
    let registry = Arc::clone(&connector.registry);
    let readings = read(&wanted.tables, plan, sessions, connector, options, context)?;
    if let Some(error) = registry.moved() {
        return Err(refuse_server(&error));
    }
    let created_ms = (context.now_ms)();
    let id = fresh_id(created_ms).ok_or_else(|| {
        Refusal::new(Code::UsageRefused, "the system has no randomness for an id", "look at the system")
    })?;
    Ok(Manifest {
        kind: kind(options),
        id,
        serial: options.serial,
        created_ms,
        expires_ms: options.valid_for.map(|time| created_ms.saturating_add(millis(time))),
        tool: options.tool.clone(),
        cluster: options.cluster.clone(),
        server: Some(server),
        backup: None,
        position: Some(position),
        tables: wanted.tables.iter().zip(readings).map(|(chosen, reading)| facts(chosen, reading, options)).collect(),
        objects,
        excludes: wanted.excludes,
    })
}

/// Refuses an account from which tables may be hidden that belong in the manifest: it would lack them.
fn hidden(
    control: &mut Session,
    listed: &[TableEntry],
    options: &CreateOptions,
    context: &RunContext,
) -> Result<(), Refusal> {
    let databases = databases(listed, options);
    let takes_part = |database: &str| !is_ignored(database, options);
    let hidden = control.hidden_tables(match &databases {
        Some(databases) => Databases::Named(databases),
        None => Databases::Matching(&takes_part),
    });
    let hidden = hidden.map_err(|error| refuse_server(&error))?;
    let Some(first) = hidden.first() else { return Ok(()) };
    let place = match first {
        Hidden::In(database) => database.as_str(),
        Hidden::InOthers => "other databases",
        Hidden::Unknown(why) => why.as_str(),
    };
    let more = match hidden.len() {
        1 => String::new(),
        places => format!(" and {} more places", places.saturating_sub(1)),
    };
    let message = format!("tables hidden by privileges may exist in {place}{more}");
    if options.hidden_tables == HiddenTables::Accepted {
        context.sink.emit(&Event::Notice(Notice { code: Code::HiddenAccepted, server: None, message }));
        return Ok(());
    }
    let hint = "grant SELECT there, or name the tables with --tables, or pass --accept-hidden-tables; \
                nothing was written";
    Err(Refusal::new(Code::TablesHidden, message, hint).of_kind(RefusalKind::Unreachable))
}

/// The databases in which tables that are not listed could take part; `None` for all.
fn databases(listed: &[TableEntry], options: &CreateOptions) -> Option<Vec<String>> {
    let mut databases = Vec::new();
    for pattern in &options.tables {
        // A table that is named in full and listed is no matter of privileges any more.
        if listed.iter().any(|entry| entry.name.to_string() == *pattern) {
            continue;
        }
        let (database, _) = pattern.split_once('.').filter(|(database, _)| !database.contains(['*', '?']))?;
        if !is_ignored(database, options) {
            databases.push(database.to_owned());
        }
    }
    (!options.tables.is_empty()).then_some(databases)
}

fn is_ignored(database: &str, options: &CreateOptions) -> bool {
    options.ignore_tables.contains(&format!("{database}.*"))
}

/// A table and what is to be held against it.
struct Chosen {
    entry: TableEntry,
    class: Class,
}

/// What is to be in a manifest.
struct Wanted {
    tables: Vec<Chosen>,
    excludes: Vec<Exclude>,
}

fn choose(listed: &[TableEntry], options: &CreateOptions) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted { tables: Vec::new(), excludes: Vec::new() };
    for (pattern, reason) in options.volatile.iter().chain(&options.schema_only) {
        wanted.excludes.push(Exclude { pattern: pattern.clone(), reason: reason.clone() });
    }
    for pattern in &options.ignore_tables {
        wanted.excludes.push(Exclude { pattern: pattern.clone(), reason: "left out by --ignore-tables".to_owned() });
    }
    for entry in listed.iter().filter(|entry| entry.is_base) {
        let name = entry.name.to_string();
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, &name));
        let named = |patterns: &[(String, String)]| patterns.iter().any(|(pattern, _)| matches(pattern, &name));
        if any(&options.ignore_tables) {
            continue;
        }
        if !options.tables.is_empty() && !any(&options.tables) {
            wanted.excludes.push(Exclude { pattern: name, reason: "not among --tables".to_owned() });
            continue;
        }
        let class = match (named(&options.volatile), named(&options.schema_only)) {
            (true, _) => Class::Volatile,
            (_, true) => Class::SchemaOnly,
            _ => Class::Verify,
        };
        wanted.tables.push(Chosen { entry: entry.clone(), class });
    }
    // What was left out of databases that are not in it at all needs no word.
    let schemas: Vec<&str> = wanted.tables.iter().map(|chosen| chosen.entry.name.database.as_str()).collect();
    wanted.excludes.retain(|exclude| {
        exclude.reason != "not among --tables"
            || schemas.iter().any(|schema| exclude.pattern.starts_with(&format!("{schema}.")))
    });
    match wanted.tables.iter().any(|chosen| chosen.class == Class::Verify) {
        true => Ok(wanted),
        false => Err(Refusal::new(
            Code::UsageRefused,
            "no table is left to be verified",
            "check --tables and --ignore-tables, and the account's SELECT privilege",
        )),
    }
}

fn open(connector: &Connector, workers: usize) -> Result<Vec<Session>, Refusal> {
    let mut sessions = vec![connector.open().map_err(|error| refuse_server(&error))?];
    while sessions.len() < workers {
        match connector.open_once() {
            Ok(session) => sessions.push(session),
            Err(_) => break,
        }
    }
    Ok(sessions)
}

fn server(control: &mut Session) -> vouch_server::Result<ServerFacts> {
    let lower_case = control.variable("lower_case_table_names")?.and_then(parse).unwrap_or(0);
    let sql_mode = control.variable("sql_mode")?.unwrap_or_default();
    let identity = control.identity();
    Ok(ServerFacts {
        uuid: identity.uuid.clone(),
        id: identity.server_id,
        version: identity.version.clone(),
        flavor: identity.flavor.name().to_owned(),
        lower_case_table_names: lower_case,
        sql_mode,
    })
}

/// The version of the manifest that these options make.
fn kind(options: &CreateOptions) -> Kind {
    if options.method == Method::RowSha256Tree { Kind::V2 } else { Kind::V1 }
}

fn objects(
    control: &mut Session,
    wanted: &Wanted,
    kind: Kind,
    context: &RunContext,
) -> Result<Vec<ObjectFacts>, Refusal> {
    let listed = control.objects().map_err(|error| refuse_server(&error))?;
    let mut objects = Vec::new();
    for one in listed.iter().filter(|one| wanted.tables.iter().any(|chosen| chosen.entry.name.database == one.database))
    {
        let Some(definition_digest) = definition::of_object_in(kind, one) else {
            let message =
                format!("the account may not see how the {} {}.{} is defined", one.kind, one.database, one.name);
            context.sink.emit(&Event::Notice(Notice { code: Code::ObjectUnseen, server: None, message }));
            continue;
        };
        let (kind, schema, name) = (one.kind.clone(), one.database.clone(), one.name.clone());
        objects.push(ObjectFacts { kind, schema, name, definition_digest });
    }
    Ok(objects)
}

/// The slices in which each table is read.
fn plan(control: &mut Session, tables: &[Chosen], options: &CreateOptions) -> vouch_server::Result<Vec<Vec<Slice>>> {
    let slices = |chosen: &Chosen| match (options.method, chosen.class) {
        (Method::RowSha256Tree, Class::Verify) => {
            split::slices(control, &chosen.entry, options.effort.workers, options.range_rows)
        }
        _ => Ok(vec![Slice::whole(options.range_rows)]),
    };
    tables.iter().map(slices).collect()
}

/// A request for each slice of a table.
fn requests(chosen: &Chosen, slices: Vec<Slice>, options: &CreateOptions) -> Vec<Request> {
    let bytes = chosen.entry.bytes / widen(slices.len().max(1));
    let request = |(number, slice)| Request {
        name: chosen.entry.name.clone(),
        bytes,
        method: Some(options.method).filter(|_| chosen.class == Class::Verify),
        fold: None,
        slice,
        definition: DefinitionForm::of(kind(options)).only_if(number == 0),
        count: options.count_rows,
    };
    slices.into_iter().enumerate().map(request).collect()
}

fn read(
    tables: &[Chosen],
    plan: Vec<Vec<Slice>>,
    sessions: Vec<Session>,
    connector: Connector,
    options: &CreateOptions,
    context: &RunContext,
) -> Result<Vec<Reading>, Refusal> {
    let mut assembly = Assembly::new(&plan.iter().map(Vec::len).collect::<Vec<_>>());
    let requests: Vec<Request> =
        tables.iter().zip(plan).flat_map(|(chosen, slices)| requests(chosen, slices, options)).collect();
    context.sink.emit(&Event::Planned { tables: widen(tables.len()), rows: 0, replicas: 1 });
    let renew: Renew = Arc::new(|_: &mut Session| Err("the connection was lost, and the snapshot with it".to_owned()));
    let mut readings: Vec<Option<Reading>> = vec![None; tables.len()];
    let mut failed = Vec::new();
    let pool = Pool::start(requests, sessions, connector, &options.effort, context, Some(renew));
    let ended = pool.finish(|answer| {
        let Some(answer) = assembly.take(answer) else { return };
        let name = tables.get(answer.index).map(|chosen| chosen.entry.name.to_string()).unwrap_or_default();
        match answer.result {
            Ok(Reading { unlike: Some(why), .. }) => failed.push(format!("{name}: {why}")),
            Ok(reading) => {
                if let Some(slot) = readings.get_mut(answer.index) {
                    *slot = Some(reading);
                }
            }
            Err((_, why)) => failed.push(format!("{name}: {why}")),
        }
        context.sink.emit(&Event::TableFinished { table: name });
    });
    if let Some(Abort::Stopped(_)) = ended.abort {
        return Err(unread("the run was stopped"));
    }
    match (failed.first(), failed.len()) {
        (None, _) => Ok(readings.into_iter().flatten().collect()),
        (Some(first), 1) => Err(unread(&format!("a table could not be read: {first}"))),
        (Some(first), count) => Err(unread(&format!("{count} tables could not be read, the first of them {first}"))),
    }
}

fn unread(message: &str) -> Refusal {
    let hint = "leave tables out on purpose with --ignore-tables or --volatile; nothing was written";
    Refusal::new(Code::TableFailed, message, hint).of_kind(RefusalKind::Unreachable)
}

fn facts(chosen: &Chosen, reading: Reading, options: &CreateOptions) -> TableFacts {
    TableFacts {
        schema: chosen.entry.name.database.clone(),
        name: chosen.entry.name.table.clone(),
        engine: chosen.entry.engine.clone(),
        rows: reading.rows,
        digest: Some(TableDigest { method: reading.method.unwrap_or(options.method), value: reading.value })
            .filter(|_| chosen.class == Class::Verify),
        definition_digest: reading.definition_digest,
        class: chosen.class,
        row_facts: reading.row_facts,
    }
}
