//! What the records of a compressed node look like, as its stream says: [`Shape`].
//!
//! Fields of fixed lengths that stand side by side are one there.

/// What can be said of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    width: Width,
    nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Fixed(usize),
    /// One byte in front of the record has the length.
    Short,
    /// One or two bytes have it, and whether a part is elsewhere.
    Long,
}

/// The fields of a transaction: its number and where the version before is.
pub(super) const TRANSACTION: usize = 13;
/// A reference to a part of a value that stands elsewhere.
pub(super) const REFERENCE: usize = 20;
/// Above the leaves every record ends with its child.
const CHILD: usize = 4;
const TWO_BYTES: u8 = 0x80;
const ELSEWHERE: usize = 0x4000;
const LENGTH: usize = 0x3fff;

/// The fields of a node's records.
#[derive(Debug)]
pub(super) struct Shape {
    parts: Vec<Part>,
    null_bytes: usize,
    /// The part that begins with the fields of the transaction.
    transaction: Option<usize>,
    node: bool,
}

/// Where the parts of one record are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spread {
    /// Bytes in front of the record, without those that each record has.
    pub extra: usize,
    /// Bytes of the record.
    pub data: usize,
    /// What of these bytes is not in the stream: where it begins, and how long it is.
    pub apart: Vec<(usize, usize)>,
}

impl Spread {
    /// The bytes that are in the stream, as runs.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, usize)> {
        let starts = std::iter::once(0).chain(self.apart.iter().map(|(at, length)| at + length));
        let ends = self.apart.iter().map(|(at, _)| *at).chain(std::iter::once(self.data));
        starts.zip(ends)
    }

    /// Where references to long values stand.
    pub(super) fn references(&self) -> impl Iterator<Item = usize> {
        self.apart.iter().filter(|(_, length)| *length == REFERENCE).map(|(at, _)| *at)
    }
}

impl Shape {
    /// Reads the description. On leaves its last number is the part with the transaction, above them how many
    /// fields may be NULL.
    pub(super) fn read(bytes: &[u8], leaf: bool) -> Option<Shape> {
        let (mut parts, mut rest) = (Vec::new(), bytes);
        let mut last = None;
        while let Some((first, after)) = rest.split_first() {
            let long = first & TWO_BYTES != 0;
            let number = if long {
                usize::from(first & !TWO_BYTES) << 8 | usize::from(*after.first()?)
            } else {
                usize::from(*first)
            };
            rest = if long { after.get(1..)? } else { after };
            let width = match number {
                _ if long => Width::Fixed(number >> 1),
                126.. => Width::Long,
                0 | 1 => Width::Short,
                _ => Width::Fixed(number >> 1),
            };
            parts.extend(last.replace((number, Part { width, nullable: number & 1 == 0 })).map(|(_, part)| part));
        }
        let (number, _) = last?;
        let nullable = parts.iter().filter(|part| part.nullable).count();
        let transaction = (leaf && number > 0).then_some(number);
        let fits = if leaf { number == 0 || number < parts.len() } else { nullable <= number };
        let nulls = if leaf { nullable } else { number };
        fits.then_some(Shape { parts, null_bytes: nulls.div_ceil(8), transaction, node: !leaf })
    }

    /// Whether the records are those of a leaf of a clustered index.
    pub(super) fn has_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Where the parts of a record are. `extra` has the bytes in front of the record, from the last one on.
    pub(super) fn spread(&self, extra: impl Fn(usize) -> Option<u8>) -> Option<Spread> {
        let (mut at, mut null) = (self.null_bytes, 0_usize);
        let mut spread = Spread::default();
        for (number, part) in self.parts.iter().enumerate() {
            if part.nullable {
                let bit = extra(null / 8)? >> (null % 8) & 1;
                null += 1;
                if bit == 1 {
                    continue;
                }
            }
            let (length, elsewhere) = match part.width {
                Width::Fixed(length) => (length, false),
                Width::Short => (usize::from(extra(at)?), false),
                Width::Long => match extra(at)? {
                    first if first & TWO_BYTES == 0 => (usize::from(first), false),
                    first => {
                        at += 1;
                        let both = usize::from(first) << 8 | usize::from(extra(at)?);
                        (both & LENGTH, both & ELSEWHERE != 0)
                    }
                },
            };
            at += usize::from(part.width == Width::Short || part.width == Width::Long);
            if self.transaction == Some(number) {
                spread.apart.push((spread.data, TRANSACTION));
                (length >= TRANSACTION).then_some(())?;
            }
            spread.data += length;
            if elsewhere {
                spread.apart.push((spread.data.checked_sub(REFERENCE)?, REFERENCE));
            }
        }
        if self.node {
            spread.apart.push((spread.data, CHILD));
            spread.data += CHILD;
        }
        spread.extra = at;
        Some(spread)
    }
}
