//! A history as records of named fields, and back: [`History::records`], [`History::read`].
//!
//! Invariant: what is read from records is what they were made of, so that a verdict
//! that rested on it can be derived again.

use crate::facts::{Facts, FieldError};
use crate::history::{Active, Freshness, History, Pace, Sample, Track};
use std::collections::BTreeMap;
use vouch_report::health::Service;

/// Named fields, of which `kind` says what they are about.
pub type Record = BTreeMap<String, String>;

/// What one verdict rested on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What was seen.
    pub facts: Facts,
    /// What was remembered from before.
    pub history: History,
}

const SIDES: [&str; 2] = ["own", "peer"];

impl History {
    /// All that is remembered.
    pub fn records(&self) -> Vec<Record> {
        let services = self.tracks.iter().map(|((node, service), track)| {
            let about = [("node", node.clone()), ("service", service.name().to_owned())];
            record("service", about.into_iter().chain(track.fields()))
        });
        let lost = self
            .lost_source_ms
            .iter()
            .map(|(node, at_ms)| record("source-lost", [("node", node.clone()), ("at_ms", at_ms.to_string())]));
        let sides = SIDES.into_iter().zip(&self.pair);
        let sides =
            sides.map(|(name, side)| record("side", [("side", name.to_owned())].into_iter().chain(side.fields())));
        let paces = self.paces.iter().map(|(node, pace)| pace_record(node, pace));
        services.chain(lost).chain(paces).chain(sides).chain([self.pool_record()]).collect()
    }

    fn pool_record(&self) -> Record {
        let (active, since_ms) = match self.active {
            Active::Nobody => ("nobody", None),
            Active::Own => ("own", None),
            Active::Peer => ("peer", None),
            Active::Handover { to_own: true, since_ms } => ("to-own", Some(since_ms)),
            Active::Handover { to_own: false, since_ms } => ("to-peer", Some(since_ms)),
        };
        let mut fields = vec![("active", active.to_owned()), ("switched_ms", self.switched_ms.to_string())];
        fields.extend(since_ms.map(|since_ms| ("since_ms", since_ms.to_string())));
        fields.extend(self.writer.clone().map(|writer| ("writer", writer)));
        record("pool", fields)
    }

    /// What the records remember.
    ///
    /// # Errors
    /// A field that is missing, unknown, or has a value that it cannot have.
    pub fn read(records: &[Record]) -> Result<History, FieldError> {
        let mut history = History::default();
        for record in records {
            history.take(record)?;
        }
        Ok(history)
    }

    fn take(&mut self, record: &Record) -> Result<(), FieldError> {
        match get(record, "kind")? {
            "service" => {
                let wanted = get(record, "service")?;
                let service = Service::ALL.into_iter().find(|service| service.name() == wanted);
                let service = service.ok_or_else(|| wrong("service", wanted))?;
                let mut track = Track::default();
                others(record, &["node", "service"]).try_for_each(|(name, value)| track.set(name, value))?;
                self.tracks.insert((get(record, "node")?.to_owned(), service), track);
            }
            "side" => {
                let wanted = get(record, "side")?;
                let at = SIDES.iter().position(|side| *side == wanted).ok_or_else(|| wrong("side", wanted))?;
                let mut side = Freshness::default();
                others(record, &["side"]).try_for_each(|(name, value)| side.set(name, value))?;
                self.pair[at] = side;
            }
            "source-lost" => {
                self.lost_source_ms.insert(get(record, "node")?.to_owned(), number(record, "at_ms")?);
            }
            "pace" => {
                self.paces.insert(get(record, "node")?.to_owned(), read_pace(record)?);
            }
            "pool" => self.take_pool(record)?,
            other => return Err(wrong("kind", other)),
        }
        Ok(())
    }

    fn take_pool(&mut self, record: &Record) -> Result<(), FieldError> {
        self.writer = record.get("writer").cloned();
        self.switched_ms = number(record, "switched_ms")?;
        self.active = match get(record, "active")? {
            "nobody" => Active::Nobody,
            "own" => Active::Own,
            "peer" => Active::Peer,
            "to-own" => Active::Handover { to_own: true, since_ms: number(record, "since_ms")? },
            "to-peer" => Active::Handover { to_own: false, since_ms: number(record, "since_ms")? },
            other => return Err(wrong("active", other)),
        };
        Ok(())
    }
}

fn record(kind: &str, fields: impl IntoIterator<Item = (&'static str, String)>) -> Record {
    let kind = ("kind".to_owned(), kind.to_owned());
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).chain([kind]).collect()
}

fn pace_record(node: &str, Pace { older, newer }: &Pace) -> Record {
    let figures =
        [("older_ms", older.at_ms), ("older_size", older.size), ("newer_ms", newer.at_ms), ("newer_size", newer.size)];
    let figures = figures.map(|(name, value)| (name, value.to_string()));
    record("pace", figures.into_iter().chain([("node", node.to_owned())]))
}

fn read_pace(record: &Record) -> Result<Pace, FieldError> {
    let sample = |at_ms: &str, size: &str| -> Result<Sample, FieldError> {
        Ok(Sample { at_ms: number(record, at_ms)?, size: number(record, size)? })
    };
    Ok(Pace { older: sample("older_ms", "older_size")?, newer: sample("newer_ms", "newer_size")? })
}

/// The fields of a record but for its kind and what it is about.
fn others<'a>(record: &'a Record, about: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a String)> {
    record.iter().filter(|(name, _)| name.as_str() != "kind" && !about.contains(&name.as_str()))
}

fn get<'a>(record: &'a Record, name: &str) -> Result<&'a str, FieldError> {
    record.get(name).map(String::as_str).ok_or_else(|| wrong(name, ""))
}

fn number(record: &Record, name: &str) -> Result<u64, FieldError> {
    let text = get(record, name)?;
    text.parse().map_err(|_| wrong(name, text))
}

fn wrong(field: &str, value: &str) -> FieldError {
    FieldError { field: field.to_owned(), value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_handover_is_read_back() {
        let mut history = History { writer: Some("db1".into()), switched_ms: 7, ..History::default() };
        history.active = Active::Handover { to_own: false, since_ms: 9 };
        history.pair[1] = Freshness { fresh: Some(false), good: 3, ..Freshness::default() };
        assert_eq!(History::read(&history.records()).unwrap(), history);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let read = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            History::read(&[fields.collect()])
        };
        assert_eq!(read(&[("kind", "nonsense")]), Err(wrong("kind", "nonsense")));
        assert_eq!(read(&[]), Err(wrong("kind", "")));
        assert_eq!(read(&[("kind", "source-lost"), ("node", "a"), ("at_ms", "x")]), Err(wrong("at_ms", "x")));
        let track = [("kind", "service"), ("node", "a"), ("service", "rw"), ("nonsense", "1")];
        assert_eq!(read(&track), Err(wrong("nonsense", "1")));
    }
}
