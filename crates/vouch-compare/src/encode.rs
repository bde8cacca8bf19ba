//! The encoding of values, keys and rows as bytes: unambiguous, so that equal
//! bytes mean equal values and two rows never look alike by accident of a separator.
//!
//! A value is a tag and a body that says its own length; a sequence of values is
//! their concatenation. No encoding is the beginning of another, so the
//! concatenation reads back in one way only. Integers are encoded by value, so
//! that a signed and an unsigned column agree on the same number.

use vouch_convert::{narrow, widen};
use vouch_server::{Cell, Value};

const NULL: u8 = 0;
const NATURAL: u8 = 1;
const NEGATIVE: u8 = 2;
const BYTES: u8 = 3;
const FLOAT: u8 = 4;
const DOUBLE: u8 = 5;
const DATE: u8 = 6;
const TIME: u8 = 7;

/// Appends the encoding of a value.
pub fn push<'a>(value: impl Into<Cell<'a>>, out: &mut Vec<u8>) {
    match value.into() {
        Cell::Null => out.push(NULL),
        Cell::Int(number) if number < 0 => fixed(NEGATIVE, &number.to_le_bytes(), out),
        Cell::Int(number) => fixed(NATURAL, &number.to_le_bytes(), out),
        Cell::UInt(number) => fixed(NATURAL, &number.to_le_bytes(), out),
        Cell::Bytes(bytes) => {
            fixed(BYTES, &widen(bytes.len()).to_le_bytes(), out);
            out.extend_from_slice(bytes);
        }
        Cell::Float(number) => fixed(FLOAT, &number.to_bits().to_le_bytes(), out),
        Cell::Double(number) => fixed(DOUBLE, &number.to_bits().to_le_bytes(), out),
        Cell::Date(year, month, day, hour, minute, second, micros) => {
            fixed(DATE, &year.to_le_bytes(), out);
            out.extend_from_slice(&[month, day, hour, minute, second]);
            out.extend_from_slice(&micros.to_le_bytes());
        }
        Cell::Time(negative, days, hours, minutes, seconds, micros) => {
            fixed(TIME, &[u8::from(negative)], out);
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&[hours, minutes, seconds]);
            out.extend_from_slice(&micros.to_le_bytes());
        }
    }
}

fn fixed(tag: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(body);
}

/// The encoding of a sequence of values.
pub fn encode<'a>(values: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        push(value, &mut out);
    }
    out
}

/// Reads a sequence of values back; `None` when the bytes are no encoding.
pub fn decode(bytes: &[u8]) -> Option<Vec<Value>> {
    let mut reader = Reader { rest: bytes };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value()?);
    }
    Some(values)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        vouch_convert::array(self.take(N)?)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            NULL => Value::NULL,
            NATURAL => natural(u64::from_le_bytes(self.array()?)),
            NEGATIVE => Value::Int(i64::from_le_bytes(self.array()?)),
            BYTES => {
                let length = narrow::<usize, _>(u64::from_le_bytes(self.array()?))?;
                Value::Bytes(self.take(length)?.to_vec())
            }
            FLOAT => Value::Float(f32::from_bits(u32::from_le_bytes(self.array()?))),
            DOUBLE => Value::Double(f64::from_bits(u64::from_le_bytes(self.array()?))),
            DATE => self.date()?,
            TIME => self.time()?,
            _ => return None,
        })
    }

    fn date(&mut self) -> Option<Value> {
        let year = u16::from_le_bytes(self.array()?);
        let [month, day, hour, minute, second] = self.array()?;
        Some(Value::Date(year, month, day, hour, minute, second, u32::from_le_bytes(self.array()?)))
    }

    fn time(&mut self) -> Option<Value> {
        let negative = self.byte()? != 0;
        let days = u32::from_le_bytes(self.array()?);
        let [hours, minutes, seconds] = self.array()?;
        Some(Value::Time(negative, days, hours, minutes, seconds, u32::from_le_bytes(self.array()?)))
    }
}

/// The smallest kind of number that holds it, so that signed columns get signed parameters.
fn natural(number: u64) -> Value {
    i64::try_from(number).map_or(Value::UInt(number), Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::NULL),
            any::<i64>().prop_map(Value::Int),
            any::<u64>().prop_map(natural),
            prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
            any::<u32>().prop_map(|bits| Value::Float(f32::from_bits(bits))),
            any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
            (any::<u16>(), any::<[u8; 5]>(), any::<u32>())
                .prop_map(|(y, [m, d, h, i, s], u)| Value::Date(y, m, d, h, i, s, u)),
            (any::<bool>(), any::<u32>(), any::<[u8; 3]>(), any::<u32>())
                .prop_map(|(n, d, [h, m, s], u)| Value::Time(n, d, h, m, s, u)),
        ]
    }

    /// Equal to the bit, NaN and the sign of zero included.
    fn alike(x: &Value, y: &Value) -> bool {
        match (x, y) {
            (Value::Float(x), Value::Float(y)) => x.to_bits() == y.to_bits(),
            (Value::Double(x), Value::Double(y)) => x.to_bits() == y.to_bits(),
            _ => x == y,
        }
    }

    proptest! {
        /// What can be read back in one way only cannot be the encoding of two things.
        #[test]
        fn the_encoding_is_injective(row in prop::collection::vec(value(), 0..8)) {
            let bytes = encode(&row);
            let back = decode(&bytes);
            prop_assert_eq!(back.map(|values| encode(&values)), Some(bytes));
            prop_assert_eq!(decode(&encode(&row)).map(|values| values.len()), Some(row.len()));
        }

        #[test]
        fn different_rows_have_different_bytes(
            a in prop::collection::vec(value(), 1..5),
            b in prop::collection::vec(value(), 1..5),
        ) {
            let same = a.len() == b.len() && a.iter().zip(&b).all(|(x, y)| alike(x, y));
            prop_assert_eq!(encode(&a) == encode(&b), same);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            decode(&bytes);
        }
    }

    #[test]
    fn a_separator_inside_a_value_is_no_separator() {
        let row = |a: &str, b: &str| encode(&[Value::from(a), Value::from(b)]);
        assert_ne!(row("a#b", "c"), row("a", "b#c"));
    }

    #[test]
    fn a_number_is_the_same_signed_and_unsigned_and_a_zero_keeps_its_sign() {
        assert_eq!(encode(&[Value::Int(7)]), encode(&[Value::UInt(7)]));
        assert_ne!(encode(&[Value::Double(0.0)]), encode(&[Value::Double(-0.0)]));
    }
}
