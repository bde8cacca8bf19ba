//! Sets of transactions, as both flavors write them: [`GtidSet`] of MySQL, [`Domains`] of MariaDB.
//!
//! MySQL names a transaction by the server that it began on, an optional tag, and a number; MariaDB by a domain, the
//! server, and a sequence number that grows within the domain. [`holds`], [`missing`] and [`errant`] take either.

use mysql_common::packets::{GnoInterval, Sid, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use vouch_convert::{hex, parse};

/// A text is not what a server of that flavor writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotGtids;

impl fmt::Display for NotGtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a set of GTIDs")
    }
}

impl std::error::Error for NotGtids {}

/// Where transactions of MySQL began: a server, and a tag that is empty for most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The server's uuid, in lower case.
    pub uuid: String,
    /// The tag; empty without.
    pub tag: String,
}

/// Numbers from the first to the last, both included.
type Span = (u64, u64);

/// A set of GTIDs of MySQL: `uuid:1-5:7:tag:1-3,…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GtidSet {
    /// Sorted, apart from each other, never empty.
    spans: BTreeMap<Origin, Vec<Span>>,
}

impl FromStr for GtidSet {
    type Err = NotGtids;

    fn from_str(text: &str) -> Result<Self, NotGtids> {
        let mut set = GtidSet::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            set.read(part).ok_or(NotGtids)?;
        }
        set.spans.values_mut().for_each(join);
        Ok(set)
    }
}

impl GtidSet {
    /// `uuid:1-5:7` and `uuid:1-5:tag:1-3`: a tag is for the spans behind it.
    fn read(&mut self, part: &str) -> Option<()> {
        let mut words = part.split(':').map(str::trim);
        let uuid = words.next().filter(|uuid| is_uuid(uuid))?.to_ascii_lowercase();
        let (mut tag, mut any) = (String::new(), false);
        for word in words {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                let span = span(word)?;
                let origin = Origin { uuid: uuid.clone(), tag: tag.clone() };
                self.spans.entry(origin).or_default().push(span);
                any = true;
            } else {
                tag = Some(word.to_ascii_lowercase()).filter(|tag| is_tag(tag))?;
            }
        }
        any.then_some(())
    }

    /// Whether it has no transaction.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Where its transactions began.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.spans.keys()
    }

    /// Whether it has transactions that began on that server.
    pub fn knows(&self, uuid: &str) -> bool {
        self.spans.keys().any(|origin| origin.uuid.eq_ignore_ascii_case(uuid))
    }

    /// The transactions from origins that `keep` says yes to.
    pub fn only(&self, keep: impl Fn(&Origin) -> bool) -> GtidSet {
        let spans = self.spans.iter().filter(|(origin, _)| keep(origin));
        GtidSet { spans: spans.map(|(origin, spans)| (origin.clone(), spans.clone())).collect() }
    }

    /// The transactions that `other` does not have.
    pub fn without(&self, other: &GtidSet) -> GtidSet {
        let left = self.spans.iter().filter_map(|(origin, spans)| {
            let holes = other.spans.get(origin).map_or(&[][..], Vec::as_slice);
            let left: Vec<Span> = spans.iter().flat_map(|span| cut(*span, holes)).collect();
            (!left.is_empty()).then(|| (origin.clone(), left))
        });
        GtidSet { spans: left.collect() }
    }

    /// The transactions of both.
    pub fn with(&self, other: &GtidSet) -> GtidSet {
        let mut all = self.clone();
        for (origin, spans) in &other.spans {
            let own = all.spans.entry(origin.clone()).or_default();
            own.extend_from_slice(spans);
            join(own);
        }
        all
    }

    /// Whether it has all transactions of `other`.
    pub fn contains(&self, other: &GtidSet) -> bool {
        other.without(self).is_empty()
    }

    /// How many transactions it has.
    pub fn count(&self) -> u64 {
        let sizes = self.spans.values().flatten().map(|(first, last)| last.saturating_sub(*first).saturating_add(1));
        sizes.fold(0, u64::saturating_add)
    }

    /// The set as a replica sends it; `None` where a number is beyond what servers count to.
    pub(crate) fn to_sids(&self) -> Option<Vec<Sid<'static>>> {
        self.spans.iter().map(|(origin, spans)| sid(origin, spans)).collect()
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for (origin, spans) in &self.spans {
            if origin.uuid != last {
                write!(f, "{}{}", if last.is_empty() { "" } else { "," }, origin.uuid)?;
                last = &origin.uuid;
            }
            if !origin.tag.is_empty() {
                write!(f, ":{}", origin.tag)?;
            }
            for (first, last) in spans {
                if first == last { write!(f, ":{first}")? } else { write!(f, ":{first}-{last}")? }
            }
        }
        Ok(())
    }
}

/// Whether it may name a server; what is no uuid comes from tests alone, and is no less an origin.
fn is_uuid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 36 && text.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric())
}

fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
}

fn span(word: &str) -> Option<Span> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let span: Span = (parse(first.trim())?, parse(last.trim())?);
    (span.0 > 0 && span.0 <= span.1).then_some(span)
}

/// What is left of a span without `holes`, which are sorted and apart.
fn cut((first, last): Span, holes: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut next = first;
    for (from, to) in holes.iter().filter(|(from, to)| *to >= first && *from <= last) {
        if *from > next {
            left.push((next, from.saturating_sub(1)));
        }
        next = next.max(to.saturating_add(1));
    }
    if next <= last {
        left.push((next, last));
    }
    left
}

/// Sorts spans and joins those that touch.
fn join(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for &(first, last) in spans.iter() {
        match joined.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    *spans = joined;
}

fn sid(origin: &Origin, spans: &[Span]) -> Option<Sid<'static>> {
    let digits: String = origin.uuid.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 {
        return None;
    }
    let uuid = hex(&digits)?.to_be_bytes();
    // The end of an interval is the number after its last one.
    let interval = |&(first, last): &Span| GnoInterval::check_and_new(first, last.checked_add(1)?).ok();
    let sid = Sid::new(uuid).with_intervals(spans.iter().map(interval).collect::<Option<Vec<_>>>()?);
    if origin.tag.is_empty() { Some(sid) } else { Some(sid.with_tag(Tag::new(origin.tag.clone()).ok()?)) }
}

/// A stream of transactions on MariaDB that was written by one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    /// The domain.
    pub domain: u32,
    /// The server id.
    pub server: u32,
}

/// A list of GTIDs of MariaDB, `0-1-100,1-2-7`: the last one of each writer. A position has one for each domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    last: BTreeMap<Writer, u64>,
}

impl FromStr for Domains {
    type Err = NotGtids;

    fn from_str(text: &str) -> Result<Self, NotGtids> {
        let mut list = Domains::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (writer, sequence) = gtid(part).ok_or(NotGtids)?;
            let last = list.last.entry(writer).or_insert(0);
            *last = sequence.max(*last);
        }
        Ok(list)
    }
}

fn gtid(text: &str) -> Option<(Writer, u64)> {
    let mut numbers = text.split('-');
    let writer = Writer { domain: parse(numbers.next()?)?, server: parse(numbers.next()?)? };
    let sequence = parse(numbers.next()?)?;
    numbers.next().is_none().then_some((writer, sequence))
}

impl Domains {
    /// Whether it has no GTID.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Its domains.
    pub fn domains(&self) -> BTreeSet<u32> {
        self.last.keys().map(|writer| writer.domain).collect()
    }

    /// Its writers.
    pub fn writers(&self) -> impl Iterator<Item = Writer> {
        self.last.keys().copied()
    }

    /// The greatest sequence number of a domain.
    pub fn reached(&self, domain: u32) -> Option<u64> {
        self.last.iter().filter(|(writer, _)| writer.domain == domain).map(|(_, sequence)| *sequence).max()
    }

    /// The entries of writers that `keep` says yes to.
    pub fn only(&self, keep: impl Fn(Writer) -> bool) -> Domains {
        Domains { last: self.last.iter().filter(|(writer, _)| keep(**writer)).map(|(w, s)| (*w, *s)).collect() }
    }

    /// What `self` has and a position `other` has not reached, domain by domain. A domain that `other` does not have
    /// at all is not reached.
    pub fn beyond(&self, other: &Domains) -> Domains {
        let reached =
            |writer: &Writer, sequence: u64| other.reached(writer.domain).is_some_and(|have| have >= sequence);
        let beyond = self.last.iter().filter(|(writer, sequence)| !reached(writer, **sequence));
        Domains { last: beyond.map(|(writer, sequence)| (*writer, *sequence)).collect() }
    }

    /// The entries of a binlog's state that go beyond those of another one, writer by writer.
    pub fn beyond_state(&self, other: &Domains) -> Domains {
        let has = |writer: &Writer, sequence: u64| other.last.get(writer).is_some_and(|have| *have >= sequence);
        let beyond = self.last.iter().filter(|(writer, sequence)| !has(writer, **sequence));
        Domains { last: beyond.map(|(writer, sequence)| (*writer, *sequence)).collect() }
    }
}

impl fmt::Display for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (writer, sequence)) in self.last.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{}-{}-{sequence}", writer.domain, writer.server)?;
        }
        Ok(())
    }
}

/// A text of either flavor; only MySQL's has colons.
enum Either {
    Sets(GtidSet, GtidSet),
    Domains(Domains, Domains),
}

fn either(own: &str, other: &str) -> Option<Either> {
    if own.contains(':') || other.contains(':') {
        return Some(Either::Sets(parse(own)?, parse(other)?));
    }
    Some(Either::Domains(parse(own)?, parse(other)?))
}

/// Whether `own` holds all of `other`. Both must be of one flavor; a text that cannot be read holds nothing.
pub fn holds(own: &str, other: &str) -> bool {
    match either(own, other) {
        Some(Either::Sets(own, other)) => own.contains(&other),
        Some(Either::Domains(own, other)) => other.beyond(&own).is_empty(),
        None => false,
    }
}

/// How many transactions of `other` are not in `own`; `None` when either cannot be read.
pub fn missing(own: &str, other: &str) -> Option<u64> {
    Some(match either(own, other)? {
        Either::Sets(own, other) => other.without(&own).count(),
        Either::Domains(own, other) => {
            let behind =
                |domain: u32| other.reached(domain).unwrap_or(0).saturating_sub(own.reached(domain).unwrap_or(0));
            other.domains().into_iter().map(behind).fold(0, u64::saturating_add)
        }
    })
}

/// Whether a replica of that uuid has transactions of its own that its source lacks.
/// Only MySQL tells origins apart by server, so `None` for anything else.
pub fn errant(replica: &str, replica_uuid: &str, source: &str) -> Option<bool> {
    if replica_uuid.is_empty() {
        return None;
    }
    let (replica, source): (GtidSet, GtidSet) = (parse(replica)?, parse(source)?);
    let own = replica.only(|origin| origin.uuid.eq_ignore_ascii_case(replica_uuid));
    Some(!source.contains(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "7f11fa47-71ca-11e1-9e33-c80aa9429562";

    fn set(text: &str) -> GtidSet {
        text.replace('a', A).replace('b', B).parse().unwrap()
    }

    /// The text of a set, with its short names.
    fn short(set: &GtidSet) -> String {
        set.to_string().replace(A, "a").replace(B, "b")
    }

    #[test]
    fn sets_are_read_and_written_as_the_server_does() {
        for text in ["a:1-5", "a:1-5:7", "a:1-5:ops:1-3:x:7", "a:ops:1,b:2-3", ""] {
            let spelled = text.replace('a', A).replace('b', B);
            // A tag has no letter that stands for a server here.
            assert_eq!(spelled.parse::<GtidSet>().map(|set| set.to_string()), Ok(spelled), "{text}");
        }
        assert_eq!(short(&set("a:6-9:1-5:7")), "a:1-9");
        for wrong in ["nonsense", ":1", "a b:1", A, &format!("{A}:0"), &format!("{A}:5-1"), &format!("{A}:t!:1")] {
            assert_eq!(wrong.parse::<GtidSet>(), Err(NotGtids), "{wrong}");
        }
        let upper = A.to_ascii_uppercase();
        assert_eq!(format!("{upper}:TAG:1").parse::<GtidSet>().map(|set| set.to_string()), Ok(format!("{A}:tag:1")));
    }

    #[test]
    fn sets_are_added_and_subtracted_by_origin() {
        let (first, second) = (set("a:1-10:t:1-5,b:1"), set("a:3-4:8:t:2-9"));
        assert_eq!(short(&first.without(&second)), "a:1-2:5-7:9-10:t:1,b:1");
        assert_eq!(short(&first.with(&second)), "a:1-10:t:1-9,b:1");
        assert!(first.with(&second).contains(&second) && !first.contains(&second));
        assert_eq!((first.count(), set("").count()), (16, 0));
        assert_eq!(short(&first.only(|origin| origin.tag == "t")), "a:t:1-5");
        assert!(first.knows(B) && !second.knows(B));
        assert_eq!(first.to_sids().unwrap().len(), 3);
    }

    #[test]
    fn what_a_position_has_not_reached_is_named() {
        let list = |text: &str| text.parse::<Domains>().unwrap();
        let beyond = |one: &str, other: &str| list(one).beyond(&list(other)).to_string();
        assert_eq!(beyond("0-1-10", "0-2-10"), "");
        assert_eq!(beyond("0-1-10,7-1-1", "0-2-9"), "0-1-10,7-1-1");
        assert_eq!(beyond("7-1-1", "0-1-9"), "7-1-1");
        let state = |one: &str, other: &str| list(one).beyond_state(&list(other)).to_string();
        assert_eq!(state("0-1-10,0-2-3", "0-1-12"), "0-2-3");
        assert_eq!(state("0-1-10", "0-1-12"), "");
        assert!("0-1".parse::<Domains>().is_err() && "0-1-2-3".parse::<Domains>().is_err());
    }

    #[test]
    fn either_flavor_is_compared() {
        let spelled = |text: &str| text.replace('a', A).replace('b', B);
        let holds = |own: &str, other: &str| super::holds(&spelled(own), &spelled(other));
        assert!(holds("a:1-5:6-9,b:1", "a:2-9") && holds("a:1-5", ""));
        assert!(!holds("a:1-5:7-9", "a:5-7") && !holds("", "a:1") && !holds("a:1", "nonsense"));
        assert!(holds("0-1-100", "0-2-99") && !holds("0-1-100", "0-2-101") && !holds("0-1-5", "1-1-5"));
        assert!(holds("a:1-3:t:1-2", "a:t:2") && !holds("a:1-3", "a:t:2"));
        let missing = |own: &str, other: &str| super::missing(&spelled(own), &spelled(other));
        assert_eq!(missing("a:1-5:8", "a:3-10,b:1-2"), Some(6));
        assert_eq!((missing("", "a:7"), missing("0-1-90", "0-2-100")), (Some(1), Some(10)));
        assert_eq!(missing("nonsense", "a:1"), None);
        let errant = |replica: &str, source: &str| super::errant(&spelled(replica), A, &spelled(source));
        assert_eq!(errant("b:1-10,a:1-2", "b:1-9,a:1"), Some(true));
        assert_eq!(errant("b:1-10,a:1", "b:1-9,a:1"), Some(false));
        assert_eq!(super::errant("0-1-1", "", "0-1-1"), None);
    }

    fn any_set() -> impl Strategy<Value = GtidSet> {
        let part = (0..2_u8, 0..20_u8, 1..40_u64, 0..6_u64);
        prop::collection::vec(part, 0..24).prop_map(|parts| {
            let word = |(server, tag, first, more): (u8, u8, u64, u64)| {
                let tag = if tag == 0 { String::new() } else { format!("tag_{tag}:") };
                format!("{}:{tag}{first}-{}", if server == 0 { A } else { B }, first + more)
            };
            parts.into_iter().map(word).collect::<Vec<_>>().join(",").parse().unwrap()
        })
    }

    proptest! {
        #[test]
        fn sets_with_many_tags_obey_the_laws_of_sets(one in any_set(), other in any_set()) {
            prop_assert_eq!(one.to_string().parse::<GtidSet>(), Ok(one.clone()));
            let (both, left) = (one.with(&other), one.without(&other));
            prop_assert_eq!(left.count() + other.count(), both.count());
            prop_assert_eq!(left.with(&other), both.clone());
            prop_assert!(both.contains(&one) && both.contains(&other) && left.without(&one).is_empty());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,60}") {
            drop((text.parse::<GtidSet>(), text.parse::<Domains>()));
        }
    }
}
