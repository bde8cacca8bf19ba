//! Where a chunk ends along a key of whole numbers, without reading the index up to there.
//!
//! Rows that the last chunk had for each number of its span tell how many numbers the
//! next one takes. Invariant: a chunk takes no more numbers than it may have rows, and a
//! key is unique; so it cannot have more rows, wherever the keys lie.

use crate::plan::TablePlan;
use vouch_convert::{narrow, whole};
use vouch_server::{Bound, Interval, Value};

/// Less than this share of the numbers taken: chunks would get too small, and counting is right.
const DENSE: f64 = 0.5;

/// What is known of a table's key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stride {
    suits: bool,
    density: f64,
    last: Option<i128>,
}

impl Stride {
    /// For the key of a table; it never tells an end where that is not one column of whole numbers.
    pub fn new(plan: &TablePlan) -> Self {
        let one = match plan.reading.key.as_slice() {
            [column] if plan.key.unique && !column.descending => Some(&column.name),
            _ => None,
        };
        let is_whole = |name: &String| {
            plan.definition.columns.iter().any(|column| column.name == *name && column.data_type.ends_with("int"))
        };
        Stride { suits: one.is_some_and(is_whole), ..Stride::default() }
    }

    /// The number at which a chunk of about `rows` rows after `lower` ends; `None` when it has
    /// to be counted.
    pub fn end(&self, lower: Option<&Bound>, rows: u64, most: Option<u64>) -> Option<i128> {
        if !self.suits || self.density < DENSE {
            return None;
        }
        let span = whole(rows as f64 / self.density).min(most.unwrap_or(u64::MAX)).max(1);
        Some(number(lower?)? + i128::from(span))
    }

    /// Whether rows are known to follow after `end`.
    pub fn is_before_last(&self, end: i128) -> bool {
        self.last.is_some_and(|last| end < last)
    }

    /// Takes in the key of the last row.
    pub fn set_last(&mut self, key: Option<&Bound>) {
        self.last = key.and_then(number);
    }

    /// Takes in how many rows a chunk had.
    pub fn learn(&mut self, interval: &Interval, rows: u64) {
        let ends = (interval.lower.as_ref().and_then(number), interval.upper.as_ref().and_then(number));
        if let (Some(lower), Some(upper)) = ends {
            self.density = rows as f64 / (upper - lower).max(1) as f64;
        }
    }
}

fn number(bound: &Bound) -> Option<i128> {
    match bound.as_slice() {
        [Value::Int(number)] => Some(i128::from(*number)),
        [Value::UInt(number)] => Some(i128::from(*number)),
        _ => None,
    }
}

/// A number as the end of a chunk; `None` when no column holds it.
pub fn bound(number: i128) -> Option<Bound> {
    let value = narrow(number).map(Value::Int).or_else(|| narrow(number).map(Value::UInt));
    value.map(|value| vec![value])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(lower: i64, upper: i64) -> Interval {
        Interval { lower: Some(vec![Value::Int(lower)]), upper: Some(vec![Value::Int(upper)]) }
    }

    fn suiting() -> Stride {
        Stride { suits: true, ..Stride::default() }
    }

    #[test]
    fn a_chunk_takes_as_many_numbers_as_its_rows_have() {
        let (mut stride, lower) = (suiting(), vec![Value::Int(3_000)]);
        assert_eq!(stride.end(Some(&lower), 1_000, None), None, "nothing is known yet");
        stride.learn(&interval(1_000, 3_000), 1_600);
        assert_eq!(stride.end(Some(&lower), 1_000, None), Some(4_250));
        assert_eq!(stride.end(None, 1_000, None), None, "rows below the first key are counted");
        assert_eq!(Stride::default().end(Some(&lower), 1_000, None), None, "not such a key");
    }

    #[test]
    fn a_chunk_cannot_have_more_rows_than_it_may() {
        let (mut stride, lower) = (suiting(), vec![Value::Int(-7)]);
        stride.learn(&interval(0, 1_000), 600);
        assert_eq!(stride.end(Some(&lower), 1_000, Some(1_200)), Some(1_193));
        stride.learn(&interval(0, 1_000), 400);
        assert_eq!(stride.end(Some(&lower), 1_000, None), None, "so few rows are counted");
        stride.learn(&interval(0, 1_000), 0);
        assert_eq!(stride.end(Some(&lower), 1_000, None), None);
    }

    #[test]
    fn the_ends_of_the_widest_columns_are_no_limit() {
        let mut stride = suiting();
        stride.learn(&interval(0, 1_000), 1_000);
        let end = stride.end(Some(&vec![Value::UInt(u64::MAX - 5)]), 5, None);
        assert_eq!(end.and_then(bound), Some(vec![Value::UInt(u64::MAX)]));
        assert_eq!(bound(i128::from(u64::MAX) + 1), None);
        assert_eq!(bound(-5), Some(vec![Value::Int(-5)]));
        stride.set_last(Some(&vec![Value::Int(9)]));
        assert!(stride.is_before_last(8) && !stride.is_before_last(9));
    }
}
