//! The source's binlog around a sandwich: did anybody change the row meanwhile?
//!
//! Read from a place before the first read to one after the last, as a replica
//! reads it, without any lock. Invariant: a row is called still only when every event in
//! between was understood, and none of them may have changed it.

use crate::encode;
use crate::finding::Seen;
use crate::image::{Form, Token};
use crate::link::Link;
use crate::plan::TablePlan;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vouch_server::{
    Cascade, Change, Image, LogFilter, LogPlace, Reach, Result, RowChange, Session, TableName, scan_binlog,
};

/// Where the source's binlog ended at some moments of the recent past.
#[derive(Default)]
pub struct Marks {
    places: Mutex<VecDeque<(Instant, LogPlace)>>,
}

/// A transaction is in the binlog a moment before its effects are visible and
/// before its GTID is listed. A window starts this long before the first read,
/// so that whatever was in that moment lies inside it.
const LOOK_BACK: Duration = Duration::from_millis(200);

/// Most bytes of binlog that are read for one window: some seconds of reading.
const LONGEST_WINDOW: u64 = 1 << 30;

impl Marks {
    /// Notes where the binlog ends now. Without the privilege nothing is noted.
    pub fn take(&self, source: &mut Link<'_>) {
        if let Ok(place) = source.ask(|session| session.log_place()) {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.push_back((Instant::now(), place));
            while places.len() > 100 {
                places.pop_front();
            }
        }
    }

    /// How long to wait until a read that begins then has a mark that is old
    /// enough; nothing when there is one, or none at all.
    pub fn ready_in(&self) -> Duration {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.front().map_or(Duration::ZERO, |(at, _)| LOOK_BACK.saturating_sub(at.elapsed()))
    }

    /// The latest mark that is old enough for a window around a read that begins at `start`.
    pub fn before(&self, start: Instant) -> Option<LogPlace> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().rev().find(|(at, _)| *at + LOOK_BACK <= start).map(|(_, place)| place.clone())
    }
}

/// What a window says about one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Nobody changed it.
    Still,
    /// No event changed it, but the log does not hold everything: proven neither way.
    Unlogged,
    /// Somebody changed it, or a row that cannot be told from it.
    Moved,
    /// Its table was changed, and whether that was this row cannot be told; says by what.
    Unclear(String),
}

/// A table whose changes may change rows of another one by foreign keys that act.
#[derive(Debug)]
struct Ancestor {
    table: TableName,
    /// Where the columns stand that are referred to; `None` when that is not known.
    columns: Option<Vec<usize>>,
}

impl Ancestor {
    /// Whether a change of a row of it acts on other tables. Inserting a row never does, nor does an update that leaves
    /// alone what is referred to.
    fn acts(&self, change: &RowChange) -> bool {
        let (before, after) = match (&change.before, &change.after) {
            (None, _) => return false,
            (Some(_), None) => return true,
            (Some(before), Some(after)) => (before, after),
        };
        let Some(columns) = &self.columns else { return true };
        let value = |image: &'_ Image, at: usize| image.get(at).cloned().flatten();
        columns.iter().any(|&at| value(after, at).is_some_and(|after| value(before, at) != Some(after)))
    }
}

/// Whether two names may be of one table: statements spell them as their authors do, and servers may fold case.
fn same(one: &TableName, other: &TableName) -> bool {
    let alike = |one: &str, other: &str| one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase();
    alike(&one.table, &other.table) && alike(&one.database, &other.database)
}

/// The tables from which foreign keys lead to `table`, over any number of others.
fn ancestors(table: &TableName, cascades: &[Cascade]) -> Vec<(TableName, HashSet<String>)> {
    let mut found: Vec<(TableName, HashSet<String>)> = Vec::new();
    let mut next = vec![table.clone()];
    while let Some(child) = next.pop() {
        for key in cascades.iter().filter(|key| same(&key.child, &child)) {
            match found.iter_mut().find(|(name, _)| same(name, &key.parent)) {
                Some((_, columns)) => columns.extend(key.columns.iter().cloned()),
                None => {
                    found.push((key.parent.clone(), key.columns.iter().cloned().collect()));
                    next.push(key.parent.clone());
                }
            }
        }
    }
    found
}

/// What may change rows of the table unseen: asked before a window is read, since a change of definitions within it
/// is seen there.
fn unseen_ways(source: &mut Session, table: &TableName) -> Result<Vec<Ancestor>> {
    if source.logs_cascades()? {
        return Ok(Vec::new());
    }
    let cascades = source.cascades()?;
    let placed = |(table, columns): (TableName, HashSet<String>)| {
        let definition = source.definition(&table)?;
        let place = |name: &String| definition.columns.iter().position(|column| column.name == *name);
        let columns = Some(columns).filter(|columns| !columns.is_empty());
        Ok(Ancestor { table, columns: columns.and_then(|columns| columns.iter().map(place).collect()) })
    };
    ancestors(table, &cascades).into_iter().map(placed).collect()
}

/// A column by which rows are recognised: its ordinal in the table, and the form of its values.
type Part = (usize, Form);

/// The columns by which rows of a table are recognised: those of its key, or all that are compared.
fn parts(plan: &TablePlan, replica: usize) -> Vec<Part> {
    let theirs = plan.replica_definitions.get(replica).and_then(Option::as_ref);
    let names: Vec<&String> = match plan.key.unique {
        true => plan.key.columns.iter().map(|column| &column.name).collect(),
        false => plan.reading.columns.iter().collect(),
    };
    let part = |name: &String| {
        let at = plan.definition.columns.iter().position(|column| column.name == *name);
        // What is read as text of another charset is not what events hold.
        let converted = plan.reading.converted.iter().any(|column| column.name == *name);
        let column = at.and_then(|at| plan.definition.columns.get(at)).filter(|_| !converted);
        (at.unwrap_or(usize::MAX), column.map_or(Form::Opaque, |column| Form::of(column, theirs)))
    };
    names.into_iter().map(part).collect()
}

/// The tokens of a row that differs, one for each part.
fn tokens_of(plan: &TablePlan, parts: &[Part], seen: &Seen) -> Vec<Token> {
    if plan.key.unique {
        // Without a token nothing tells the row from others, and its table's changes make it unclear.
        let values = encode::decode(&seen.identity);
        let token = |(at, (_, form)): (usize, &Part)| form.of_sql(values.as_ref()?.get(at)?);
        return parts.iter().enumerate().map(token).collect();
    }
    let facts = seen.source.as_ref().or(seen.replica.as_ref());
    let token = |(at, (_, form)): (usize, &Part)| facts?.tokens.get(at).copied().flatten().filter(|_| form.is_known());
    parts.iter().enumerate().map(token).collect()
}

/// Rows by the tokens of some of their parts.
type Lookup = HashMap<Vec<u64>, Vec<usize>>;

/// What is looked for in a window, and what was found.
struct Watch<'a> {
    plan: &'a TablePlan,
    parts: Vec<Part>,
    rows: Vec<Vec<Token>>,
    /// Parts of which every row has a token.
    known: Vec<bool>,
    lookups: HashMap<Vec<bool>, Lookup>,
    ancestors: Vec<Ancestor>,
    moved: Vec<bool>,
    unclear: Option<String>,
    beyond: bool,
}

impl<'a> Watch<'a> {
    fn new(plan: &'a TablePlan, parts: Vec<Part>, rows: Vec<Vec<Token>>, ancestors: Vec<Ancestor>) -> Self {
        let known = |at: usize| rows.iter().all(|row| row.get(at).is_some_and(Option::is_some));
        let known = (0..parts.len()).map(known).collect();
        let moved = vec![false; rows.len()];
        Watch { plan, parts, rows, known, lookups: HashMap::new(), ancestors, moved, unclear: None, beyond: false }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Row(row) => self.row(row),
            Change::Tables { tables, reach, statement, at } => {
                if tables.iter().any(|table| self.concerns(table)) {
                    self.doubt(&statement, &at);
                }
                self.beyond |= reach == Reach::Beyond;
            }
            Change::Database { name, statement, at } => {
                let of_it = |table: &TableName| table.database.to_lowercase() == name.to_lowercase();
                if of_it(&self.plan.name) || self.ancestors.iter().any(|ancestor| of_it(&ancestor.table)) {
                    self.doubt(&statement, &at);
                }
            }
            Change::Objects { .. } => {}
            Change::Unclear { what, at } => self.doubt(&what, &at),
        }
    }

    fn concerns(&self, table: &TableName) -> bool {
        same(table, &self.plan.name) || self.ancestors.iter().any(|ancestor| same(table, &ancestor.table))
    }

    fn doubt(&mut self, what: &str, at: &LogPlace) {
        self.unclear.get_or_insert_with(|| format!("{what} at {}:{}", at.file, at.offset));
    }

    fn row(&mut self, change: RowChange) {
        let acts = |ancestor: &Ancestor| same(&change.table, &ancestor.table) && ancestor.acts(&change);
        if let Some(ancestor) = self.ancestors.iter().find(|ancestor| acts(ancestor)) {
            let text = format!("foreign keys act on it when rows of {} change, which is in no binlog", ancestor.table);
            self.unclear.get_or_insert(text);
        }
        if !same(&change.table, &self.plan.name) {
            return;
        }
        if let Some(before) = &change.before {
            self.image(before);
        }
        if let Some(mut after) = change.after {
            // What a small image leaves out did not change.
            for (value, before) in after.iter_mut().zip(change.before.into_iter().flatten()) {
                *value = value.take().or(before);
            }
            self.image(&after);
        }
    }

    /// Notes as moved the rows that an image cannot be told from.
    fn image(&mut self, image: &Image) {
        let token = |&(at, form): &Part| image.get(at).and_then(Option::as_ref).and_then(|value| form.of_event(value));
        let tokens: Vec<Token> = self.parts.iter().map(token).collect();
        let mask: Vec<bool> = tokens.iter().zip(&self.known).map(|(token, known)| *known && token.is_some()).collect();
        let of_mask = |row: &[Token]| -> Vec<u64> {
            row.iter().zip(&mask).filter(|(_, in_mask)| **in_mask).map(|(token, _)| token.unwrap_or(0)).collect()
        };
        let wanted = of_mask(&tokens);
        let rows = &self.rows;
        let lookup = self.lookups.entry(mask.clone()).or_insert_with(|| {
            let mut lookup = Lookup::new();
            rows.iter().enumerate().for_each(|(at, row)| lookup.entry(of_mask(row)).or_default().push(at));
            lookup
        });
        for &at in lookup.get(&wanted).map_or(&[][..], Vec::as_slice) {
            if let Some(moved) = self.moved.get_mut(at) {
                *moved = true;
            }
        }
    }

    fn motion(&self, at: usize) -> Motion {
        match (self.moved.get(at), &self.unclear) {
            (Some(false), None) if self.beyond => Motion::Unlogged,
            (Some(false), None) => Motion::Still,
            (Some(false), Some(why)) => Motion::Unclear(why.clone()),
            (Some(true) | None, _) => Motion::Moved,
        }
    }
}

/// How each of the rows moved between `from` and the present end of the binlog, in their order. A window that cannot
/// be read says of no row that it stood still.
pub fn motions(
    source: &mut Link<'_>,
    plan: &TablePlan,
    replica: usize,
    from: &LogPlace,
    filter: &LogFilter,
    seen: &[Seen],
) -> Vec<Motion> {
    match read(source, plan, replica, from, filter, seen) {
        Ok(motions) => motions,
        Err(error) => vec![Motion::Unclear(format!("the binlog could not be read: {error}")); seen.len()],
    }
}

fn read(
    source: &mut Link<'_>,
    plan: &TablePlan,
    replica: usize,
    from: &LogPlace,
    filter: &LogFilter,
    seen: &[Seen],
) -> Result<Vec<Motion>> {
    let ancestors = source.ask(|session| unseen_ways(session, &plan.name))?;
    let logged = |table: &TableName| filter.logs(&table.database);
    if !logged(&plan.name) || !ancestors.iter().all(|ancestor| logged(&ancestor.table)) {
        return Ok(vec![Motion::Unlogged; seen.len()]);
    }
    let to = source.ask(|session| session.log_place())?;
    let start = if to.file == from.file { from.offset } else { 0 };
    if to.offset.saturating_sub(start) > LONGEST_WINDOW {
        let text = format!("more than {} MiB of binlog were written meanwhile", LONGEST_WINDOW >> 20);
        return Ok(vec![Motion::Unclear(text); seen.len()]);
    }
    let parts = parts(plan, replica);
    let rows = seen.iter().map(|seen| tokens_of(plan, &parts, seen)).collect();
    let mut watch = Watch::new(plan, parts, rows, ancestors);
    let dial = source.dial();
    scan_binlog(&dial.target, dial.limits, &dial.registry, from, &to, |change| watch.take(change))?;
    Ok((0..seen.len()).map(|at| watch.motion(at)).collect())
}

#[cfg(test)]
mod tests;
