//! Splitting a table with an integer key into segments that are read side by side.

use vouch_convert::narrow;
use vouch_server::{Bound, Interval, Value};

/// The intervals between `bounds`, open at both outer ends.
pub fn between(bounds: Vec<Bound>) -> Vec<Interval> {
    let mut edges: Vec<Option<Bound>> = vec![None];
    edges.extend(bounds.into_iter().map(Some));
    edges.push(None);
    let interval = |pair: &[Option<Bound>]| Interval {
        lower: pair.first().cloned().flatten(),
        upper: pair.last().cloned().flatten(),
    };
    edges.windows(2).map(interval).collect()
}

/// Boundaries, in order, that split `least..=greatest` into `parts` about equal
/// parts; fewer when there are not that many numbers, none when the ends are no integers.
pub fn split(least: &Value, greatest: &Value, parts: u64) -> Vec<Bound> {
    let (Some(low), Some(high)) = (integer(least), integer(greatest)) else { return Vec::new() };
    let span = high.saturating_sub(low);
    let mut bounds: Vec<i128> = (1..i128::from(parts.max(1)))
        .map(|part| low.saturating_add(span.saturating_mul(part) / i128::from(parts.max(1))))
        .collect();
    bounds.dedup();
    bounds.into_iter().filter(|&bound| bound < high).filter_map(value).map(|bound| vec![bound]).collect()
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::UInt(number) => Some(i128::from(*number)),
        _ => None,
    }
}

fn value(number: i128) -> Option<Value> {
    narrow(number).map(Value::Int).or_else(|| narrow(number).map(Value::UInt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boundaries_rise_and_stay_inside(low in any::<i64>(), high in any::<u64>(), parts in 1u64..9) {
            let bounds = split(&Value::Int(low), &Value::UInt(high), parts);
            let numbers: Vec<i128> = bounds.iter().filter_map(|bound| integer(&bound[0])).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(numbers.iter().all(|&n| n >= i128::from(low) && n < i128::from(high)));
            prop_assert!(bounds.len() < parts as usize);
        }
    }

    #[test]
    fn text_is_not_split() {
        assert!(split(&Value::from("a"), &Value::from("z"), 4).is_empty());
    }
}
