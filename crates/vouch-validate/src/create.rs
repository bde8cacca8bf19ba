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
    Class, Exclude, Kind, Manifest, Method, ObjectFacts, PositionFacts, ServerFacts, TableDigest, TableFacts, fresh_id,
    matches,
};
use vouch_report::{
    Code, Command, Coverage, Debt, Event, ExcludedBy, Failure, Item, ItemKind, Outcome, Recorder, Refusal, RefusalKind,
    RunContext, Summary,
};
use vouch_server::{Databases, Hidden, Session, TableEntry};

/// The result of taking a manifest.
#[derive(Debug)]
pub struct Created {
    /// What was owed, and how each item was settled.
    pub summary: Summary,
    /// The manifest, where everything that is owed was read: one that lacks a table would prove too little.
    pub manifest: Option<Manifest>,
}

/// Reads every table that is wanted, all in one snapshot, and notes what they were.
///
/// # Errors
/// A [`Refusal`] when nothing could be read at all.
pub fn create(options: &CreateOptions, context: &RunContext) -> Result<Created, Refusal> {
    let asked = |error: vouch_server::ServerError| refuse_server(&error);
    let mut books = Books::begin(context);
    let connector = Connector::new(&options.target, &options.effort, context);
    let mut control = connector.brisk().open().map_err(asked)?;
    let listed = control.tables().map_err(asked)?;
    let hidden = hidden(&mut control, &listed, options)?;
    books.listing(hidden);
    let wanted = choose(&listed, options)?;
    books.owe(&wanted);
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
    books.position(&position);
    let objects = objects(&mut control, &wanted, options, &books)?;
    let server = server(&mut control).map_err(asked)?;
    let plan = plan(&mut control, &wanted.tables, options).map_err(asked)?;
    let registry = Arc::clone(&connector.registry);
    let tables = read(&wanted.tables, plan, sessions, connector, options, &mut books)?;
    if let Some(error) = registry.moved() {
        return Err(refuse_server(&error));
    }
    let created_ms = (context.now_ms)();
    let id = fresh_id(created_ms).ok_or_else(|| {
        Refusal::new(Code::UsageRefused, "the system has no randomness for an id", "look at the system")
    })?;
    let manifest = Manifest {
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
        tables,
        objects,
        excludes: wanted.excludes,
    };
    let summary = books.finish();
    let manifest = summary.verdict.is_clean().then_some(manifest);
    Ok(Created { summary, manifest })
}

/// The account of a manifest: the list of tables, the position, the rows and the definition of each table, and each
/// object.
struct Books {
    recorder: Recorder,
    listing: Debt,
    position: Debt,
    /// Rows and definition of each table, in the order of the tables.
    tables: Vec<(Debt, Debt)>,
}

impl Books {
    fn begin(context: &RunContext) -> Self {
        let recorder = Recorder::begin(Command::ManifestCreate, context.clone());
        let listing = recorder.owe(Item::new(ItemKind::Listing, "tables"));
        let position = recorder.owe(Item::new(ItemKind::Position, "position of the server"));
        Books { recorder, listing, position, tables: Vec::new() }
    }

    /// Settles the list of tables. `hidden` is what may be missing from it, which an option accepts.
    fn listing(&self, hidden: Option<String>) {
        let outcome = match hidden {
            None => Outcome::verified_by("information_schema"),
            Some(message) => {
                self.recorder.notice(Code::HiddenAccepted, None, message);
                Outcome::excluded_by_option(Code::HiddenAccepted)
            }
        };
        self.recorder.settle(self.listing, outcome);
    }

    fn owe(&mut self, wanted: &Wanted) {
        for name in &wanted.left_out {
            self.recorder.settled(Item::new(ItemKind::Table, name), Outcome::excluded_by_option(Code::FilteredOut));
        }
        for chosen in &wanted.tables {
            let owe = |kind| self.recorder.owe(Item::new(kind, chosen.entry.name.to_string()));
            self.tables.push((owe(ItemKind::Table), owe(ItemKind::Definition)));
        }
    }

    fn position(&self, position: &PositionFacts) {
        let outcome = match position.method.as_str() {
            "none" => Outcome::Excluded { by: ExcludedBy::Kind, code: Code::PositionUnknown },
            method => Outcome::Verified { how: method.to_owned().into(), as_of: position.gtid.clone() },
        };
        self.recorder.settle(self.position, outcome);
    }

    fn object(&self, name: String, seen: bool, options: &CreateOptions) {
        let debt = self.recorder.owe(Item::new(ItemKind::Object, &name));
        let message = format!("the account may not see how the {name} is defined");
        let outcome = match (seen, options.hidden_tables) {
            (true, _) => Outcome::verified_by("definition digest"),
            (false, HiddenTables::Accepted) => {
                self.recorder.notice(Code::HiddenAccepted, None, message);
                Outcome::excluded_by_option(Code::HiddenAccepted)
            }
            (false, HiddenTables::Refused) => {
                let hint = "grant SHOW VIEW, TRIGGER, EVENT and SHOW_ROUTINE, or pass --accept-hidden-tables; nothing \
                            was written";
                self.recorder.error(debt, Failure::new(Code::ObjectUnseen, message).with_hint(hint));
                Outcome::Unproven(Code::ObjectUnseen)
            }
        };
        self.recorder.settle(debt, outcome);
    }

    fn table(&self, index: usize, chosen: &Chosen, facts: &TableFacts) {
        let Some((rows, definition)) = self.tables.get(index) else { return };
        self.recorder.settle(
            *rows,
            match (chosen.class, &facts.digest) {
                (Class::Verify, Some(digest)) => Outcome::verified_by(digest.method.name()),
                (Class::Verify, None) => Outcome::Unproven(Code::TableFailed),
                (Class::Volatile, _) => Outcome::excluded_by_option(Code::Volatile),
                (Class::SchemaOnly, _) => Outcome::excluded_by_option(Code::FilteredOut),
            },
        );
        self.recorder.settle(
            *definition,
            match &facts.definition_digest {
                Some(_) => Outcome::verified_by("definition digest"),
                None => Outcome::Unproven(Code::TableFailed),
            },
        );
    }

    fn failed(&self, index: usize, name: &str, why: &str) {
        let debt = self.tables.get(index).map_or(self.recorder.run(), |(rows, _)| *rows);
        let failure = Failure::new(Code::TableFailed, format!("a table could not be read: {name}: {why}"));
        self.recorder.error(debt, failure.at(Some(name), None).with_hint(LEAVE_OUT));
    }

    fn finish(self) -> Summary {
        self.recorder.finish(Coverage::empty(Command::ManifestCreate))
    }
}

/// Refuses an account from which tables may be hidden that belong in the manifest: it would lack them. Where an
/// option accepts that, returns what may be missing.
fn hidden(control: &mut Session, listed: &[TableEntry], options: &CreateOptions) -> Result<Option<String>, Refusal> {
    let databases = databases(listed, options);
    let takes_part = |database: &str| !is_ignored(database, options);
    let hidden = control.hidden_tables(match &databases {
        Some(databases) => Databases::Named(databases),
        None => Databases::Matching(&takes_part),
    });
    let hidden = hidden.map_err(|error| refuse_server(&error))?;
    let Some(first) = hidden.first() else { return Ok(None) };
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
        return Ok(Some(message));
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
    /// Tables that options leave out.
    left_out: Vec<String>,
}

fn choose(listed: &[TableEntry], options: &CreateOptions) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted { tables: Vec::new(), excludes: Vec::new(), left_out: Vec::new() };
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
            wanted.left_out.push(name);
            continue;
        }
        if !options.tables.is_empty() && !any(&options.tables) {
            wanted.left_out.push(name.clone());
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
    options: &CreateOptions,
    books: &Books,
) -> Result<Vec<ObjectFacts>, Refusal> {
    let listed = control.objects().map_err(|error| refuse_server(&error))?;
    let belongs = |database: &str| wanted.tables.iter().any(|chosen| chosen.entry.name.database == database);
    let mut objects = Vec::new();
    for one in listed.iter().filter(|one| belongs(&one.database)) {
        let digest = definition::of_object_in(kind(options), one);
        books.object(format!("{} {}.{}", one.kind, one.database, one.name), digest.is_some(), options);
        objects.extend(digest.map(|definition_digest| ObjectFacts {
            kind: one.kind.clone(),
            schema: one.database.clone(),
            name: one.name.clone(),
            definition_digest,
        }));
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
    books: &mut Books,
) -> Result<Vec<TableFacts>, Refusal> {
    let mut assembly = Assembly::new(&plan.iter().map(Vec::len).collect::<Vec<_>>());
    let requests: Vec<Request> =
        tables.iter().zip(plan).flat_map(|(chosen, slices)| requests(chosen, slices, options)).collect();
    books.recorder.emit(&Event::Planned { tables: widen(tables.len()), rows: 0, replicas: 1 });
    let renew: Renew = Arc::new(|_: &mut Session| Err("the connection was lost, and the snapshot with it".to_owned()));
    let mut all: Vec<Option<TableFacts>> = tables.iter().map(|_| None).collect();
    let context = books.recorder.context().clone();
    let pool = Pool::start(requests, sessions, connector, &options.effort, &context, Some(renew));
    let ended = pool.finish(|answer| {
        let Some(answer) = assembly.take(answer) else { return };
        let Some((chosen, slot)) = tables.get(answer.index).zip(all.get_mut(answer.index)) else { return };
        let name = chosen.entry.name.to_string();
        match answer.result {
            Ok(Reading { unlike: Some(why), .. }) | Err((_, why)) => books.failed(answer.index, &name, &why),
            Ok(reading) => {
                let facts = facts(chosen, reading, options);
                books.table(answer.index, chosen, &facts);
                *slot = Some(facts);
            }
        }
        books.recorder.emit(&Event::TableFinished { table: name });
    });
    if let Some(Abort::Stopped(_)) = ended.abort {
        let refusal = Refusal::new(Code::TableFailed, "the run was stopped", LEAVE_OUT);
        return Err(refusal.of_kind(RefusalKind::Unreachable));
    }
    // One that was not read has settled nothing, so there will be no manifest.
    Ok(all.into_iter().flatten().collect())
}

/// What to do about a table that cannot be read.
const LEAVE_OUT: &str = "leave tables out on purpose with --ignore-tables or --volatile; nothing was written";

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
