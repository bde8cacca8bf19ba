//! The names of the tables of one server, and how it tells them apart.
//!
//! A server with `lower_case_table_names` other than 0 finds tables without regard to
//! case. Where either side does so, tables of both are matched that way.

use crate::ledger::Ledger;
use crate::link::Link;
use std::collections::{BTreeMap, HashMap};
use vouch_report::Event;
use vouch_server::{NameFilter, NamePart, Result, TableEntry, TableName};

/// A database with more tables than this is not described at once: its server may have
/// to open every table for that, which takes minutes with many. A judgement.
const DESCRIBED_AT_ONCE: usize = 1_000;

/// A server with more tables than this is asked only for those that may take part: with fewer, each table that is left
/// out can be named. A judgement.
const LISTED_IN_FULL: u64 = 1_000;

/// Tables that are described between two words about progress.
const DESCRIBED_BETWEEN: usize = 200;

/// What a listing is about.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The names that may take part, as they are on this server; none stands for all.
    pub names: &'a [(NamePart, NamePart)],
    /// Whether these names are matched without regard to case.
    pub folds: bool,
}

/// How a server finds tables: whether with regard to case.
///
/// # Errors
/// Those of the server.
pub fn folds(link: &mut Link<'_>) -> Result<bool> {
    let setting = link.ask(|session| session.variable("lower_case_table_names"))?;
    Ok(setting.is_some_and(|value| value != "0"))
}

/// The tables that a server lists.
#[derive(Debug, Default)]
pub struct Listing {
    folds: bool,
    /// The number of tables and views of each database, those that are not listed among them.
    databases: BTreeMap<String, u64>,
    /// By name, whether it has rows of its own.
    names: BTreeMap<TableName, bool>,
    folded: HashMap<TableName, Vec<TableName>>,
}

fn fold(name: &TableName) -> TableName {
    TableName::new(name.database.to_lowercase(), name.table.to_lowercase())
}

impl Listing {
    /// Asks a server.
    ///
    /// # Errors
    /// Those of the server.
    pub fn read(link: &mut Link<'_>, folds: bool, wanted: Wanted<'_>, ledger: &Ledger<'_>) -> Result<Self> {
        let databases: BTreeMap<String, u64> = link.ask(|session| session.table_counts())?.into_iter().collect();
        let all = databases.values().fold(0, |sum: u64, tables| sum.saturating_add(*tables));
        ledger.tell(&Event::Listing { server: link.name().to_owned(), done: 0, tables: all });
        let any_of = if all > LISTED_IN_FULL { wanted.names.to_vec() } else { Vec::new() };
        let filter = NameFilter { any_of, folds: wanted.folds };
        let names = link.ask(|session| session.table_names(&filter))?;
        Ok(Listing { databases, ..Listing::new(folds, names) })
    }

    fn new(folds: bool, names: Vec<(TableName, bool)>) -> Self {
        let mut folded: HashMap<TableName, Vec<TableName>> = HashMap::new();
        for (name, _) in &names {
            folded.entry(fold(name)).or_default().push(name.clone());
        }
        Listing { folds, databases: BTreeMap::new(), names: names.into_iter().collect(), folded }
    }

    /// Databases that have any table.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// The number of tables and views that were not asked for.
    pub fn unlisted(&self) -> u64 {
        let all = self.databases.values().fold(0, |sum: u64, tables| sum.saturating_add(*tables));
        all.saturating_sub(vouch_convert::widen(self.names.len()))
    }

    /// Whether the server finds tables without regard to case.
    pub fn folds(&self) -> bool {
        self.folds
    }

    /// Whether names of this server and another one are matched without regard to case.
    pub fn folds_with(&self, other: &Listing) -> bool {
        self.folds || other.folds
    }

    /// Names, in order.
    pub fn names(&self) -> impl Iterator<Item = &TableName> {
        self.names.keys()
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether it is there and has rows of its own.
    pub fn has_rows(&self, name: &TableName) -> bool {
        self.names.get(name).copied().unwrap_or(false)
    }

    /// The table here that corresponds to `name` of a `source`: the very name, or the only one that differs by
    /// case alone and is not the counterpart of another table.
    pub fn find(&self, name: &TableName, source: &Listing) -> Option<&TableName> {
        if let Some((exact, _)) = self.names.get_key_value(name) {
            return Some(exact);
        }
        if !self.folds_with(source) {
            return None;
        }
        match self.folded.get(&fold(name)).map(Vec::as_slice) {
            Some([only]) if !source.names.contains_key(only) => Some(only),
            _ => None,
        }
    }

    /// Everything that the server lists about tables with rows whose name is `wanted`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn describe(
        &self,
        link: &mut Link<'_>,
        ledger: &Ledger<'_>,
        wanted: impl Fn(&TableName) -> bool,
    ) -> Result<BTreeMap<TableName, TableEntry>> {
        let mut databases: BTreeMap<&str, Vec<&TableName>> = BTreeMap::new();
        for (name, _) in self.names.iter().filter(|(name, has_rows)| **has_rows && wanted(name)) {
            databases.entry(&name.database).or_default().push(name);
        }
        let tables = vouch_convert::widen(databases.values().map(Vec::len).sum());
        let mut entries = BTreeMap::new();
        for (database, wanted) in databases {
            let all = self.databases.get(database).map_or(0, |all| vouch_convert::to_size(*all));
            let at_once = all <= DESCRIBED_AT_ONCE && wanted.len().saturating_mul(4) > all;
            let mut listed: HashMap<TableName, TableEntry> = HashMap::new();
            if at_once {
                let tables = link.ask(|session| session.tables_of(database))?;
                listed.extend(tables.into_iter().map(|entry| (entry.name.clone(), entry)));
            }
            for name in wanted {
                if entries.len().is_multiple_of(DESCRIBED_BETWEEN) {
                    let (server, done) = (link.name().to_owned(), vouch_convert::widen(entries.len()));
                    ledger.tell(&Event::Listing { server, done, tables });
                }
                let entry = match listed.remove(name) {
                    Some(entry) => Some(entry),
                    None => link.ask(|session| session.table(name))?,
                };
                // One that is gone by now is found missing when it is planned.
                entries.insert(name.clone(), entry.unwrap_or_else(|| undescribed(name)));
            }
        }
        Ok(entries)
    }
}

fn undescribed(name: &TableName) -> TableEntry {
    TableEntry {
        name: name.clone(),
        is_base: true,
        versioned_until: None,
        engine: String::new(),
        row_format: String::new(),
        collation: String::new(),
        rows: 0,
        bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(folds: bool, names: &[&str]) -> Listing {
        Listing::new(folds, names.iter().map(|name| (TableName::new("d", *name), true)).collect())
    }

    fn found(replica: &Listing, name: &str, source: &Listing) -> Option<String> {
        replica.find(&TableName::new("d", name), source).map(|name| name.table.clone())
    }

    #[test]
    fn case_counts_unless_a_side_folds_it() {
        let source = listing(false, &["Orders"]);
        assert_eq!(found(&listing(false, &["orders"]), "Orders", &source), None);
        assert_eq!(found(&listing(true, &["orders"]), "Orders", &source).as_deref(), Some("orders"));
        assert_eq!(found(&listing(false, &["Orders"]), "Orders", &source).as_deref(), Some("Orders"));
    }

    #[test]
    fn two_tables_never_share_a_counterpart() {
        let source = listing(false, &["Orders", "orders"]);
        let replica = listing(true, &["orders"]);
        assert_eq!(found(&replica, "orders", &source).as_deref(), Some("orders"));
        assert_eq!(found(&replica, "Orders", &source), None);
        let source = listing(true, &["orders"]);
        assert_eq!(found(&listing(false, &["Orders", "ORDERS"]), "orders", &source), None);
    }
}
