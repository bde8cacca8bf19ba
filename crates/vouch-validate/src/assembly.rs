//! Putting the answers about the slices of a table together: [`Assembly`].
//!
//! Invariant: a table has an answer once all of its slices have one, and it is an error when one of them is.

use crate::request::{Answer, Reading, Trouble};
use vouch_manifest::{Method, merkle_root};

/// The answers that are there so far.
pub struct Assembly {
    /// The table and the slice of each request.
    places: Vec<(usize, usize)>,
    /// The answers about each table.
    tables: Vec<Vec<Option<Answer>>>,
}

impl Assembly {
    /// For tables of so many slices each, whose requests are in the order of tables and slices.
    pub fn new(slices: &[usize]) -> Self {
        let places = slices.iter().enumerate().flat_map(|(table, count)| (0..*count).map(move |slice| (table, slice)));
        Assembly { places: places.collect(), tables: slices.iter().map(|count| vec![None; *count]).collect() }
    }

    /// Takes an answer to a request. Returns the one about its table, by the number of the table, when it was the last.
    pub fn take(&mut self, answer: Answer) -> Option<Answer> {
        let (table, slice) = *self.places.get(answer.index)?;
        let answers = self.tables.get_mut(table)?;
        *answers.get_mut(slice)? = Some(answer);
        let all: Vec<Answer> = answers.iter().cloned().collect::<Option<_>>()?;
        Some(Answer { index: table, ..together(all) })
    }
}

fn together(answers: Vec<Answer>) -> Answer {
    let took_ms = answers.iter().fold(0, |sum: u64, answer| sum.saturating_add(answer.took_ms));
    let attempts = answers.iter().map(|answer| answer.attempts).max().unwrap_or(0);
    Answer { index: 0, result: merged(answers), took_ms, attempts }
}

fn merged(answers: Vec<Answer>) -> Result<Reading, (Trouble, String)> {
    let mut troubles: Vec<(Trouble, String)> = Vec::new();
    let mut whole: Option<Reading> = None;
    for answer in answers {
        match (answer.result, &mut whole) {
            (Err(trouble), _) => troubles.push(trouble),
            (Ok(reading), None) => whole = Some(reading),
            (Ok(reading), Some(whole)) => append(whole, reading),
        }
    }
    // What was not run says less than what failed.
    troubles.sort_by_key(|(trouble, _)| *trouble == Trouble::NotRun);
    if let Some(trouble) = troubles.into_iter().next() {
        return Err(trouble);
    }
    let mut whole = whole.unwrap_or_default();
    let ranges = whole.row_facts.as_ref().map(|facts| facts.ranges.as_slice()).unwrap_or_default();
    if whole.method == Some(Method::RowSha256Tree) && whole.unlike.is_none() {
        match merkle_root(ranges) {
            Some(root) => whole.value = root,
            None => return Err((Trouble::Error, "the table has no range".to_owned())),
        }
    }
    Ok(whole)
}

fn append(whole: &mut Reading, next: Reading) {
    whole.rows = whole.rows.zip(next.rows).map(|(sum, rows)| sum.saturating_add(rows));
    whole.definition_digest = whole.definition_digest.take().or(next.definition_digest);
    whole.unlike = whole.unlike.take().or(next.unlike);
    match (&mut whole.row_facts, next.row_facts) {
        (Some(facts), Some(next)) if facts.columns == next.columns && facts.key == next.key => {
            facts.ranges.extend(next.ranges);
        }
        (None, None) => {}
        // A slice was read after the table had been altered.
        _ => whole.unlike = whole.unlike.take().or(Some("it was altered while it was read".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use vouch_manifest::{KeyFacts, RangeFacts, RowFacts};

    fn reading(upto: Option<&str>) -> Reading {
        let key = vec![KeyFacts { column: "id".to_owned(), descending: false }];
        let upto = upto.map(|text| vec![text.to_owned()]);
        let range = RangeFacts { upto, rows: 1, sha256: "0".repeat(64) };
        let facts = RowFacts { key, ranges: vec![range], ..RowFacts::default() };
        let method = Some(Method::RowSha256Tree);
        Reading { rows: Some(1), method, row_facts: Some(facts), ..Reading::default() }
    }

    fn answer(index: usize, result: Result<Reading, (Trouble, String)>) -> Answer {
        Answer { index, result, took_ms: 5, attempts: 1 }
    }

    #[test]
    fn slices_make_a_table_in_their_order_whatever_order_they_end_in() {
        let mut assembly = Assembly::new(&[1, 2]);
        assert!(assembly.take(answer(2, Ok(reading(None)))).is_none());
        let first = assembly.take(answer(0, Ok(reading(None)))).unwrap();
        assert_eq!((first.index, first.result.unwrap().rows), (0, Some(1)));
        let second = assembly.take(answer(1, Ok(reading(Some("5"))))).unwrap();
        let whole = second.result.unwrap();
        let ranges = whole.row_facts.unwrap().ranges;
        assert_eq!((second.index, second.took_ms, whole.rows), (1, 10, Some(2)));
        assert_eq!(whole.value, merkle_root(&ranges).unwrap());
        assert_eq!(ranges[0].upto.as_deref(), Some(&["5".to_owned()][..]));
    }

    #[test]
    fn a_slice_that_failed_fails_its_table() {
        let mut assembly = Assembly::new(&[3]);
        assert!(assembly.take(answer(0, Err((Trouble::NotRun, "stopped".to_owned())))).is_none());
        assert!(assembly.take(answer(1, Ok(reading(Some("5"))))).is_none());
        let whole = assembly.take(answer(2, Err((Trouble::Timeout, "late".to_owned())))).unwrap();
        assert_eq!(whole.result, Err((Trouble::Timeout, "late".to_owned())));
        let altered = Reading { row_facts: Some(RowFacts::default()), ..reading(None) };
        let mut assembly = Assembly::new(&[2]);
        assert!(assembly.take(answer(0, Ok(reading(Some("5"))))).is_none());
        let whole = assembly.take(answer(1, Ok(altered))).unwrap().result.unwrap();
        assert!(whole.unlike.is_some());
    }
}
