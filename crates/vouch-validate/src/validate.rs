//! Holding a server against an accepted manifest: [`validate`].

use crate::assembly::Assembly;
use crate::connect::Connector;
use crate::definition;
use crate::events;
use crate::fold;
use crate::kept::{Ground, Kept, Taken};
use crate::ledger::{Definitions, Differing, Ledger};
use crate::options::{ExtraPolicy, Gate, ValidateOptions};
use crate::pool::{Abort, Pool, Renew};
use crate::position;
use crate::read;
use crate::refusal::refuse_server;
use crate::request::{Answer, DefinitionForm, Request, Slice};
use crate::result;
use crate::unchanged::{Changes, Since};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use vouch_convert::widen;
use vouch_manifest::{Accepted, Class, Kind, Manifest, Method, TableFacts, matches};
use vouch_report::{
    CheckStatus, Code, Command, Coverage, Event, ExcludedBy, Failure, Finding, GateCoverage, Outcome, Recorder,
    Refusal, RefusalKind, RunContext, ServerCoverage, ServerRole, Summary, TableCheck,
};
use vouch_server::{Flavor, Session, TableEntry, TableName, parse_version};

/// What is said of a table that --static-only leaves out.
const CHANGED: &str = "it has changed since the manifest's position";

/// Looks at every table of the manifest and says whether it is what the manifest says.
///
/// # Errors
/// A [`Refusal`] when the server is not the one meant, or is not where the manifest holds: no table was looked at.
pub fn validate(accepted: &Accepted, options: &ValidateOptions, context: &RunContext) -> Result<Summary, Refusal> {
    let manifest = accepted.manifest();
    let mut run = Run {
        manifest,
        options,
        context,
        coverage: coverage(accepted, options.gate),
        server: None,
        ledger: Ledger::new(Recorder::begin(Command::Validate, context.clone()), manifest),
        kept: None,
        since: None,
    };
    run.remarks(accepted);
    match run.look() {
        Err(refusal) if refusal.kind == RefusalKind::Unreachable => run.unreachable(&refusal),
        Err(refusal) => return Err(refusal),
        Ok(()) => {}
    }
    Ok(run.summary())
}

fn coverage(accepted: &Accepted, gate: Gate) -> GateCoverage {
    let manifest = accepted.manifest();
    GateCoverage {
        manifest_id: manifest.id.clone(),
        manifest_digest: accepted.digest().to_owned(),
        serial: manifest.serial,
        cluster: manifest.cluster.clone(),
        signed_by: accepted.signer().map(|signer| signer.key.clone()),
        server_uuid: String::new(),
        server_id: 0,
        gate: position::words(gate, manifest).to_owned(),
        expected_position: manifest.position.as_ref().map(|position| position.gtid.clone()).unwrap_or_default(),
        position: String::new(),
        checks: Vec::new(),
        steps: Vec::new(),
    }
}

/// What is said when no table was looked at, and why.
pub fn untouched(accepted: &Accepted, gate: Gate, why: &str) -> GateCoverage {
    let mut coverage = coverage(accepted, gate);
    let check = |facts| TableCheck { reason: why.to_owned(), ..result::blank(facts) };
    coverage.checks = accepted.manifest().tables.iter().map(check).collect();
    coverage.checks.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    coverage
}

struct Run<'a> {
    manifest: &'a Manifest,
    options: &'a ValidateOptions,
    context: &'a RunContext,
    coverage: GateCoverage,
    server: Option<ServerCoverage>,
    /// What is owed, and what was reported about it.
    ledger: Ledger,
    /// Where results are kept for a run that goes on.
    kept: Option<Kept>,
    /// What changed since the manifest's position, where that is asked for.
    since: Option<Since>,
}

impl Run<'_> {
    fn notice(&self, code: Code, message: impl Into<String>) {
        self.ledger.recorder().notice(code, None, message);
    }

    /// What is decided about a table is told at once, and kept.
    fn decided(&mut self, check: TableCheck) {
        self.judged((check, Differing { rows: true, definition: true }));
    }

    /// The same where it is known which parts of the table differ.
    fn judged(&mut self, (check, differing): (TableCheck, Differing)) {
        let check = TableCheck { at_ms: (self.context.now_ms)(), ..check };
        // What cannot be kept is read again, and no worse.
        if self.kept.as_mut().is_some_and(|kept| kept.keep(&check).is_err()) {
            self.kept = None;
        }
        self.settled(check, differing);
    }

    fn settled(&mut self, check: TableCheck, differing: Differing) {
        self.context.sink.emit(&Event::TableChecked(check.clone()));
        self.ledger.report(&check, differing);
        self.coverage.checks.push(check);
    }

    fn remarks(&mut self, accepted: &Accepted) {
        for remark in accepted.remarks(self.options.key_beside, self.options.allow_older) {
            self.notice(remark.code, &remark.message);
        }
        if self.options.gate == Gate::AtPosition && position::known(self.manifest).is_none() {
            self.notice(Code::PositionUnknown, "the manifest has no position");
        }
    }

    fn look(&mut self) -> Result<(), Refusal> {
        let connector = Connector::new(&self.options.target, &self.options.effort, self.context);
        let asked = |error: vouch_server::ServerError| refuse_server(&error);
        let mut control = connector.brisk().open().map_err(asked)?;
        self.join(&mut control);
        self.identify(&mut control)?;
        position::pass(&mut control, self.manifest, self.options, self.context)?;
        let before = position::standing(&mut control).map_err(asked)?;
        self.coverage.position.clone_from(&before);
        let listed = control.tables().map_err(asked)?;
        let entries: HashMap<&TableName, &TableEntry> = listed.iter().map(|entry| (&entry.name, entry)).collect();
        self.leave_out_changed(&mut control, &connector)?;
        let taken = self.keep(&mut control);
        let sessions = self.sessions(&connector, &mut control)?;
        let abort = self.tables(&entries, sessions, connector.clone(), taken);
        self.extra(&listed);
        if let Some(error) = connector.registry.moved() {
            self.ledger.error(
                Failure::new(Code::AddressMoved, error.to_string()).with_hint(vouch_server::Fault::Moved.hint()),
            );
        }
        if abort.is_none() {
            self.objects(&mut control);
            self.uncompared();
            self.events(&mut control);
            match self.since.take() {
                Some(since) => self.still_unchanged(since, &mut control, &connector),
                None => self.still(&mut control, &before),
            }
        }
        Ok(())
    }

    /// Learns which tables changed after the manifest's position, where only the others are to be looked at.
    fn leave_out_changed(&mut self, control: &mut Session, connector: &Connector) -> Result<(), Refusal> {
        if self.options.gate != Gate::Static {
            return Ok(());
        }
        let gtid = position::known(self.manifest).map(|position| position.gtid.clone()).unwrap_or_default();
        let since = Since::learn(control, connector, &gtid)?;
        let left = |table: &&TableFacts| table.class == Class::Verify && !since.changed(&table.schema, &table.name);
        if !self.manifest.tables.iter().any(|table| left(&table)) {
            return Err(Refusal::new(
                Code::PositionRefused,
                "every table of the manifest has changed since its position: none is left to be looked at",
                "hold the server against the manifest at its position, or a copy restored from its backup",
            ));
        }
        self.since = Some(since);
        Ok(())
    }

    /// Begins to keep results, and returns those that are taken over.
    fn keep(&mut self, control: &mut Session) -> Taken {
        let nothing = |run: &mut Self, why: &str| {
            if run.options.resume {
                run.notice(Code::ResumeRefused, why);
            }
            Taken::new()
        };
        let Some(folder) = self.options.keep_in.clone() else { return Taken::new() };
        // A server that may move meanwhile does not stand anywhere.
        let standing = if self.options.gate == Gate::Static { Ok(None) } else { position::firm(control) };
        let (Ok(Some(position)), Ok(server)) = (standing, position::who(control)) else {
            return nothing(self, "the server cannot show that nothing was written since: every table is read");
        };
        let ground = Ground { manifest: self.coverage.manifest_digest.clone(), server, position };
        match Kept::begin(&folder, &ground, self.options.resume) {
            Ok((kept, taken)) => {
                self.kept = Some(kept);
                match taken.len() {
                    0 => nothing(self, "no run was cut off at this position with this manifest: every table is read"),
                    count => {
                        self.notice(Code::Resumed, format!("{count} tables are taken over from an earlier run"));
                        taken
                    }
                }
            }
            Err(error) => {
                nothing(self, &format!("what earlier runs kept cannot be used, every table is read: {error}"))
            }
        }
    }

    fn join(&mut self, control: &mut Session) {
        let identity = control.identity();
        self.coverage.server_uuid.clone_from(&identity.uuid);
        self.coverage.server_id = identity.server_id;
        let server = ServerCoverage {
            name: control.name().to_owned(),
            role: ServerRole::Replica,
            flavor: identity.flavor.name().to_owned(),
            version: identity.version.clone(),
            positions: if position::known(self.manifest).is_some() { "gtid" } else { "none" }.to_owned(),
        };
        self.context.sink.emit(&Event::ServerJoined(server.clone()));
        self.server = Some(server);
    }

    /// Whether this is the server that was meant, of a kind that the manifest can be held against.
    fn identify(&mut self, control: &mut Session) -> Result<(), Refusal> {
        let identity = control.identity().clone();
        let refuse = |message: String, hint: &str| Err(Refusal::new(Code::TargetRefused, message, hint));
        let wrong_server = "pointing the gate at another server by mistake is what this is to catch";
        if let Some(uuid) = self.options.expect_server_uuid.as_ref().filter(|uuid| **uuid != identity.uuid) {
            let found = if identity.uuid.is_empty() { "none: MariaDB has no server_uuid" } else { &identity.uuid };
            return refuse(format!("the server_uuid should be {uuid}, and is {found}"), wrong_server);
        }
        if let Some(id) = self.options.expect_server_id.filter(|&id| id != identity.server_id) {
            return refuse(format!("the server_id should be {id}, and is {}", identity.server_id), wrong_server);
        }
        let read_only = control.variable("read_only").map_err(|error| refuse_server(&error))?;
        if self.options.expect_read_only && !matches!(read_only.as_deref(), Some("ON" | "1")) {
            return refuse("the server should be read only, and has read_only=OFF".to_owned(), wrong_server);
        }
        self.comparable(identity.flavor, &identity.version)
    }

    /// CHECKSUM TABLE depends on how rows are stored: its values hold for one flavor and series.
    fn comparable(&mut self, flavor: Flavor, version: &str) -> Result<(), Refusal> {
        let Some(made_on) = &self.manifest.server else { return Ok(()) };
        let series = |version: &str| {
            let (_, number) = parse_version(version);
            (number.major, number.minor)
        };
        let other = made_on.flavor != flavor.name();
        let uses = |table: &TableFacts| table.digest.as_ref().is_some_and(|d| d.method == Method::ChecksumTable);
        if (other || series(&made_on.version) != series(version)) && self.manifest.tables.iter().any(uses) {
            return Err(Refusal::new(
                Code::TargetRefused,
                format!(
                    "the manifest has values of CHECKSUM TABLE of {} {}, and the server is {} {version}: \
                     they depend on how rows are stored, and would differ for the same rows",
                    made_on.flavor,
                    made_on.version,
                    flavor.name()
                ),
                "make manifests with --method row-sha256, which is the same everywhere",
            ));
        }
        if other {
            let message = format!("the manifest is of {}, and the server is {}", made_on.flavor, flavor.name());
            self.notice(Code::DefinitionUnjudged, message);
        }
        Ok(())
    }

    /// Whether definitions are compared.
    fn definitions(&self) -> Definitions {
        match (&self.manifest.server, &self.server) {
            (Some(made_on), Some(server)) if made_on.flavor == server.flavor => Definitions::Compared,
            _ if self.options.allow_other_flavor => Definitions::Accepted,
            _ => Definitions::OtherFlavor,
        }
    }

    /// Says what was not compared because the manifest comes from the other flavor, unless that is accepted.
    fn uncompared(&mut self) {
        let of_class = |class: Class| self.manifest.tables.iter().filter(|table| table.class == class).count();
        let (objects, tables) = (self.manifest.objects.len(), of_class(Class::SchemaOnly));
        if self.definitions() != Definitions::OtherFlavor || objects + tables == 0 {
            return;
        }
        let message = format!(
            "{objects} objects and {tables} schema-only tables were not compared: definitions are compared only \
             within one flavor, and this manifest comes from another one"
        );
        let hint = "compare them by hand, then pass --allow-other-flavor";
        self.ledger.error(Failure::new(Code::NotCompared, message).with_hint(hint));
    }

    /// A session for each worker. Where there is a position they hold a snapshot, which must show that position.
    fn sessions(&mut self, connector: &Connector, control: &mut Session) -> Result<Vec<Session>, Refusal> {
        let asked = |error: vouch_server::ServerError| refuse_server(&error);
        let tables = self.manifest.tables.iter().filter(|table| table.class != Class::Volatile).count();
        let mut sessions = vec![connector.open().map_err(asked)?];
        while sessions.len() < self.options.effort.workers.min(tables) {
            // A server that is short of connections is read with those that it gave.
            match connector.open_once() {
                Ok(session) => sessions.push(session),
                Err(_) => break,
            }
        }
        if let Some(position) = self.holds_snapshots() {
            for session in &mut sessions {
                session.open_snapshot().and_then(|()| session.mark_snapshot()).map_err(asked)?;
            }
            let beyond = position::beyond(control, &position).map_err(asked)?;
            if !beyond.is_empty() {
                return Err(Refusal::new(
                    Code::PositionRefused,
                    format!("the server moves past the position of the manifest: it has {beyond} besides"),
                    "stop replication at the manifest's position (START REPLICA UNTIL …)",
                ));
            }
        }
        Ok(sessions)
    }

    fn holds_snapshots(&self) -> Option<String> {
        let position = position::known(self.manifest).filter(|_| self.options.gate == Gate::AtPosition);
        position.map(|position| position.gtid.clone())
    }

    /// A session that is opened later must show the same position.
    fn renew(&self) -> Option<Renew> {
        let gtid = self.holds_snapshots()?;
        Some(Arc::new(move |session: &mut Session| {
            session.open_snapshot().and_then(|()| session.mark_snapshot()).map_err(|error| error.to_string())?;
            match position::beyond(session, &gtid) {
                Ok(beyond) if beyond.is_empty() => Ok(()),
                Ok(_) => Err("the connection was lost, and the server has moved past the position since".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }))
    }

    fn tables(
        &mut self,
        entries: &HashMap<&TableName, &TableEntry>,
        sessions: Vec<Session>,
        connector: Connector,
        mut taken: Taken,
    ) -> Option<Abort> {
        let known = self.definitions();
        let definitions = known == Definitions::Compared;
        let (mut requests, mut asked, mut slices) = (Vec::new(), Vec::new(), Vec::new());
        for facts in &self.manifest.tables {
            let name = TableName::new(&facts.schema, &facts.name);
            match entries.get(&name) {
                None => self.decided(unread(facts, read::missing())),
                Some(entry) if !entry.is_base => self.decided(unread(facts, read::not_a_table())),
                Some(_) if facts.class == Class::Volatile => {
                    self.skip(facts, Code::Volatile, "its rows change on purpose, says the manifest");
                }
                Some(_) if facts.class == Class::SchemaOnly && !definitions => self.schema_unread(facts, known),
                Some(_) if self.has_changed(facts) => self.skip(facts, Code::ChangedSince, CHANGED),
                Some(_) if taken.contains_key(&facts.label()) => {
                    let check = taken.remove(&facts.label());
                    check.into_iter().for_each(|check| self.taken_over(facts, check));
                }
                Some(entry) => {
                    let form = DefinitionForm::of(self.manifest.kind).only_if(definitions);
                    let of_table = table_requests(facts, &name, entry.bytes, form);
                    slices.push(of_table.len());
                    requests.extend(of_table);
                    asked.push(facts);
                }
            }
        }
        let tables = widen(asked.len());
        let mut assembly = Assembly::new(&slices);
        self.context.sink.emit(&Event::Planned { tables, rows: 0, replicas: 1 });
        let pool = Pool::start(requests, sessions, connector, &self.options.effort, self.context, self.renew());
        let ended = pool.finish(|answer| {
            let Some(answer) = assembly.take(answer) else { return };
            if let Some(facts) = asked.get(answer.index) {
                self.judged(result::judge(facts, &answer, definitions));
            }
        });
        if ended.gave_way > 0 {
            self.notice(Code::Requeued, format!("reading gave way to an applier {} times", ended.gave_way));
        }
        self.aborted(ended.abort.as_ref());
        ended.abort
    }

    fn has_changed(&self, facts: &TableFacts) -> bool {
        self.since.as_ref().is_some_and(|since| since.changed(&facts.schema, &facts.name))
    }

    /// What an earlier run found stands, with the time at which it was found.
    fn taken_over(&mut self, facts: &TableFacts, check: TableCheck) {
        let TableCheck { method, expected, rows_expected, .. } = result::blank(facts);
        let check = TableCheck { method, expected, rows_expected, ..check };
        self.settled(check, Differing { rows: true, definition: true });
    }

    fn skip(&mut self, facts: &TableFacts, code: Code, reason: &str) {
        self.ledger.skip(facts.label(), code, reason);
        let reason = reason.to_owned();
        self.decided(TableCheck { status: CheckStatus::Skipped, reason, ..result::blank(facts) });
    }

    /// A table of which nothing but its definition counts, and that cannot be compared.
    fn schema_unread(&mut self, facts: &TableFacts, known: Definitions) {
        const REASON: &str = "its definition was not compared: this manifest comes from another flavor";
        if known == Definitions::Accepted {
            return self.skip(facts, Code::DefinitionUnjudged, REASON);
        }
        let reason = REASON.to_owned();
        self.decided(TableCheck { status: CheckStatus::Error, reason, ..result::blank(facts) });
    }

    fn aborted(&mut self, abort: Option<&Abort>) {
        let left = self.coverage.count(CheckStatus::NotRun);
        match abort {
            None => {}
            Some(Abort::Stopped(signal)) => self.context.stop.request(*signal),
            Some(Abort::Deadline) => {
                let message = format!("the time of the run was over, and {left} tables were not looked at");
                self.ledger
                    .error(Failure::new(Code::DeadlineReached, message).with_hint("raise --run-time or --workers"));
            }
            Some(Abort::Lag(how)) => {
                let message = format!("{how}: {left} tables were not looked at");
                self.ledger.error(Failure::new(Code::LagAbort, message).with_hint("look at the replica's applier"));
            }
            Some(Abort::Lost(how)) => {
                let message = format!("the server was lost, and {left} tables were not looked at: {how}");
                self.ledger
                    .error(Failure::new(Code::ConnectionLost, message).with_hint("run again when the server is back"));
            }
        }
    }

    /// Tables in databases of the manifest that it does not name.
    fn extra(&mut self, listed: &[TableEntry]) {
        let wanted = match self.options.extra {
            ExtraPolicy::Auto => self.manifest.kind != Kind::Flat,
            ExtraPolicy::Fail => true,
            ExtraPolicy::Ignore => false,
        };
        if !wanted {
            let by = match self.options.extra {
                ExtraPolicy::Ignore => ExcludedBy::Option,
                _ => ExcludedBy::Default,
            };
            let outcome = Outcome::Excluded { by, code: Code::TableExtra };
            return self.ledger.recorder().settle(self.ledger.listing, outcome);
        }
        let named: HashSet<(&str, &str)> =
            self.manifest.tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).collect();
        let schemas: HashSet<&str> = named.iter().map(|(schema, _)| *schema).collect();
        let excluded = |label: &str| self.manifest.excludes.iter().any(|exclude| matches(&exclude.pattern, label));
        let extra: Vec<&TableName> = listed
            .iter()
            .filter(|entry| entry.is_base && schemas.contains(entry.name.database.as_str()))
            .map(|entry| &entry.name)
            .filter(|name| {
                !named.contains(&(name.database.as_str(), name.table.as_str())) && !excluded(&name.to_string())
            })
            .collect();
        for name in extra {
            self.decided(TableCheck {
                schema: name.database.clone(),
                name: name.table.clone(),
                status: CheckStatus::Extra,
                method: String::new(),
                expected: String::new(),
                actual: String::new(),
                rows_expected: None,
                rows: None,
                reason: "the manifest does not name it".to_owned(),
                took_ms: 0,
                attempts: 0,
                at_ms: 0,
            });
        }
        self.ledger.recorder().settle(self.ledger.listing, Outcome::verified());
    }

    /// Whether views, routines, triggers or events were defined since the manifest's position: which ones is not read.
    fn objects_have_changed(&self) -> bool {
        let Some(statement) = self.since.as_ref().and_then(Since::objects_changed) else { return false };
        let reason = format!("changed since the manifest's position by {statement}");
        self.ledger.skip("views, routines, triggers and events".to_owned(), Code::ChangedSince, &reason);
        true
    }

    fn objects(&mut self, control: &mut Session) {
        match self.definitions() {
            Definitions::OtherFlavor => return self.ledger.objects(&Outcome::Unproven(Code::NotCompared)),
            Definitions::Accepted => {
                return self.ledger.objects(&Outcome::excluded_by_option(Code::DefinitionUnjudged));
            }
            Definitions::Compared if self.manifest.objects.is_empty() => return,
            Definitions::Compared if self.objects_have_changed() => {
                return self.ledger.objects(&Outcome::excluded_by_option(Code::ChangedSince));
            }
            Definitions::Compared => {}
        }
        let listed = match control.objects() {
            Ok(listed) => listed,
            Err(error) => {
                self.ledger.error(Failure::new(Code::ObjectUnseen, error.to_string()));
                return self.ledger.objects(&Outcome::Unproven(Code::ObjectUnseen));
            }
        };
        for facts in &self.manifest.objects {
            let what = format!("the {} {}.{}", facts.kind, facts.schema, facts.name);
            let found = listed
                .iter()
                .find(|one| one.kind == facts.kind && one.database == facts.schema && one.name == facts.name);
            let result = match found.map(|one| definition::of_object_in(self.manifest.kind, one)) {
                None => Err(Finding::new(Code::ObjectMissing, format!("{what} does not exist"))),
                Some(None) => {
                    let message = format!("the account may not see how {what} is defined");
                    self.ledger.error(Failure::new(Code::ObjectUnseen, message));
                    Ok(Outcome::Unproven(Code::ObjectUnseen))
                }
                Some(Some(digest)) if digest != facts.definition_digest => {
                    Err(Finding::new(Code::ObjectMismatch, format!("{what} has another definition")))
                }
                Some(Some(_)) => Ok(Outcome::verified_by("definition digest")),
            };
            self.ledger.object(facts, result);
        }
    }

    /// Says which events run here, which no digest covers: a copy with its events disabled looks whole.
    fn events(&mut self, control: &mut Session) {
        let listed = match control.objects() {
            Ok(listed) => listed,
            Err(error) => return self.ledger.error(Failure::new(Code::ObjectUnseen, error.to_string())),
        };
        let schemas: HashSet<&str> = self.manifest.tables.iter().map(|table| table.schema.as_str()).collect();
        let events = listed.iter().filter(|one| schemas.contains(one.database.as_str()));
        for message in events::by_state(events) {
            self.notice(Code::EventState, message);
        }
    }

    /// What was read is of one moment only if the server has not moved; else what differs is not proven to differ.
    fn still(&mut self, control: &mut Session, before: &str) {
        let after = match position::standing(control) {
            Ok(after) if after == before => {
                let outcome = Outcome::Verified { how: "did not move".into(), as_of: after };
                return self.ledger.recorder().settle(self.ledger.position, outcome);
            }
            Ok(after) => after,
            Err(error) => {
                let failure = Failure::new(Code::ServerFault, error.to_string());
                return self.ledger.recorder().error(self.ledger.position, failure);
            }
        };
        let moved = format!("the server moved while it was looked at, from {before} to {after}");
        let by_snapshot = self.holds_snapshots().is_some();
        let engines: HashMap<String, &str> =
            self.manifest.tables.iter().map(|table| (table.label(), table.engine.as_str())).collect();
        let mut doubtful = Vec::new();
        for check in &mut self.coverage.checks {
            let safe = by_snapshot && engines.get(&check.label()).is_some_and(|engine| *engine == "InnoDB");
            let doubted = check.status == CheckStatus::Mismatch || by_snapshot && check.status == CheckStatus::Valid;
            if doubted && !safe {
                (check.status, check.reason) = (CheckStatus::Error, moved.clone());
                doubtful.push(check.label());
            }
        }
        if doubtful.is_empty() {
            let outcome = Outcome::Verified { how: "read in a snapshot".into(), as_of: before.to_owned() };
            self.ledger.recorder().settle(self.ledger.position, outcome);
            return self.notice(Code::ServerMoved, moved);
        }
        doubtful.iter().for_each(|label| self.ledger.withdraw(label));
        let doubtful = doubtful.len();
        let hint = "stop replication and keep writes out, then run again";
        let failure = Failure::new(Code::ServerMoved, format!("{moved}: {doubtful} tables are not proven"));
        self.ledger.recorder().error(self.ledger.position, failure.with_hint(hint));
    }

    /// Tables that changed while they were looked at are left out too; where that cannot be told, no mismatch is proven.
    fn still_unchanged(&mut self, since: Since, control: &mut Session, connector: &Connector) {
        let changes = match since.go_on(control, connector) {
            Ok(changes) => changes,
            Err(refusal) => Changes::Unclear(refusal.message),
        };
        let (mut changed, mut doubtful) = (Vec::new(), Vec::new());
        for check in &mut self.coverage.checks {
            let judged = matches!(check.status, CheckStatus::Mismatch | CheckStatus::Valid);
            match &changes {
                Changes::Known(known) if judged && known.has(&check.schema, &check.name) => {
                    (check.status, check.reason) = (CheckStatus::Skipped, CHANGED.to_owned());
                    changed.push(check.label());
                }
                Changes::Unclear(why) if check.status == CheckStatus::Mismatch => {
                    (check.status, check.reason) = (CheckStatus::Error, why.clone());
                    doubtful.push(check.label());
                }
                _ => {}
            }
        }
        for label in changed.iter().chain(&doubtful) {
            self.ledger.withdraw(label);
        }
        changed.into_iter().for_each(|label| self.ledger.skip(label, Code::ChangedSince, CHANGED));
        let position = self.ledger.position;
        match (&changes, doubtful.len()) {
            (Changes::Unclear(why), count @ 1..) => {
                let failure = Failure::new(Code::ServerMoved, format!("{why}: {count} tables are not proven"));
                self.ledger.recorder().error(position, failure);
            }
            _ => self.ledger.recorder().settle(position, Outcome::verified_by("unchanged by the binary log")),
        }
    }

    /// What is kept is of use to nobody once every table has its result.
    fn forget(&mut self) {
        let open = |check: &TableCheck| {
            matches!(check.status, CheckStatus::NotRun | CheckStatus::Error | CheckStatus::Timeout)
        };
        if !self.coverage.checks.iter().any(open) {
            self.kept.take().map(Kept::forget);
        }
    }

    /// The server could not be asked: every table is one that was not looked at.
    fn unreachable(&mut self, refusal: &Refusal) {
        let why = Failure::new(refusal.code, refusal.message.clone()).with_hint(refusal.hint.clone());
        self.ledger.error(why);
        let known: HashSet<String> = self.coverage.checks.iter().map(TableCheck::label).collect();
        for facts in self.manifest.tables.iter().filter(|facts| !known.contains(&facts.label())) {
            self.decided(TableCheck { reason: refusal.message.clone(), ..result::blank(facts) });
        }
    }

    fn summary(mut self) -> Summary {
        self.forget();
        self.coverage.checks.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let definitions = self.definitions();
        let Run { mut ledger, coverage, server, manifest, .. } = self;
        ledger.tables(manifest, &coverage.checks, definitions, &coverage.position);
        if coverage.checks.iter().all(|check| check.status == CheckStatus::Skipped) {
            // A position and a listing that are fine prove nothing about data.
            ledger.error(Failure::new(Code::NothingVerified, "no table of the manifest was verified"));
        }
        ledger.finish(Coverage::Gate(server.into_iter().collect(), Box::new(coverage)))
    }
}

fn unread(facts: &TableFacts, trouble: (crate::request::Trouble, String)) -> TableCheck {
    result::judge(facts, &Answer { index: 0, result: Err(trouble), took_ms: 0, attempts: 0 }, false).0
}

/// Ranges that a worker reads at a time: enough for beginning to cost little, few enough for all workers to
/// have something of a large table.
const RANGES_AT_ONCE: usize = 4;

/// A request for each part of a table.
fn table_requests(facts: &TableFacts, name: &TableName, bytes: u64, definitions: DefinitionForm) -> Vec<Request> {
    let Some(rows) = facts.row_facts.clone().filter(|_| facts.class == Class::Verify).map(Arc::new) else {
        return vec![request(facts, name.clone(), bytes, Slice::whole(0), definitions)];
    };
    let count = rows.ranges.len();
    let parts = count.div_ceil(RANGES_AT_ONCE).max(1);
    let bytes = bytes / widen(parts);
    let part = |number: usize| {
        let from = number.saturating_mul(RANGES_AT_ONCE);
        let slice = Slice::Known { facts: Arc::clone(&rows), from, to: from.saturating_add(RANGES_AT_ONCE).min(count) };
        request(facts, name.clone(), bytes, slice, definitions.only_if(number == 0))
    };
    (0..parts).map(part).collect()
}

fn request(facts: &TableFacts, name: TableName, bytes: u64, slice: Slice, definitions: DefinitionForm) -> Request {
    let digest = facts.digest.as_ref().filter(|_| facts.class == Class::Verify);
    Request {
        name,
        bytes,
        slice,
        method: digest.map(|digest| digest.method),
        fold: digest.and_then(|digest| fold::of_value(&digest.value)),
        definition: definitions.only_if(facts.definition_digest.is_some()),
        count: facts.rows.is_some(),
    }
}
