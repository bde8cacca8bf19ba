//! Which tables are compared: listing, filters, and plans, with everything that
//! is left out or missing said.

use crate::drift::{self, Side};
use crate::filter::Filters;
use crate::key::KeyChoice;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::plan::{Ingredients, TablePlan, plan};
use crate::sandwich::Fence;
use crate::stop::Stop;
use std::collections::{HashMap, HashSet};
use vouch_report::{Code, Failure, Finding, Proof};
use vouch_server::{Readable, Result, TableEntry, TableName};

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
}

/// The tables of all servers.
pub struct Catalog<'a> {
    options: Selection<'a>,
    ledger: &'a Ledger<'a>,
    fences: Vec<Fence>,
    stop: &'a Stop,
    source: Vec<TableEntry>,
    replicas: Vec<HashMap<TableName, TableEntry>>,
    packet: u64,
}

/// Waits until the replica has applied what the source has now. One that does not
/// get there in time is reported by its readers.
fn catch_up(source: &mut Link<'_>, replica: &mut Link<'_>, fence: &Fence, stop: &Stop) -> Result<()> {
    let position = source.ask(|session| session.source_position(fence.kind))?;
    fence.wait(replica, &position, stop).map(|_| ())
}

/// The database's name on the replicas.
fn mapped(options: Selection<'_>, name: &TableName) -> TableName {
    let other = options.database_map.iter().find(|(from, _)| *from == name.database);
    TableName::new(other.map_or(name.database.as_str(), |(_, to)| to.as_str()), name.table.as_str())
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
        let mut packet = source.ask(|session| Ok(session.identity().max_allowed_packet))?;
        let entries = source.ask(|session| session.tables())?;
        let mut theirs = Vec::new();
        for (replica, fence) in replicas.iter_mut().zip(&fences) {
            packet = packet.min(replica.ask(|session| Ok(session.identity().max_allowed_packet))?);
            let mut listed = replica.ask(|session| session.tables())?;
            let names: HashSet<&TableName> = listed.iter().map(|entry| &entry.name).collect();
            let all_there = entries.iter().all(|entry| names.contains(&mapped(options, &entry.name)));
            if listed.len() != entries.len() || !all_there {
                // A table may be on its way: what is missing behind a fence is missing.
                catch_up(source, replica, fence, stop)?;
                listed = replica.ask(|session| session.tables())?;
            }
            theirs.push(listed.into_iter().map(|entry| (entry.name.clone(), entry)).collect());
        }
        Ok(Catalog { options, ledger, fences, stop, source: entries, replicas: theirs, packet })
    }

    /// The entries that take part. With `say`, what is left out is said.
    pub fn wanted(&self, say: bool) -> Vec<&TableEntry> {
        self.source.iter().filter(|entry| self.takes_part(entry, say)).collect()
    }

    fn takes_part(&self, entry: &TableEntry, say: bool) -> bool {
        let filters = self.options.filters;
        let name = &entry.name;
        if let Some(reason) = filters.database(&name.database).or_else(|| filters.table(&name.database, &name.table)) {
            // A table outside what was asked for is only worth a line when it was excluded by name.
            self.skip(say, Code::FilteredOut, name, &reason);
            return false;
        }
        if !entry.is_base {
            self.skip(say, Code::NotATable, name, "it has no rows of its own");
            return false;
        }
        if let Some(reason) = filters.engine(&entry.engine) {
            let unsupported = filters.engine_is_unsupported(&entry.engine);
            let code = if unsupported { Code::EngineUnsupported } else { Code::FilteredOut };
            self.skip(say, code, name, &reason);
            return false;
        }
        true
    }

    fn skip(&self, say: bool, code: Code, name: &TableName, reason: &str) {
        if say {
            self.ledger.skip(code, name.to_string(), reason);
        }
    }

    /// Says which tables and databases were asked for by name and are not there.
    pub fn report_unknown(&self) {
        let has_table = |database: Option<&str>, table: &str| {
            self.source.iter().any(|e| e.name.table == table && database.is_none_or(|name| e.name.database == name))
        };
        for (database, table) in self.options.filters.exact_tables() {
            if !has_table(database.as_deref(), &table) {
                let name = database.map_or(table.clone(), |database| format!("{database}.{table}"));
                self.unknown(&format!("table {name}"), &name);
            }
        }
        for database in self.options.filters.exact_databases() {
            if self.source.iter().all(|entry| entry.name.database != database) {
                self.unknown(&format!("database {database}"), &database);
            }
        }
    }

    fn unknown(&self, what: &str, name: &str) {
        let message =
            format!("{what} was asked for and does not exist on the source, or may not be seen, or is empty of tables");
        let failure =
            Failure::new(Code::TableUnknown, message).with_hint("check the spelling and the SELECT privilege");
        self.ledger.failure(failure.at(Some(name), None));
    }

    /// Says which tables only a replica has.
    ///
    /// # Errors
    /// Those of the source.
    pub fn report_replica_only(&self, source: &mut Link<'_>) -> Result<()> {
        let ours: HashSet<TableName> = self.source.iter().map(|entry| mapped(self.options, &entry.name)).collect();
        for (at, theirs) in self.replicas.iter().enumerate() {
            let mut extra: Vec<&TableEntry> =
                theirs.values().filter(|entry| !ours.contains(&entry.name) && self.is_counterpart(entry)).collect();
            extra.sort_by(|a, b| a.name.cmp(&b.name));
            for entry in extra {
                let name = self.on_source(&entry.name);
                match source.ask(|session| session.may_read(&name))? {
                    Readable::Denied(why) => self.denied(&name, None, &why),
                    // It was created after the source was listed.
                    Readable::Yes => {}
                    Readable::Missing => {
                        let text = format!("table {} is on the replica only", entry.name);
                        self.table_finding(Code::TableReplicaOnly, text, &entry.name, at);
                    }
                }
            }
        }
        Ok(())
    }

    /// The name on the source of a replica's table.
    fn on_source(&self, name: &TableName) -> TableName {
        let back = self.options.database_map.iter().find(|(_, to)| *to == name.database);
        TableName::new(back.map_or(name.database.as_str(), |(from, _)| from.as_str()), name.table.as_str())
    }

    /// Whether a table of a replica would have been compared, had the source had it.
    fn is_counterpart(&self, entry: &TableEntry) -> bool {
        let map = self.options.database_map;
        if !map.is_empty() && map.iter().all(|(_, to)| *to != entry.name.database) {
            return false;
        }
        let name = self.on_source(&entry.name);
        self.takes_part(&TableEntry { name, ..entry.clone() }, false)
    }

    fn table_finding(&self, code: Code, message: String, name: &TableName, replica: usize) {
        let mut finding = Finding::new(code, message);
        finding.location.table = Some(name.to_string());
        finding.location.replica = Some(self.ledger.replica(replica).to_owned());
        finding.proof = Some(Proof::Proven { how: "metadata".to_owned() });
        self.ledger.finding(finding);
    }

    /// Says that an account may not read a table on one server.
    fn denied(&self, name: &TableName, replica: Option<usize>, why: &str) {
        let message = format!("{name} may not be read in all of its columns: {why}");
        let replica = replica.map(|at| self.ledger.replica(at).to_owned());
        let failure =
            Failure::new(Code::AccessDenied, message).with_hint("grant SELECT on the whole table to the account");
        self.ledger.failure(failure.at(Some(&name.to_string()), replica.as_deref()));
    }

    /// Plans one table; with `say`, schema drift is reported. `None` when it may not
    /// be read or no replica has it.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn plan(
        &self,
        entry: &TableEntry,
        source: &mut Link<'_>,
        replicas: &mut [Link<'_>],
        say: bool,
    ) -> Result<Option<TablePlan>> {
        if let Readable::Denied(why) = source.ask(|session| session.may_read(&entry.name))? {
            self.denied(&entry.name, None, &why);
            return Ok(None);
        }
        let mut ours =
            Side { entry: entry.clone(), definition: source.ask(|session| session.definition(&entry.name))? };
        let mut sides = Vec::new();
        for (at, replica) in replicas.iter_mut().enumerate() {
            let mut side = self.side(entry, at, replica, say)?;
            if let Some(side) = side.as_mut().filter(|side| !drift::same_definition(&side.definition, &ours.definition))
            {
                // A change of the definition may be on its way: look again behind a fence.
                if let Some(fence) = self.fences.get(at) {
                    catch_up(source, replica, fence, self.stop)?;
                }
                side.definition = replica.ask(|session| session.definition(&side.entry.name))?;
                ours.definition = source.ask(|session| session.definition(&entry.name))?;
            }
            if let Some(side) = side.as_ref().filter(|_| say) {
                self.report_drift(entry, at, &ours, side);
            }
            sides.push(side);
        }
        if sides.iter().all(Option::is_none) {
            return Ok(None);
        }
        Ok(Some(self.planned(&ours, &sides)))
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
        })
    }

    /// The table's side on a replica; `None` when it is not there or may not be read.
    fn side(&self, entry: &TableEntry, at: usize, replica: &mut Link<'_>, say: bool) -> Result<Option<Side>> {
        let name = mapped(self.options, &entry.name);
        let listed = self.replicas.get(at).and_then(|tables| tables.get(&name));
        match (replica.ask(|session| session.may_read(&name))?, listed) {
            (Readable::Yes, Some(listed)) => {
                let definition = replica.ask(|session| session.definition(&name))?;
                return Ok(Some(Side { entry: listed.clone(), definition }));
            }
            (Readable::Denied(why), _) => self.denied(&name, Some(at), &why),
            _ if say => {
                let text = format!("table {} is on the source only", entry.name);
                self.table_finding(Code::TableSourceOnly, text, &entry.name, at);
            }
            _ => {}
        }
        Ok(None)
    }

    fn report_drift(&self, entry: &TableEntry, replica: usize, ours: &Side, theirs: &Side) {
        let name = &entry.name;
        let ignored = |column: &str| self.options.filters.column(&name.database, &name.table, column).is_some();
        for finding in drift::compare(&name.to_string(), self.ledger.replica(replica), ours, theirs, &ignored) {
            self.ledger.finding(finding);
        }
    }
}
