//! Which tables changed after a position, by the server's binlog: [`Since`].
//!
//! Invariant: a table counts as unchanged only where the server logs everything
//! and every event since is understood. What a foreign key does to another table
//! is in no binlog, so such a table changes with the one that it refers to.

use crate::connect::Connector;
use crate::refusal::refuse_server;
use std::collections::HashSet;
use vouch_report::{Code, Refusal};
use vouch_server::{Cascade, Change, LogPlace, Reach, ServerError, Session, scan_binlog_since};

const TO_DO: &str = "hold the server against the manifest at its position, or a copy restored from its backup";

/// What changed between a position and a later one.
pub struct Since {
    changed: Changed,
    /// Up to where it is known, at least.
    upto: String,
}

/// What changed since.
pub enum Changes {
    /// This, and nothing else.
    Known(Changed),
    /// It cannot be told; says why.
    Unclear(String),
}

/// Tables and databases that changed, in lower case: servers may fold the names that a statement spells.
#[derive(Default)]
pub struct Changed {
    tables: HashSet<(String, String)>,
    databases: HashSet<String>,
    objects: Option<String>,
}

impl Changed {
    fn add(&mut self, database: &str, table: &str) {
        let table = (database.to_lowercase(), table.to_lowercase());
        if !self.tables.contains(&table) {
            self.tables.insert(table);
        }
    }

    /// Whether a table has changed.
    pub fn has(&self, database: &str, table: &str) -> bool {
        let (database, table) = (database.to_lowercase(), table.to_lowercase());
        self.databases.contains(&database) || self.tables.contains(&(database, table))
    }

    /// Takes in a change; says why where that could have changed any table.
    fn take(&mut self, change: Change) -> Result<(), String> {
        match change {
            Change::Row(row) => self.add(&row.table.database, &row.table.table),
            Change::Tables { reach: Reach::Beyond, statement, at, .. } => {
                let why = "may have changed any table by triggers and functions";
                return Err(format!("{} {why}", named(&format!("the statement {statement} …"), &at)));
            }
            Change::Tables { tables, .. } => tables.iter().for_each(|table| self.add(&table.database, &table.table)),
            Change::Database { name, .. } => drop(self.databases.insert(name.to_lowercase())),
            Change::Objects { statement, at } => {
                self.objects.get_or_insert_with(|| named(&format!("the statement {statement} …"), &at));
            }
            Change::Unclear { what, at } => {
                return Err(format!("{} could have changed any table", named(&what, &at)));
            }
        }
        Ok(())
    }

    /// Adds what foreign keys change along with these tables.
    fn spread(&mut self, cascades: &[Cascade]) {
        loop {
            let reached = |key: &&Cascade| {
                self.has(&key.parent.database, &key.parent.table) && !self.has(&key.child.database, &key.child.table)
            };
            let more: Vec<&Cascade> = cascades.iter().filter(reached).collect();
            if more.is_empty() {
                return;
            }
            more.iter().for_each(|key| self.add(&key.child.database, &key.child.table));
        }
    }
}

fn named(what: &str, at: &LogPlace) -> String {
    format!("{what} at {}:{}", at.file, at.offset)
}

fn refused(message: String) -> Refusal {
    Refusal::new(Code::PositionRefused, message, TO_DO)
}

impl Since {
    /// Reads the binlog from `gtid` on to where it ends now.
    ///
    /// # Errors
    /// A [`Refusal`] when the server does not log everything, its log does not reach back that far, or it cannot
    /// be told what an event changed.
    pub fn learn(control: &mut Session, connector: &Connector, gtid: &str) -> Result<Since, Refusal> {
        let asked = |error: ServerError| refuse_server(&error);
        if let Err(why) = control.logs_everything().map_err(asked)? {
            return Err(refused(format!("the server's binlog cannot tell which tables changed: {why}")));
        }
        let upto = control.gtids_here().map_err(asked)?;
        match changes(control, connector, gtid)? {
            Changes::Known(changed) => Ok(Since { changed, upto }),
            Changes::Unclear(why) => Err(refused(why)),
        }
    }

    /// Whether a table has changed.
    pub fn changed(&self, schema: &str, name: &str) -> bool {
        self.changed.has(schema, name)
    }

    /// The first statement that changed a view, routine, trigger or event, and its place in the binlog.
    pub fn objects_changed(&self) -> Option<&str> {
        self.changed.objects.as_deref()
    }

    /// What changed since it was learnt.
    ///
    /// # Errors
    /// Those of [`Since::learn`].
    pub fn go_on(self, control: &mut Session, connector: &Connector) -> Result<Changes, Refusal> {
        changes(control, connector, &self.upto)
    }
}

fn changes(control: &mut Session, connector: &Connector, gtid: &str) -> Result<Changes, Refusal> {
    let (mut changed, mut unclear) = (Changed::default(), None);
    let flavor = control.identity().flavor;
    let Connector { target, limits, registry, .. } = connector;
    let scanned = scan_binlog_since(target, *limits, registry, flavor, gtid, |change| {
        if let Err(why) = changed.take(change) {
            unclear.get_or_insert(why);
        }
    });
    scanned.map_err(|error| refused(format!("the binlog since the manifest's position cannot be read: {error}")))?;
    if let Some(why) = unclear {
        return Ok(Changes::Unclear(format!("since the manifest's position, {why}")));
    }
    changed.spread(&control.cascades().map_err(|error| refuse_server(&error))?);
    Ok(Changes::Known(changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_server::TableName;

    #[test]
    fn what_foreign_keys_change_counts_however_far_away() {
        let name = |table: &str| TableName::new("d", table);
        let key = |parent: &str, child: &str| Cascade { parent: name(parent), child: name(child), columns: Vec::new() };
        let cascades = [key("b", "c"), key("A", "b"), key("x", "y"), key("c", "a")];
        let mut changed = Changed::default();
        changed.add("d", "a");
        changed.spread(&cascades);
        let all = ["a", "B", "c", "x", "y"].map(|table| changed.has("d", table));
        assert_eq!(all, [true, true, true, false, false]);
    }
}
