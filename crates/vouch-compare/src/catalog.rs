//! Which tables are compared: listing, filters, and plans, with everything that
//! is left out or missing said.

use crate::drift::names::TableNames;
use crate::drift::{self, Pair, SchemaScope, Side};
use crate::fence::{Fence, Fenced};
use crate::filter::{Filters, Unmatched};
use crate::history::History;
use crate::key::KeyChoice;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::listing::{self, Listing, Wanted};
use crate::options::TextPolicy;
use crate::plan::{Ingredients, TablePlan, plan};
use std::collections::{BTreeMap, HashSet};
use vouch_report::{Code, ExcludedBy, Failure, Finding, ItemKind, Outcome, Proof, Stop};
use vouch_server::{Fault, FullDefinition, NamePart, Readable, Result, TableEntry, TableName};

/// Which tables take part, and how they are read.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// Databases, tables, engines and columns.
    pub filters: &'a Filters,
    /// Databases that have another name on the replica: source name, replica name.
    pub database_map: &'a [(String, String)],
    /// A condition on the rows.
    pub condition: Option<&'a str>,
    /// The index to prefer.
    pub index: Option<&'a str>,
    /// Whether keys must survive being written as text: no FLOAT and no DOUBLE.
    pub exact_keys: bool,
    /// How much of the definitions is compared.
    pub schema: SchemaScope,
    /// What of a text is compared.
    pub text: TextPolicy,
    /// Whether the history of system-versioned tables is compared.
    pub history: bool,
}

/// How much is said while a table is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// Everything.
    All,
    /// What was not said before: the table is planned a second time.
    News,
    /// Nothing.
    Nothing,
}

/// What planning a table came to.
pub enum Planned {
    /// It can be compared, on some replica at least.
    Plan(Box<TablePlan>),
    /// It is compared nowhere, and why has been said.
    Nowhere,
    /// The source does not have it any more.
    Vanished,
}

/// A table on a replica.
enum Presence {
    There(Side),
    /// Not there, or not to be read; that has been said.
    Absent,
    /// The source does not have it either, any more.
    Vanished,
}

/// The tables of all servers.
pub struct Catalog<'a> {
    options: Selection<'a>,
    ledger: &'a Ledger<'a>,
    fences: Vec<Fence>,
    stop: &'a Stop,
    source: Listing,
    replicas: Vec<Listing>,
    /// The tables that names let in.
    entries: BTreeMap<TableName, TableEntry>,
    packet: u64,
}

/// Waits until the replica has applied what the source has now.
fn catch_up(source: &mut Link<'_>, replica: &mut Link<'_>, fence: &Fence, stop: &Stop) -> Result<Fenced> {
    let position = source.ask(|session| session.source_position(fence.kind))?;
    fence.wait(replica, &position, stop)
}

/// The database's name on the replicas.
fn mapped(options: Selection<'_>, name: &TableName) -> TableName {
    let other = options.database_map.iter().find(|(from, _)| *from == name.database);
    TableName::new(other.map_or(name.database.as_str(), |(_, to)| to.as_str()), name.table.as_str())
}

/// What a replica is asked for where the source is asked for these names.
fn counterpart(options: Selection<'_>, (database, table): &(NamePart, NamePart)) -> (NamePart, NamePart) {
    let database = match database {
        NamePart::Is(name) => NamePart::Is(mapped(options, &TableName::new(name.as_str(), "")).database),
        _ if options.database_map.is_empty() => database.clone(),
        _ => NamePart::Any,
    };
    (database, table.clone())
}

impl<'a> Catalog<'a> {
    /// Lists the tables of every server.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn list(
        options: Selection<'a>,
        ledger: &'a Ledger<'a>,
        fences: Vec<Fence>,
        stop: &'a Stop,
        source: &mut Link<'_>,
        replicas: &mut [Link<'_>],
    ) -> Result<Self> {
        ledger.owe_listing(source.name());
        replicas.iter().for_each(|replica| ledger.owe_listing(replica.name()));
        let mut packet = source.ask(|session| Ok(session.identity().max_allowed_packet))?;
        let names = options.filters.listed();
        let ours_fold = listing::folds(source)?;
        let ours = Listing::read(source, ours_fold, Wanted { names: &names, folds: false }, ledger)?;
        let there: Vec<_> = names.iter().map(|name| counterpart(options, name)).collect();
        let mut theirs = Vec::new();
        for (at, (replica, fence)) in replicas.iter_mut().zip(&fences).enumerate() {
            packet = packet.min(replica.ask(|session| Ok(session.identity().max_allowed_packet))?);
            let theirs_fold = listing::folds(replica)?;
            let wanted = Wanted { names: &there, folds: ours_fold || theirs_fold };
            let mut listed = Listing::read(replica, theirs_fold, wanted, ledger)?;
            let all_there = ours.names().all(|name| listed.find(&mapped(options, name), &ours).is_some());
            if listed.len() != ours.len() || !all_there {
                // A table may be on its way: what is missing behind a fence is missing.
                if catch_up(source, replica, fence, stop)? == Fenced::TooLate {
                    late(ledger, at, None);
                }
                listed = Listing::read(replica, theirs_fold, wanted, ledger)?;
            }
            if listed.folds() != ours.folds() {
                let text = "lower_case_table_names differs from the source's: names of tables are matched without case";
                ledger.notice(Code::CaseFolded, Some(replica.name()), text);
            }
            ledger.settle_listing(replica.name(), listed.len());
            theirs.push(listed);
        }
        ledger.settle_listing(source.name(), ours.len());
        let by_name = |name: &TableName| options.filters.table(&name.database, &name.table).is_none();
        let entries = ours.describe(source, ledger, by_name)?;
        Ok(Catalog { options, ledger, fences, stop, source: ours, replicas: theirs, entries, packet })
    }

    /// The entries that take part. With `say`, what is left out is said.
    pub fn wanted(&self, say: bool) -> Vec<&TableEntry> {
        let unlisted = self.source.unlisted();
        if say && unlisted > 0 {
            let what = format!("{unlisted} other tables");
            self.ledger.exclude(ExcludedBy::Option, Code::FilteredOut, &what, "not named by --databases or --tables");
        }
        self.source.names().filter_map(|name| self.taking_part(name, say)).collect()
    }

    fn taking_part(&self, name: &TableName, say: bool) -> Option<&TableEntry> {
        if let Some(reason) = self.options.filters.table(&name.database, &name.table) {
            self.exclude(say, ExcludedBy::Option, Code::FilteredOut, name, &reason);
            return None;
        }
        let entry = self.entries.get(name).filter(|entry| self.takes_part(entry, say));
        if !self.source.has_rows(name) {
            if say {
                self.ledger.skip(Code::NotATable, name.to_string(), "it has no rows of its own");
            }
            return None;
        }
        entry
    }

    fn takes_part(&self, entry: &TableEntry, say: bool) -> bool {
        let (filters, name) = (self.options.filters, &entry.name);
        // A table that the server cannot open has no engine: that is found out when it is read.
        let excluded = filters.engine(&entry.engine).filter(|_| !entry.engine.is_empty());
        if let Some(reason) = &excluded {
            let unsupported = filters.engine_is_unsupported(&entry.engine);
            let (by, code) = match unsupported {
                true => (ExcludedBy::Kind, Code::EngineUnsupported),
                false => (ExcludedBy::Option, Code::FilteredOut),
            };
            self.exclude(say, by, code, name, reason);
        }
        excluded.is_none()
    }

    fn exclude(&self, say: bool, by: ExcludedBy, code: Code, name: &TableName, reason: &str) {
        if say {
            self.ledger.exclude(by, code, &name.to_string(), reason);
        }
    }

    /// Says which tables and databases were asked for and are not there.
    pub fn report_unknown(&self) {
        let names: Vec<&TableName> = self.source.names().collect();
        let databases: Vec<&str> = self.source.databases().collect();
        let engines: Vec<&str> = self.entries.values().map(|entry| entry.engine.as_str()).collect();
        for unmatched in self.options.filters.unmatched(&databases, &names, &engines) {
            unknown(self.ledger, &unmatched);
        }
    }

    /// Says which columns were asked for that none of these tables has.
    pub fn report_unknown_columns(&self, plans: &[&TablePlan]) {
        let names = |plan: &&TablePlan| -> Vec<[String; 3]> {
            let (name, columns) = (&plan.name, &plan.definition.columns);
            columns.iter().map(|c| [name.database.clone(), name.table.clone(), c.name.clone()]).collect()
        };
        let columns: Vec<[String; 3]> = plans.iter().flat_map(names).collect();
        for unmatched in self.options.filters.unmatched_columns(&columns) {
            unknown(self.ledger, &unmatched);
        }
    }

    /// Says which tables only a replica has.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn report_replica_only(&self, source: &mut Link<'_>, replicas: &mut [Link<'_>]) -> Result<()> {
        for (at, (listing, replica)) in self.replicas.iter().zip(replicas).enumerate() {
            let ours: HashSet<&TableName> = self
                .source
                .names()
                .filter_map(|name| listing.find(&mapped(self.options, name), &self.source))
                .collect();
            for name in listing.names().filter(|name| !ours.contains(name)) {
                if self.is_counterpart(at, name, replica)? {
                    self.replica_only(at, name, source, replica)?;
                }
            }
        }
        Ok(())
    }

    fn replica_only(&self, at: usize, name: &TableName, source: &mut Link<'_>, replica: &mut Link<'_>) -> Result<()> {
        let ours = self.on_source(at, name);
        match source.ask(|session| session.may_read(&ours))? {
            Readable::Denied(why) => self.denied(&ours, None, &why),
            // It was created after the source was listed: what is compared is what was there then.
            Readable::Yes => {}
            Readable::Missing => {
                // It may have been dropped after the replica was listed.
                if self.caught_up(at, source, replica, name)?
                    && !matches!(replica.ask(|session| session.may_read(name))?, Readable::Missing)
                {
                    let text = format!("table {name} is on the replica only");
                    self.table_finding(Say::All, Code::TableReplicaOnly, text, name, at);
                }
            }
        }
        Ok(())
    }

    /// Whether the replica has applied what the source has now; if not, that is an error about `name`.
    fn caught_up(&self, at: usize, source: &mut Link<'_>, replica: &mut Link<'_>, name: &TableName) -> Result<bool> {
        let Some(fence) = self.fences.get(at) else { return Ok(true) };
        let reached = catch_up(source, replica, fence, self.stop)? == Fenced::Reached;
        if !reached {
            late(self.ledger, at, Some(name));
            self.settle(&name.to_string(), at, &Outcome::Unproven(Code::LagTimeout));
        }
        Ok(reached)
    }

    /// The name on the source of a replica's table.
    fn on_source(&self, at: usize, name: &TableName) -> TableName {
        let back = self.options.database_map.iter().find(|(_, to)| *to == name.database);
        let database = back.map_or(name.database.as_str(), |(from, _)| from.as_str());
        let folds = self.replicas.get(at).is_some_and(|listing| listing.folds_with(&self.source));
        let same = |other: &&str| folds && other.to_lowercase() == database.to_lowercase();
        let database = self.source.databases().find(same).unwrap_or(database);
        TableName::new(database, name.table.as_str())
    }

    /// Whether a table of a replica would have been compared, had the source had it.
    fn is_counterpart(&self, at: usize, name: &TableName, replica: &mut Link<'_>) -> Result<bool> {
        let map = self.options.database_map;
        if !map.is_empty() && map.iter().all(|(_, to)| *to != name.database) {
            return Ok(false);
        }
        let ours = self.on_source(at, name);
        let has_rows = self.replicas.get(at).is_some_and(|listing| listing.has_rows(name));
        if !has_rows || self.options.filters.table(&ours.database, &ours.table).is_some() {
            return Ok(false);
        }
        let entry = replica.ask(|session| session.table(name))?;
        Ok(entry.is_none_or(|entry| self.takes_part(&TableEntry { name: ours, ..entry }, false)))
    }

    fn table_finding(&self, say: Say, code: Code, message: String, name: &TableName, replica: usize) {
        let mut finding = Finding::new(code, message);
        finding.location.table = Some(name.to_string());
        finding.location.replica = Some(self.ledger.replica(replica).to_owned());
        finding.proof = Some(Proof::Proven { how: "metadata".to_owned() });
        let label = name.to_string();
        self.ledger.owe(ItemKind::Table, &label, Some(self.ledger.replica(replica)));
        self.finding(say, ItemKind::Table, finding);
        self.settle(&label, replica, &Outcome::Differs);
    }

    fn finding(&self, say: Say, kind: ItemKind, finding: Finding) {
        match say {
            Say::All => self.ledger.finding(kind, finding),
            Say::News => self.ledger.new_finding(kind, finding),
            Say::Nothing => {}
        }
    }

    /// Settles a table that is not compared on a replica, with its definition there.
    fn settle(&self, label: &str, replica: usize, outcome: &Outcome) {
        for kind in [ItemKind::Table, ItemKind::Definition] {
            self.ledger.settle(kind, label, Some(self.ledger.replica(replica)), outcome.clone());
        }
    }

    /// Says that an account may not read a table on one server.
    fn denied(&self, name: &TableName, replica: Option<usize>, why: &str) {
        let message = format!("{name} may not be read in all of its columns: {why}");
        let replica = replica.map(|at| self.ledger.replica(at).to_owned());
        let failure =
            Failure::new(Code::AccessDenied, message).with_hint("grant SELECT on the whole table to the account");
        self.ledger.failure(failure.at(Some(&name.to_string()), replica.as_deref()));
    }

    /// Plans a table, and says what differs in its definition.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn plan(
        &self,
        entry: &TableEntry,
        source: &mut Link<'_>,
        replicas: &mut [Link<'_>],
        say: Say,
    ) -> Result<Planned> {
        match source.ask(|session| session.may_read(&entry.name))? {
            Readable::Yes => {}
            Readable::Missing => return Ok(Planned::Vanished),
            Readable::Denied(why) => {
                self.denied(&entry.name, None, &why);
                self.ledger.settle_table(&entry.name.to_string(), &Outcome::Unproven(Code::AccessDenied));
                return Ok(Planned::Nowhere);
            }
        }
        let definition = source.ask(|session| session.definition(&entry.name))?;
        let mut ours = Side { entry: entry.clone(), definition };
        let mut sides = Vec::new();
        for (at, replica) in replicas.iter_mut().enumerate() {
            let mut side = match self.side(entry, at, source, replica, say)? {
                Presence::There(side) => side,
                Presence::Vanished => return Ok(Planned::Vanished),
                Presence::Absent => {
                    sides.push(None);
                    continue;
                }
            };
            if !drift::same_definition(&side.definition, &ours.definition) {
                // A change of the definition may be on its way: look again behind a fence.
                if !self.caught_up(at, source, replica, &entry.name)? {
                    sides.push(None);
                    continue;
                }
                side.definition = replica.ask(|session| session.definition(&side.entry.name))?;
                ours.definition = source.ask(|session| session.definition(&entry.name))?;
            }
            let read =
                if say == Say::Nothing { Full::NotWanted } else { self.full(&ours, &side, at, source, replica)? };
            self.report_drift(entry, at, &ours, &side, &read, say);
            let outcome = match (self.options.schema, &read) {
                (SchemaScope::Off, _) => Outcome::excluded_by_option(Code::FilteredOut),
                (_, Full::Unread) => Outcome::Unproven(Code::DefinitionUnread),
                _ => Outcome::verified_by("metadata"),
            };
            let replica = Some(self.ledger.replica(at));
            self.ledger.settle(ItemKind::Definition, &entry.name.to_string(), replica, outcome);
            sides.push(Some(side));
        }
        // No columns: it was dropped after it could be read.
        if ours.definition.columns.is_empty() || sides.iter().flatten().any(|side| side.definition.columns.is_empty()) {
            return Ok(Planned::Vanished);
        }
        if sides.iter().all(Option::is_none) && !replicas.is_empty() {
            return Ok(Planned::Nowhere);
        }
        if say == Say::All {
            self.report_history(&ours, &sides);
        }
        Ok(Planned::Plan(Box::new(self.planned(&ours, &sides))))
    }

    /// Says whose history is not compared, and why.
    fn report_history(&self, ours: &Side, sides: &[Option<Side>]) {
        let sides: Vec<&Side> = sides.iter().flatten().collect();
        let why = match History::of(ours, &sides) {
            History::None => None,
            _ if !self.options.history => Some("checksums cover current rows alone"),
            history => history.left_out(),
        };
        if let Some(why) = why {
            self.ledger.skip(Code::HistoryLeftOut, ours.entry.name.to_string(), why);
        }
    }

    /// The key along which a table would be cut, as far as the source is concerned.
    ///
    /// # Errors
    /// Those of the source.
    pub fn key_of(&self, entry: &TableEntry, source: &mut Link<'_>) -> Result<KeyChoice> {
        let definition = source.ask(|session| session.definition(&entry.name))?;
        let side = Side { entry: entry.clone(), definition };
        Ok(self.planned(&side, &[]).key)
    }

    fn planned(&self, source: &Side, replicas: &[Option<Side>]) -> TablePlan {
        plan(&Ingredients {
            source,
            replicas,
            filters: self.options.filters,
            condition: self.options.condition,
            index: self.options.index,
            exact_keys: self.options.exact_keys,
            packet: self.packet,
            text: self.options.text,
            history: self.options.history,
        })
    }

    /// The table's side on a replica.
    fn side(
        &self,
        entry: &TableEntry,
        at: usize,
        source: &mut Link<'_>,
        replica: &mut Link<'_>,
        say: Say,
    ) -> Result<Presence> {
        let wanted = mapped(self.options, &entry.name);
        let listed = self.replicas.get(at).and_then(|listing| listing.find(&wanted, &self.source));
        let name = listed.cloned().unwrap_or(wanted);
        let mut readable = replica.ask(|session| session.may_read(&name))?;
        if readable == Readable::Missing {
            // It may be on its way, or about to be dropped.
            if !self.caught_up(at, source, replica, &entry.name)? {
                return Ok(Presence::Absent);
            }
            readable = replica.ask(|session| session.may_read(&name))?;
        }
        match readable {
            Readable::Yes => {
                let listed = replica.ask(|session| session.table(&name))?;
                let definition = replica.ask(|session| session.definition(&name))?;
                let entry = listed.unwrap_or_else(|| TableEntry { name, ..entry.clone() });
                return Ok(Presence::There(Side { entry, definition }));
            }
            Readable::Denied(why) => {
                self.denied(&name, Some(at), &why);
                self.settle(&entry.name.to_string(), at, &Outcome::Unproven(Code::AccessDenied));
            }
            Readable::Missing => {
                if source.ask(|session| session.may_read(&entry.name))? == Readable::Missing {
                    return Ok(Presence::Vanished);
                }
                let text = format!("table {} is on the source only", entry.name);
                self.table_finding(say, Code::TableSourceOnly, text, &entry.name, at);
            }
        }
        Ok(Presence::Absent)
    }

    fn report_drift(&self, entry: &TableEntry, replica: usize, ours: &Side, theirs: &Side, full: &Full, say: Say) {
        let (name, table) = (&entry.name, entry.name.to_string());
        let ignored = |column: &str| self.options.filters.column(&name.database, &name.table, column).is_some();
        if self.options.schema == SchemaScope::Off {
            for column in drift::one_sided(&ours.definition, &theirs.definition).filter(|column| !ignored(column)) {
                let what = format!("{table}.{column}");
                let reason = format!("only one of the source and {} has it", self.ledger.replica(replica));
                self.ledger.skip(Code::ColumnLeftOut, what, reason);
            }
            return;
        }
        for finding in self.drift(entry, replica, ours, theirs, full.pair()) {
            self.finding(say, ItemKind::Definition, finding);
        }
    }

    fn drift(
        &self,
        entry: &TableEntry,
        at: usize,
        ours: &Side,
        theirs: &Side,
        full: Option<&FullPair>,
    ) -> Vec<Finding> {
        let name = &entry.name;
        drift::compare(&Pair {
            table: &name.to_string(),
            replica: self.ledger.replica(at),
            source: ours,
            other: theirs,
            full: full.map(|(ours, theirs)| (ours, theirs)),
            names: TableNames {
                folds: self.replicas.get(at).is_some_and(|listing| listing.folds_with(&self.source)),
                database_map: self.options.database_map,
            },
            ignored: &|column| self.options.filters.column(&name.database, &name.table, column).is_some(),
        })
    }

    /// Everything about the table on the source and on one replica.
    fn full(
        &self,
        ours: &Side,
        theirs: &Side,
        at: usize,
        source: &mut Link<'_>,
        replica: &mut Link<'_>,
    ) -> Result<Full> {
        if self.options.schema != SchemaScope::Full {
            return Ok(Full::NotWanted);
        }
        let read = |source: &mut Link<'_>, replica: &mut Link<'_>| {
            let ours = source.ask(|session| session.full_definition(&ours.entry.name))?;
            Ok((ours, replica.ask(|session| session.full_definition(&theirs.entry.name))?))
        };
        let mut pair: Result<FullPair> = read(source, replica);
        let differs = |pair: &FullPair| !self.drift(&ours.entry, at, ours, theirs, Some(pair)).is_empty();
        if pair.as_ref().is_ok_and(differs)
            && let Some(fence) = self.fences.get(at)
        {
            // A change of the definition may be on its way: look again after a fence.
            // One that does not get there in time is reported by its readers.
            catch_up(source, replica, fence, self.stop)?;
            pair = read(source, replica);
        }
        match pair {
            Ok(pair) => Ok(Full::Pair(Box::new(pair))),
            Err(error) if matches!(error.fault, Fault::Denied | Fault::Unsupported | Fault::Other) => {
                let name = ours.entry.name.to_string();
                let failure = Failure::new(Code::DefinitionUnread, error.to_string())
                    .with_hint("--schema rows compares what decides over rows alone");
                self.ledger.failure(failure.at(Some(&name), Some(self.ledger.replica(at))));
                Ok(Full::Unread)
            }
            Err(error) => Err(error),
        }
    }
}

/// Says that something was asked for that is not there.
pub fn unknown(ledger: &Ledger<'_>, unmatched: &Unmatched) {
    let failure =
        Failure::new(Code::TableUnknown, unmatched.message()).with_hint("check the spelling and the SELECT privilege");
    ledger.failure(failure.at(unmatched.name.as_deref(), None));
}

/// Says that a replica did not get as far as the source, so that nothing can be said to be missing there.
fn late(ledger: &Ledger<'_>, at: usize, table: Option<&TableName>) {
    let name = ledger.replica(at).to_owned();
    let text = format!("{name} did not apply the source's position in time, so its definitions may be older");
    ledger.failure(Failure::new(Code::LagTimeout, text).at(table.map(ToString::to_string).as_deref(), Some(&name)));
}

/// The whole definition of a table on the source, and on a replica.
type FullPair = (FullDefinition, FullDefinition);

/// What is known of the whole definitions.
enum Full {
    /// They are not compared.
    NotWanted,
    /// They could not be read; that has been reported.
    Unread,
    /// Both.
    Pair(Box<FullPair>),
}

impl Full {
    fn pair(&self) -> Option<&FullPair> {
        match self {
            Full::Pair(pair) => Some(pair),
            Full::NotWanted | Full::Unread => None,
        }
    }
}
