//! What the rows under suspicion look like on one side.

use crate::digest::{RowDigest, RowDigester, bucket_of};
use crate::image::{Form, Token};
use crate::plan::TablePlan;
use std::collections::{HashMap, HashSet};
use vouch_report::Datum;
use vouch_server::{Bound, Extent, Interval, Reading, Result, RowView, Session, Value};

/// What stands under one identity on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFacts {
    /// Rows: 1, or more for rows without a key.
    pub count: u64,
    /// Sum of their digests.
    pub digest: RowDigest,
    /// A digest per column, of the first of them.
    pub columns: Vec<u64>,
    /// Of rows without a key, what each value is recognised by in a binlog.
    pub tokens: Vec<Token>,
    /// The values: of all columns when they are shown, else of the key columns alone.
    pub values: Vec<Option<Datum>>,
}

impl RowFacts {
    /// What has to be equal for two sides to be equal.
    pub fn mark(&self) -> (u64, RowDigest) {
        (self.count, self.digest)
    }
}

/// Rows by identity.
pub type Facts = HashMap<Vec<u8>, RowFacts>;

/// Which rows are under suspicion.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Those with these keys.
    Keys(Vec<Bound>),
    /// Those of an interval whose identity falls into one of the marked buckets.
    Buckets {
        /// The interval.
        interval: Interval,
        /// Whether the interval has no end in sight.
        unhurried: bool,
        /// A mark per bucket.
        marked: Vec<bool>,
    },
    /// Those of an interval with these identities.
    Identities {
        /// The interval.
        interval: Interval,
        /// Whether the interval has no end in sight.
        unhurried: bool,
        /// The identities.
        wanted: HashSet<Vec<u8>>,
    },
}

/// Reads the rows under suspicion.
///
/// # Errors
/// Those of the server.
pub fn read(
    session: &mut Session,
    plan: &TablePlan,
    reading: &Reading,
    scope: &Scope,
    salt: u64,
    show: bool,
) -> Result<Facts> {
    let mut collector = Collector::new(plan, salt, show);
    let extent = |unhurried: &bool| if *unhurried { Extent::AllUnhurried } else { Extent::All };
    match scope {
        Scope::Keys(keys) => session.read_keys(reading, &padded(keys), |row| collector.take(&row, |_, _| true))?,
        Scope::Buckets { interval, unhurried, marked } => {
            let inside = |identity: &[u8], salt| marked.get(bucket_of(identity, salt)).copied().unwrap_or(false);
            session.read_interval(reading, interval, extent(unhurried), |row| collector.take(&row, inside))?;
        }
        Scope::Identities { interval, unhurried, wanted } => {
            let inside = |identity: &[u8], _| wanted.contains(identity);
            session.read_interval(reading, interval, extent(unhurried), |row| collector.take(&row, inside))?;
        }
    }
    Ok(collector.facts)
}

/// Reads the rows with `keys` on the source, and keeps a shared lock on them.
///
/// # Errors
/// Those of the server; [`vouch_server::Fault::Timeout`] when somebody else holds a lock.
pub fn read_locked(session: &mut Session, plan: &TablePlan, keys: &[Bound], salt: u64) -> Result<Facts> {
    let mut collector = Collector::new(plan, salt, false);
    session.read_keys_locked(&plan.reading, &padded(keys), |row| collector.take(&row, |_, _| true))?;
    Ok(collector.facts)
}

/// Keys repeated up to a power of two, so that few different statements are prepared.
fn padded(keys: &[Bound]) -> Vec<Bound> {
    let mut padded = keys.to_vec();
    if let Some(last) = keys.last() {
        padded.resize(keys.len().next_power_of_two(), last.clone());
    }
    padded
}

struct Collector<'a> {
    digester: RowDigester,
    facts: Facts,
    plan: &'a TablePlan,
    show: bool,
    /// Forms of the columns by which rows without a key are recognised.
    forms: Vec<Form>,
}

impl<'a> Collector<'a> {
    fn new(plan: &'a TablePlan, salt: u64, show: bool) -> Self {
        let form = |name: &String| {
            let column = plan.definition.columns.iter().find(|column| column.name == *name);
            column.map_or(Form::Opaque, |column| Form::of(column, None))
        };
        let forms = if plan.key.unique { Vec::new() } else { plan.reading.columns.iter().map(form).collect() };
        Collector { digester: RowDigester::new(salt, plan.key.unique), facts: Facts::new(), plan, show, forms }
    }

    fn take(&mut self, row: &RowView<'_>, wanted: impl Fn(&[u8], u64) -> bool) {
        let digest = self.digester.digest(row);
        let salt = self.digester.salt();
        let identity = self.digester.identity(row, digest);
        if !wanted(identity, salt) {
            return;
        }
        let identity = identity.to_vec();
        let known = self.facts.get_mut(&identity);
        if let Some(facts) = known {
            facts.count = facts.count.saturating_add(1);
            facts.digest = facts.digest.wrapping_add(digest);
            return;
        }
        let facts = RowFacts {
            count: 1,
            digest,
            columns: self.digester.columns(row),
            tokens: self.tokens(row),
            values: self.shown(row),
        };
        self.facts.insert(identity, facts);
    }

    fn tokens(&self, row: &RowView<'_>) -> Vec<Token> {
        row.values().zip(&self.forms).map(|(value, form)| form.of_sql(&value.to_value())).collect()
    }

    fn shown(&self, row: &RowView<'_>) -> Vec<Option<Datum>> {
        let is_key = |name: &String| self.plan.key.columns.iter().any(|column| column.name == *name);
        let names = self.plan.reading.columns.iter();
        row.values()
            .zip(names)
            .map(|(value, name)| match is_key(name) {
                true => Some(datum(&value.to_value())),
                false => self.show.then(|| excerpt(&value.to_value())),
            })
            .collect()
    }
}

/// Longest value that is kept in full beside the key, in bytes. A judgement: a value of a key has 3072 bytes at most, and
/// 10,000 findings with such values of two columns still fit into memory.
const LONGEST: usize = 16 << 10;

/// Characters of a longer value that are kept.
const START: usize = 200;

/// A value for a report, in full.
pub fn datum(value: &Value) -> Datum {
    match value {
        Value::NULL => Datum::Null,
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => Datum::Text(text.to_owned()),
            _ => Datum::Bytes(bytes.clone()),
        },
        Value::Float(number) => Datum::Text(format!("{number:?}")),
        Value::Double(number) => Datum::Text(format!("{number:?}")),
        other => Datum::Text(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

/// A value for a report: in full unless it is very long.
fn excerpt(value: &Value) -> Datum {
    match value {
        Value::Bytes(bytes) if bytes.len() > LONGEST => {
            // A character takes at most four bytes; one that the cut divides is left out.
            let head = bytes.get(..START.saturating_mul(4)).unwrap_or(bytes);
            let text =
                |cut: usize| datum(&Value::Bytes(head.get(..head.len().saturating_sub(cut)).unwrap_or(head).to_vec()));
            let start = (0..4).map(text).find(|start| matches!(start, Datum::Text(_))).unwrap_or_else(|| text(0));
            let xxh3 = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes));
            let start = start.to_string().chars().take(START).collect();
            Datum::Excerpt { start, bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX), xxh3 }
        }
        value => datum(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_a_person_writes_them() {
        let text = |value: Value| datum(&value).to_string();
        assert_eq!(text(Value::Int(-3)), "-3");
        assert_eq!(text(Value::from("it's")), "it's");
        assert_eq!(text(Value::Bytes(vec![0xFF, 0])), "0xFF00");
        assert_eq!(text(Value::Date(2026, 1, 2, 3, 4, 5, 0)), "2026-01-02 03:04:05");
        assert_eq!(text(Value::Double(-0.0)), "-0.0");
    }

    #[test]
    fn values_are_whole_and_keep_their_type() {
        assert_ne!(datum(&Value::NULL), datum(&Value::from("NULL")));
        assert_ne!(datum(&Value::Bytes(vec![0xFF])), datum(&Value::from("0xFF")));
        let long = "ü".repeat(3000);
        assert_eq!(excerpt(&Value::from(long.as_str())), Datum::Text(long));
        let longer = |last: &str| excerpt(&Value::from(format!("a{}{last}", "ü".repeat(40_000)).as_str()));
        let Datum::Excerpt { start, bytes, .. } = longer("x") else { panic!("it is not cut") };
        assert_eq!((start.chars().count(), bytes), (START, 80_002));
        assert!(start.starts_with("aü") && longer("x") != longer("y"));
        let Datum::Excerpt { start, .. } = excerpt(&Value::Bytes(vec![0xFF; 70_000])) else { panic!("it is not cut") };
        assert!(start.starts_with("0xFFFF"), "{start}");
    }

    #[test]
    fn keys_are_padded_with_the_last_one() {
        let keys = vec![vec![Value::Int(1)], vec![Value::Int(2)], vec![Value::Int(3)]];
        assert_eq!(padded(&keys).len(), 4);
        assert_eq!(padded(&keys)[3], vec![Value::Int(3)]);
    }
}
