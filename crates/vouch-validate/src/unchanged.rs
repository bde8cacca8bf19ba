//! Which tables changed after a position, by the server's binlog: [`Since`].
//!
//! Invariant: a table counts as unchanged only where the server logs everything
//! and every event since is understood. What a foreign key does to another table
//! is in no binlog, so such a table changes with the one that it refers to.

use crate::connect::Connector;
use crate::refusal::Refusal;
use std::collections::HashSet;
use vouch_report::Code;
use vouch_server::{Change, Session, TableName, scan_binlog_since};

const TO_DO: &str = "hold the server against the manifest at its position, or a copy restored from its backup";

/// The tables that changed between a position and a later one.
pub struct Since {
    tables: HashSet<TableName>,
    /// Up to where it is known, at least.
    upto: String,
}

/// What changed.
pub enum Changes {
    /// These tables, and no other.
    Tables(HashSet<TableName>),
    /// It cannot be told; says why.
    Unclear(String),
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
        let asked = |error: vouch_server::ServerError| Refusal::server(&error);
        if let Err(why) = control.logs_everything().map_err(asked)? {
            return Err(refused(format!("the server's binlog cannot tell which tables changed: {why}")));
        }
        let upto = control.gtids_here().map_err(asked)?;
        match changes(control, connector, gtid)? {
            Changes::Tables(tables) => Ok(Since { tables, upto }),
            Changes::Unclear(why) => Err(refused(why)),
        }
    }

    /// Whether a table has changed.
    pub fn changed(&self, schema: &str, name: &str) -> bool {
        self.tables.contains(&TableName::new(schema, name))
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
    let (mut tables, mut unclear) = (HashSet::new(), false);
    let flavor = control.identity().flavor;
    let Connector { target, limits, registry, .. } = connector;
    let scanned = scan_binlog_since(target, *limits, registry, flavor, gtid, |change| match change {
        Change::Row { table, .. } => {
            if !tables.contains(&table) {
                tables.insert(table);
            }
        }
        Change::Unclear => unclear = true,
    });
    scanned.map_err(|error| refused(format!("the binlog since the manifest's position cannot be read: {error}")))?;
    if unclear {
        let why = "since the manifest's position the binlog has a statement, such as a change of definitions, that \
                   could have changed any table";
        return Ok(Changes::Unclear(why.to_owned()));
    }
    spread(&mut tables, &control.cascades().map_err(|error| Refusal::server(&error))?);
    Ok(Changes::Tables(tables))
}

/// Adds what foreign keys change along with these tables.
fn spread(tables: &mut HashSet<TableName>, cascades: &[(TableName, TableName)]) {
    loop {
        let reached = |(parent, child): &&(TableName, TableName)| tables.contains(parent) && !tables.contains(child);
        let more: Vec<TableName> = cascades.iter().filter(reached).map(|(_, child)| child.clone()).collect();
        if more.is_empty() {
            return;
        }
        tables.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_foreign_keys_change_counts_however_far_away() {
        let name = |table: &str| TableName::new("d", table);
        let cascades = [(name("b"), name("c")), (name("a"), name("b")), (name("x"), name("y")), (name("c"), name("a"))];
        let mut tables = HashSet::from([name("a")]);
        spread(&mut tables, &cascades);
        assert_eq!(tables, HashSet::from([name("a"), name("b"), name("c")]));
    }
}
