//! Cutting a large table into slices that several workers read at once: [`slices`].
//!
//! Where it is cut does not matter: the ranges of all slices together are ranges of the table,
//! and a reader of the manifest takes any. So estimates and keys that a snapshot does not have are
//! good enough.

use crate::layout::{Layout, TextKind};
use crate::ranges::{layout, texts};
use crate::request::Slice;
use vouch_server::{Bound, Cell, Fault, Interval, Reading, Result, Session, TableEntry, Value};

/// Rows that are worth a slice: reading them takes a tenth of a second, beginning one a few milliseconds.
const SLICE_ROWS: u64 = 200_000;
/// Slices for each worker, so that all are done at about the same time.
const SLICES_A_WORKER: u64 = 4;

/// The slices in which a table is read, in the order of its key.
///
/// # Errors
/// Those of the server.
pub fn slices(session: &mut Session, entry: &TableEntry, workers: usize, range_rows: u64) -> Result<Vec<Slice>> {
    let whole = || Slice::Cut { interval: Interval::default(), upto: None, rows: range_rows };
    let most = vouch_convert::widen(workers).saturating_mul(SLICES_A_WORKER);
    let wanted = (entry.rows / SLICE_ROWS).min(most);
    if wanted < 2 || workers < 2 {
        return Ok(vec![whole()]);
    }
    let definition = session.definition(&entry.name)?;
    let layout = layout(session, &entry.name, &definition)?;
    if layout.key.is_empty() || !layout.is_ranged() {
        return Ok(vec![whole()]);
    }
    let reading = layout.reading(&entry.name);
    let found = match integer_ends(session, &layout, &reading)? {
        Some(ends) => by_value(session, &reading, ends, wanted),
        None => by_offset(session, &reading, entry.rows / wanted, wanted),
    };
    match found {
        Ok(ends) => Ok(between(ends, &layout, range_rows)),
        // Finding the places took too long: one worker reads it all.
        Err(error) if error.fault == Fault::Timeout => Ok(vec![whole()]),
        Err(error) => Err(error),
    }
}

/// The first and the last value of a key that begins with an integer, in the order of the key.
fn integer_ends(session: &mut Session, layout: &Layout, reading: &Reading) -> Result<Option<(i128, i128)>> {
    let is_integer = layout.key_texts().first().is_some_and(|(_, kind)| *kind == TextKind::Integer);
    let Some((least, greatest)) = (if is_integer { session.key_ends(reading)? } else { None }) else {
        return Ok(None);
    };
    let number = |value: &Value| match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::UInt(number) => Some(i128::from(*number)),
        _ => None,
    };
    let ends = number(&least).zip(number(&greatest));
    let descending = layout.key.first().is_some_and(|first| first.descending);
    Ok(ends.map(|(least, greatest)| if descending { (greatest, least) } else { (least, greatest) }))
}

/// Keys at even distances between the ends.
fn by_value(session: &mut Session, reading: &Reading, (first, last): (i128, i128), wanted: u64) -> Result<Vec<Bound>> {
    let mut ends: Vec<Bound> = Vec::new();
    for place in 1..wanted {
        let value = first + (last - first) * i128::from(place) / i128::from(wanted);
        let value = i64::try_from(value).map(Value::Int).or_else(|_| u64::try_from(value).map(Value::UInt));
        let Ok(value) = value else { break };
        let after = Interval { lower: Some(vec![value]), upper: None };
        match session.key_after(reading, &after, 1)? {
            Some(key) if ends.last() != Some(&key) => ends.push(key),
            Some(_) => {}
            None => break,
        }
    }
    Ok(ends)
}

/// Keys with so many rows between them.
fn by_offset(session: &mut Session, reading: &Reading, rows: u64, wanted: u64) -> Result<Vec<Bound>> {
    let mut ends: Vec<Bound> = Vec::new();
    for _ in 1..wanted {
        let after = Interval { lower: ends.last().cloned(), upper: None };
        match session.key_after(reading, &after, rows.max(1))? {
            Some(key) => ends.push(key),
            None => break,
        }
    }
    Ok(ends)
}

fn between(ends: Vec<Bound>, layout: &Layout, rows: u64) -> Vec<Slice> {
    let keys = layout.key_texts();
    let mut slices = Vec::new();
    let mut lower: Option<Bound> = None;
    for end in ends {
        // A key that has no text, which none has, is no place to cut.
        let Ok(upto) = texts(end.iter().map(Cell::from), &keys) else { continue };
        let interval = Interval { lower: lower.take(), upper: Some(end.clone()) };
        slices.push(Slice::Cut { interval, upto: Some(upto), rows });
        lower = Some(end);
    }
    slices.push(Slice::Cut { interval: Interval { lower, upper: None }, upto: None, rows });
    slices
}
