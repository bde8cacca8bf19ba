//! Digesting the rows of a table for manifest v2: [`read`].
//!
//! A table with a key is read in the order of the key and cut into ranges as rows come
//! ([`Slice::Cut`]), or read range by range as a manifest has them ([`Slice::Known`]).

use crate::layout::{Layout, TextKind};
use crate::request::{Reading, Request, Slice};
use crate::texts::{RowCells, key_text, key_value};
use vouch_manifest::{Form, Method, MultisetHash, RangeFacts, RangeHasher, RowEncoder, RowFacts, WrongField};
use vouch_server::{Bound, Cell, Fault, Interval, Result, ServerError, Session, TableDefinition, TableName, Value};

/// Most bytes of encoded rows in a range: what has to be read again to see which rows differ stays small.
const RANGE_BYTES: u64 = 64 << 20;

/// Reads the rows that the request is about into `reading`.
///
/// # Errors
/// Those of the server.
pub fn read(session: &mut Session, request: &Request, definition: &TableDefinition, into: &mut Reading) -> Result<()> {
    let layout = layout(session, &request.name, definition)?;
    let reader = Reader { session, request, layout };
    match &request.slice {
        Slice::Cut { interval, upto, rows } => reader.cut(interval, upto.as_deref(), *rows, into),
        Slice::Known { facts, from, to } => reader.known(facts, *from..*to, definition, into),
    }
}

/// The layout of a table.
///
/// # Errors
/// Those of the server.
pub fn layout(session: &mut Session, table: &TableName, definition: &TableDefinition) -> Result<Layout> {
    let virtual_columns = match definition.columns.iter().any(|column| !column.generated.is_empty()) {
        true => session.virtual_columns(table)?,
        false => Vec::new(),
    };
    Ok(Layout::new(definition, virtual_columns))
}

struct Reader<'a> {
    session: &'a mut Session,
    request: &'a Request,
    layout: Layout,
}

impl Reader<'_> {
    fn facts(&self) -> RowFacts {
        RowFacts {
            columns: self.layout.columns.clone(),
            virtual_columns: self.layout.virtual_columns.clone(),
            key: self.layout.key_facts(),
            ranges: Vec::new(),
        }
    }

    /// Reads an interval and ends a range after `limit` rows, or where it has grown too large.
    fn cut(mut self, interval: &Interval, upto: Option<&[String]>, limit: u64, into: &mut Reading) -> Result<()> {
        let mut facts = self.facts();
        if facts.key.is_empty() {
            return self.multiset(facts, into);
        }
        // Where the key is compared by number, a range of it would be read by reading the whole table.
        let limit = if self.layout.is_ranged() { limit } else { u64::MAX };
        let keys = self.layout.key_texts();
        let mut ranges = Vec::new();
        let mut hasher = RangeHasher::default();
        self.rows(interval, |row, encoder| {
            hasher.add(|out| encoder.encode(&row, out))?;
            if hasher.rows() >= limit || (hasher.bytes() >= RANGE_BYTES && limit < u64::MAX) {
                let upto = Some(texts(row.row.key(), &keys)?);
                let (rows, sha256) = hasher.finish();
                ranges.push(RangeFacts { upto, rows, sha256 });
            }
            Ok(())
        })?;
        let (rows, sha256) = hasher.finish();
        // The last range of the table has no end; one of a slice without rows would say nothing.
        if upto.is_none() || rows > 0 {
            ranges.push(RangeFacts { upto: upto.map(<[String]>::to_vec), rows, sha256 });
        }
        facts.ranges = ranges;
        into.rows = Some(facts.ranges.iter().fold(0, |sum, range| sum.saturating_add(range.rows)));
        (into.method, into.row_facts) = (Some(Method::RowSha256Tree), Some(facts));
        Ok(())
    }

    /// Reads ranges of a manifest.
    fn known(
        mut self,
        wanted: &RowFacts,
        which: std::ops::Range<usize>,
        definition: &TableDefinition,
        into: &mut Reading,
    ) -> Result<()> {
        into.method = self.request.method;
        if let Some(unlike) = self.layout.differs_from(&wanted.columns) {
            into.unlike = Some(unlike);
            return Ok(());
        }
        let facts = self.facts();
        if wanted.key.is_empty() {
            return self.multiset(facts, into);
        }
        match self.layout.clone().along(&wanted.key, definition) {
            Ok(layout) => self.layout = layout,
            Err(unlike) => {
                into.unlike = Some(unlike);
                return Ok(());
            }
        }
        let keys = self.layout.key_texts();
        let mut found = RowFacts { ranges: Vec::new(), ..facts };
        for at in which {
            let Some(range) = wanted.ranges.get(at) else { break };
            let lower = at.checked_sub(1).and_then(|before| wanted.ranges.get(before));
            let interval = Interval {
                lower: self.bound(lower.and_then(|range| range.upto.as_deref()), &keys)?,
                upper: self.bound(range.upto.as_deref(), &keys)?,
            };
            let mut hasher = RangeHasher::default();
            self.rows(&interval, |row, encoder| hasher.add(|out| encoder.encode(&row, out)))?;
            let (rows, sha256) = hasher.finish();
            found.ranges.push(RangeFacts { upto: range.upto.clone(), rows, sha256 });
        }
        into.rows = Some(found.ranges.iter().fold(0, |sum, range| sum.saturating_add(range.rows)));
        into.row_facts = Some(found);
        Ok(())
    }

    fn multiset(mut self, facts: RowFacts, into: &mut Reading) -> Result<()> {
        let mut hash = MultisetHash::default();
        let mut encoded = Vec::new();
        self.layout.key.clear();
        self.rows(&Interval::default(), |row, encoder| {
            encoded.clear();
            encoder.encode(&row, &mut encoded)?;
            hash.add(&encoded);
            Ok(())
        })?;
        (into.rows, into.value, into.method) = (Some(hash.rows()), hash.finish(), Some(Method::RowLthash));
        into.row_facts = Some(facts);
        Ok(())
    }

    /// Hands each row of the interval to `take`, with what encodes it.
    fn rows(
        &mut self,
        interval: &Interval,
        mut take: impl FnMut(RowCells<'_, '_>, &RowEncoder) -> std::result::Result<(), WrongField>,
    ) -> Result<()> {
        let encoder = RowEncoder::new(&self.layout.columns);
        let mut wrong = false;
        let reading = self.layout.reading(&self.request.name);
        let texts = &self.layout.texts;
        self.session.read_in_order(&reading, interval, |row| {
            // Once a row could not be encoded, the digest is of no use.
            wrong = wrong || take(RowCells { row: &row, texts }, &encoder).is_err();
        })?;
        match wrong {
            false => Ok(()),
            true => Err(self.broken("a value is not of the type of its column")),
        }
    }

    fn bound(&self, texts: Option<&[String]>, keys: &[(Form, TextKind)]) -> Result<Option<Bound>> {
        let Some(texts) = texts else { return Ok(None) };
        let values = texts.iter().zip(keys).map(|(text, kind)| key_value(text, *kind));
        let bound = values.collect::<std::result::Result<Vec<Value>, WrongField>>();
        bound.map(Some).map_err(|_| self.broken("the end of a range in the manifest is no value of the key's columns"))
    }

    fn broken(&self, why: &str) -> ServerError {
        ServerError::new(self.session.name(), Fault::Other, why)
    }
}

/// The texts of a key.
///
/// # Errors
/// A value of it does not fit.
pub fn texts<'a>(
    values: impl Iterator<Item = Cell<'a>>,
    keys: &[(Form, TextKind)],
) -> std::result::Result<Vec<String>, WrongField> {
    values.zip(keys).map(|(value, kind)| key_text(value, *kind)).collect()
}
