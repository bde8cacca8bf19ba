//! The source's binlog around a sandwich: did anybody change the row meanwhile?
//!
//! Read from a place before the first read to one after the last, as a replica
//! reads it, without any lock.

use crate::encode;
use crate::link::Link;
use crate::plan::TablePlan;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vouch_server::{Change, LogPlace, Value, scan_binlog};

/// Where the source's binlog ended at some moments of the recent past.
#[derive(Default)]
pub struct Marks {
    places: Mutex<VecDeque<(Instant, LogPlace)>>,
}

/// A transaction is in the binlog a moment before its effects are visible and
/// before its GTID is listed. A window starts this long before the first read,
/// so that whatever was in that moment lies inside it.
const LOOK_BACK: Duration = Duration::from_millis(200);

/// Most bytes of binlog that are read for one window.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Nobody changed it.
    Still,
    /// Somebody changed it.
    Moved,
    /// Its table was changed, and whether that was this row cannot be told.
    Unclear,
}

/// A part of a key that can be recognised in a binlog.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// An integer of so many bits: images in a binlog may have lost its sign.
    Bits(u32),
    /// Bytes, less the padding that images leave out.
    Bytes,
}

/// A key as a binlog shows it.
type Shadow = Vec<Result<u64, Vec<u8>>>;

/// What changed in one table.
#[derive(Debug, Default)]
struct Touched {
    unclear: bool,
    any: bool,
    keys: HashSet<Shadow>,
}

/// The key's columns: ordinal in the table, place in the key, and how to recognise
/// a value. `None` when some column cannot be recognised.
fn parts(plan: &TablePlan) -> Option<Vec<(usize, Part)>> {
    let part = |key: &vouch_server::KeyColumn| {
        let ordinal = plan.definition.columns.iter().position(|column| column.name == key.name)?;
        let part = match plan.definition.columns.get(ordinal)?.data_type.as_str() {
            "tinyint" => Part::Bits(8),
            "smallint" => Part::Bits(16),
            "mediumint" => Part::Bits(24),
            "int" => Part::Bits(32),
            "bigint" => Part::Bits(64),
            "char" | "varchar" | "binary" | "varbinary" => Part::Bytes,
            _ => return None,
        };
        Some((ordinal, part))
    };
    let parts: Option<Vec<_>> = plan.key.columns.iter().map(part).collect();
    parts.filter(|parts| plan.key.unique && !parts.is_empty())
}

fn shadow(value: &Value, part: Part) -> Option<Result<u64, Vec<u8>>> {
    let low = |number: u64, bits: u32| if bits >= 64 { number } else { number & ((1 << bits) - 1) };
    match (value, part) {
        (Value::Int(number), Part::Bits(bits)) => Some(Ok(low(number.cast_unsigned(), bits))),
        (Value::UInt(number), Part::Bits(bits)) => Some(Ok(low(*number, bits))),
        (Value::Bytes(bytes), Part::Bytes) => {
            let end = bytes.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |at| at + 1);
            Some(Err(bytes.get(..end).unwrap_or_default().to_vec()))
        }
        _ => None,
    }
}

impl Touched {
    fn take(&mut self, change: Change, plan: &TablePlan, parts: Option<&[(usize, Part)]>) {
        match change {
            Change::Unclear => self.unclear = true,
            Change::Row { table, image } if table == plan.name => {
                self.any = true;
                let value = |ordinal: usize| image.get(ordinal).and_then(Option::as_ref);
                let key = |parts: &[(usize, Part)]| {
                    parts.iter().map(|&(at, part)| value(at).and_then(|value| shadow(value, part))).collect()
                };
                match parts.and_then(key) {
                    Some(key) => drop(self.keys.insert(key)),
                    None => self.unclear = true,
                }
            }
            Change::Row { .. } => {}
        }
    }

    fn motion(&self, identity: &[u8], parts: Option<&[(usize, Part)]>) -> Motion {
        if !self.any && !self.unclear {
            return Motion::Still;
        }
        let values = encode::decode(identity).unwrap_or_default();
        let key = |parts: &[(usize, Part)]| {
            parts.iter().zip(&values).map(|(&(_, part), value)| shadow(value, part)).collect::<Option<Shadow>>()
        };
        let Some(key) = parts.and_then(key) else { return Motion::Unclear };
        let exact = key.iter().all(Result::is_ok);
        if self.keys.contains(&key) {
            Motion::Moved
        } else if exact && !self.unclear {
            Motion::Still
        } else {
            // Under its collation the key may equal another that did move.
            Motion::Unclear
        }
    }
}

/// How each of `identities` moved between `from` and the present end of the
/// binlog. `None` when it cannot be read.
pub fn motions(
    source: &mut Link<'_>,
    plan: &TablePlan,
    from: &LogPlace,
    identities: &[Vec<u8>],
) -> Option<HashMap<Vec<u8>, Motion>> {
    let to = source.ask(|session| session.log_place()).ok()?;
    let start = if to.file == from.file { from.offset } else { 0 };
    if to.offset.saturating_sub(start) > LONGEST_WINDOW {
        return None;
    }
    let parts = parts(plan);
    let mut touched = Touched::default();
    let dial = source.dial();
    let take = |change| touched.take(change, plan, parts.as_deref());
    scan_binlog(&dial.target, dial.limits, &dial.registry, from, &to, take).ok()?;
    let motion = |identity: &Vec<u8>| (identity.clone(), touched.motion(identity, parts.as_deref()));
    Some(identities.iter().map(motion).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: &[(usize, Part)] = &[(0, Part::Bits(32))];
    const TEXT: &[(usize, Part)] = &[(0, Part::Bytes)];

    fn touched(keys: &[Value], part: Part) -> Touched {
        let keys = keys.iter().filter_map(|value| Some(vec![shadow(value, part)?])).collect();
        Touched { unclear: false, any: true, keys }
    }

    fn identity(value: Value) -> Vec<u8> {
        encode::encode(&[value])
    }

    #[test]
    fn a_number_is_recognised_without_its_sign() {
        let touched = touched(&[Value::Int(-1)], Part::Bits(32));
        assert_eq!(touched.motion(&identity(Value::UInt(u64::from(u32::MAX))), Some(INT)), Motion::Moved);
        assert_eq!(touched.motion(&identity(Value::Int(7)), Some(INT)), Motion::Still);
    }

    #[test]
    fn text_that_differs_in_bytes_may_still_be_the_same_key() {
        let touched = touched(&[Value::from("abc")], Part::Bytes);
        assert_eq!(touched.motion(&identity(Value::from("abc ")), Some(TEXT)), Motion::Moved);
        assert_eq!(touched.motion(&identity(Value::from("ABC")), Some(TEXT)), Motion::Unclear);
    }

    #[test]
    fn without_a_key_only_a_table_at_rest_is_still() {
        assert_eq!(touched(&[], Part::Bytes).motion(&[1; 16], None), Motion::Unclear);
        assert_eq!(Touched::default().motion(&[1; 16], None), Motion::Still);
    }
}
