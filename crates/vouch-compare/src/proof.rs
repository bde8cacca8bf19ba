//! Proving a difference: that nobody changed the row while both sides were read.
//!
//! By the source's binlog, read from a place before the first read to one after
//! the last, which takes no lock; or, only when asked for, by a shared lock on the rows.

use crate::encode;
use crate::facts::{self, Scope};
use crate::link::Link;
use crate::plan::TablePlan;
use crate::sandwich::{Fence, Fenced, Layers};
use crate::stop::Stop;
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vouch_server::{Bound, Change, LogPlace, Position, Reading, Result, Value, scan_binlog};

/// Where the source's binlog ended at some moments of the recent past.
#[derive(Default)]
pub struct Marks {
    places: Mutex<VecDeque<(Instant, LogPlace)>>,
}

/// A transaction is in the binlog a moment before its effects are visible and
/// before its GTID is listed. A window starts this long before the first read,
/// so that whatever was in that moment lies inside it.
const LOOK_BACK: Duration = Duration::from_millis(200);

/// Most bytes of binlog that are read for one proof.
const LONGEST_WINDOW: u64 = 256 << 20;

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

    /// The latest mark that is old enough for a window around a read that begins at `start`.
    pub fn before(&self, start: Instant) -> Option<LogPlace> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().rev().find(|(at, _)| *at + LOOK_BACK <= start).map(|(_, place)| place.clone())
    }
}

/// What the binlog says changed in one table.
#[derive(Debug, Default)]
pub struct Touched {
    everything: bool,
    keys: HashSet<Vec<u64>>,
}

/// The integer columns of a key: their ordinals in the table and widths in bits.
fn integer_parts(plan: &TablePlan) -> Vec<(usize, usize, u32)> {
    let part = |(place, key): (usize, &vouch_server::KeyColumn)| {
        let ordinal = plan.definition.columns.iter().position(|column| column.name == key.name)?;
        let bits = match plan.definition.columns.get(ordinal)?.data_type.as_str() {
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            "bigint" => 64,
            _ => return None,
        };
        Some((place, ordinal, bits))
    };
    plan.key.columns.iter().enumerate().filter_map(part).collect()
}

/// A number as its low bits: images in a binlog may have lost their sign.
fn low_bits(value: &Value, bits: u32) -> Option<u64> {
    let number = match value {
        Value::Int(number) => number.cast_unsigned(),
        Value::UInt(number) => *number,
        _ => return None,
    };
    Some(if bits >= 64 { number } else { number & ((1 << bits) - 1) })
}

impl Touched {
    fn take(&mut self, change: Change, plan: &TablePlan, parts: &[(usize, usize, u32)]) {
        match change {
            Change::Unclear => self.everything = true,
            Change::Row { table, image } if table == plan.name => {
                let value = |ordinal: usize| image.get(ordinal).and_then(Option::as_ref);
                let key: Option<Vec<u64>> =
                    parts.iter().map(|&(_, at, bits)| value(at).and_then(|value| low_bits(value, bits))).collect();
                match key.filter(|key| !key.is_empty()) {
                    Some(key) => drop(self.keys.insert(key)),
                    None => self.everything = true,
                }
            }
            Change::Row { .. } => {}
        }
    }

    /// Whether the row with that identity may have changed. Errs on the side of yes.
    fn may_hold(&self, identity: &[u8], parts: &[(usize, usize, u32)]) -> bool {
        if self.everything || self.keys.is_empty() {
            return self.everything;
        }
        let values = encode::decode(identity).unwrap_or_default();
        let key: Option<Vec<u64>> =
            parts.iter().map(|&(place, _, bits)| values.get(place).and_then(|value| low_bits(value, bits))).collect();
        key.is_none_or(|key| self.keys.contains(&key))
    }
}

/// Which of `identities` are proven to differ by the binlog between `from` and its
/// present end. Empty when it cannot be read.
pub fn by_binlog(source: &mut Link<'_>, plan: &TablePlan, from: &LogPlace, identities: &[Vec<u8>]) -> HashSet<Vec<u8>> {
    let Ok(to) = source.ask(|session| session.log_place()) else { return HashSet::new() };
    let too_long = to.file != from.file && to.offset > LONGEST_WINDOW
        || to.file == from.file && to.offset.saturating_sub(from.offset) > LONGEST_WINDOW;
    if too_long {
        return HashSet::new();
    }
    let parts = if plan.key.unique { integer_parts(plan) } else { Vec::new() };
    let mut touched = Touched::default();
    let dial = source.dial();
    let scanned = scan_binlog(&dial.target, dial.limits, &dial.registry, from, &to, |change| {
        touched.take(change, plan, &parts);
    });
    match scanned {
        Ok(()) => identities.iter().filter(|identity| !touched.may_hold(identity, &parts)).cloned().collect(),
        Err(_) => HashSet::new(),
    }
}

/// How long a shared lock may be held.
const LOCK_FOR: Duration = Duration::from_millis(800);

/// What is to be proven under a lock.
pub struct LockTask<'a> {
    /// The table.
    pub plan: &'a TablePlan,
    /// What is read on the replica.
    pub reading: &'a Reading,
    /// What a sandwich saw.
    pub layers: &'a Layers,
    /// The keys of the rows that differ.
    pub keys: &'a [Bound],
    /// The run's salt.
    pub salt: u64,
}

/// Which of the rows are proven to differ while a shared lock keeps the source
/// still: those whose source and replica are as the sandwich saw them.
///
/// # Errors
/// Those of the servers; a row that is locked by somebody else proves nothing.
pub fn by_lock(
    source: &mut Link<'_>,
    replica: &mut Link<'_>,
    task: &LockTask<'_>,
    fence: &Fence,
    stop: &Stop,
) -> Result<HashSet<Vec<u8>>> {
    let started = Instant::now();
    let Ok((held, position)) = lock(source, task, fence) else {
        source.ask(|session| session.release())?;
        return Ok(HashSet::new());
    };
    let short = Fence { wait_timeout: LOCK_FOR / 2, ..fence.clone() };
    let theirs = short.wait(replica, &position, stop).and_then(|fenced| match fenced {
        Fenced::TooLate => Ok(None),
        Fenced::Reached => {
            let scope = Scope::Keys(task.keys.to_vec());
            replica.ask(|s| facts::read(s, task.plan, task.reading, &scope, task.salt, false)).map(Some)
        }
    });
    source.ask(|session| session.release())?;
    let Some(theirs) = theirs?.filter(|_| started.elapsed() <= LOCK_FOR) else { return Ok(HashSet::new()) };
    let same = |identity: &Vec<u8>| {
        let mark = |facts: &facts::Facts| facts.get(identity).map(facts::RowFacts::mark);
        mark(&held) == mark(&task.layers.after) && mark(&theirs) == mark(&task.layers.replica)
    };
    Ok(task.keys.iter().map(encode::encode).filter(same).collect())
}

/// Takes the lock and reads under it, then the position. The lock lasts until the
/// session is released.
fn lock(source: &mut Link<'_>, task: &LockTask<'_>, fence: &Fence) -> Result<(facts::Facts, Position)> {
    source.ask(|session| {
        let facts = facts::read_locked(session, task.plan, task.keys, task.salt)?;
        Ok((facts, session.source_position(fence.kind)?))
    })
}
