//! Sets of transactions, as both flavors write them: whether one holds another.
//!
//! Main functions: [`holds`], [`missing`], [`errant`]. A text that cannot be read holds nothing.

use std::collections::BTreeMap;

/// Intervals per origin: `uuid[:tag]` on MySQL, the domain on MariaDB.
type Set = BTreeMap<String, Vec<(u64, u64)>>;

/// Whether `own` holds all of `other`. Both must be of one flavor.
pub fn holds(own: &str, other: &str) -> bool {
    let (own, Some(other)) = (parse(own).unwrap_or_default(), parse(other)) else { return false };
    other.iter().all(|(origin, spans)| spans.iter().all(|span| covered(own.get(origin), *span)))
}

/// How many transactions of `other` are not in `own`; `None` when either cannot be read.
pub fn missing(own: &str, other: &str) -> Option<u64> {
    let (own, other) = (parse(own)?, parse(other)?);
    let of_origin = |(origin, spans): (&String, &Vec<(u64, u64)>)| {
        let held = own.get(origin).map_or(&[][..], Vec::as_slice);
        spans.iter().map(|span| uncovered(held, *span)).fold(0_u64, u64::saturating_add)
    };
    Some(other.iter().map(of_origin).fold(0, u64::saturating_add))
}

/// How much of a span lies in none of `held`, which are sorted and apart.
fn uncovered(held: &[(u64, u64)], (first, last): (u64, u64)) -> u64 {
    let size = |from: u64, to: u64| if from > to { 0 } else { (to - from).saturating_add(1) };
    let common = held.iter().map(|(from, to)| size(first.max(*from), last.min(*to)));
    size(first, last).saturating_sub(common.fold(0, u64::saturating_add))
}

/// Whether a replica of that uuid has transactions of its own that its source lacks.
/// Only MySQL tells origins apart by server, so `None` for anything else.
pub fn errant(replica: &str, replica_uuid: &str, source: &str) -> Option<bool> {
    if replica_uuid.is_empty() {
        return None;
    }
    let (replica, source) = (parse(replica)?, parse(source)?);
    let own = replica.iter().filter(|(origin, _)| origin.split(':').next() == Some(replica_uuid));
    Some(
        own.flat_map(|(origin, spans)| spans.iter().map(move |span| (origin, *span)))
            .any(|(origin, span)| !covered(source.get(origin), span)),
    )
}

fn covered(spans: Option<&Vec<(u64, u64)>>, (first, last): (u64, u64)) -> bool {
    spans.is_some_and(|spans| spans.iter().any(|(from, to)| *from <= first && last <= *to))
}

fn parse(text: &str) -> Option<Set> {
    let mut set = Set::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.contains(':') { mysql(part, &mut set)? } else { mariadb(part, &mut set)? }
    }
    set.values_mut().for_each(join);
    Some(set)
}

/// `uuid:1-5:7` and `uuid:1-5:tag:1-3`.
fn mysql(part: &str, set: &mut Set) -> Option<()> {
    let mut words = part.split(':');
    let uuid = words.next()?.to_ascii_lowercase();
    let mut origin = uuid.clone();
    for word in words {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            set.entry(origin.clone()).or_default().push((first.parse().ok()?, last.parse().ok()?));
        } else {
            origin = format!("{uuid}:{word}");
        }
    }
    Some(())
}

/// `domain-server-sequence`: everything of the domain up to there.
fn mariadb(part: &str, set: &mut Set) -> Option<()> {
    let mut numbers = part.split('-');
    let (domain, _server, sequence) = (numbers.next()?, numbers.next()?, numbers.next()?.parse().ok()?);
    set.entry(domain.to_owned()).or_default().push((1, sequence));
    Some(())
}

/// Sorts intervals and joins those that touch.
fn join(spans: &mut Vec<(u64, u64)>) {
    spans.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for &(first, last) in spans.iter() {
        match joined.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    *spans = joined;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_parts() {
        assert!(holds("a:1-5:6-9,b:1", "a:2-9"));
        assert!(holds("A:1-5", "a:1-5") && holds("a:1-5", ""));
        assert!(!holds("a:1-5:7-9", "a:5-7") && !holds("", "a:1") && !holds("a:1", "nonsense"));
        assert!(holds("0-1-100", "0-2-99") && !holds("0-1-100", "0-2-101") && !holds("0-1-5", "1-1-5"));
        assert!(holds("a:1-3:tag:1-2", "a:tag:2") && !holds("a:1-3", "a:tag:2"));
    }

    #[test]
    fn what_is_missing_is_counted() {
        assert_eq!(missing("a:1-5:8", "a:3-10,b:1-2"), Some(6));
        assert_eq!(missing("a:1-10", "a:3-10"), Some(0));
        assert_eq!((missing("", "a:7"), missing("0-1-90", "0-2-100")), (Some(1), Some(10)));
        assert_eq!(missing("nonsense", "a:1"), None);
    }

    #[test]
    fn what_a_replica_alone_has_is_errant() {
        assert_eq!(errant("s:1-10,r:1-2", "r", "s:1-9,r:1"), Some(true));
        assert_eq!(errant("s:1-10,r:1", "r", "s:1-9,r:1"), Some(false));
        assert_eq!(errant("0-1-1", "", "0-1-1"), None);
    }
}
