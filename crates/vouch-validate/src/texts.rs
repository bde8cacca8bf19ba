//! Values of the binary protocol as the text that manifest v2 digests, and back: [`RowCells`].

use crate::layout::TextKind;
use vouch_convert::push_padded;
use vouch_manifest::{Fields, Form, WrongField, unhex};
use vouch_server::{Cell, RowView, Value};

/// A row that is to be encoded.
pub struct RowCells<'a, 'b> {
    /// The row.
    pub row: &'a RowView<'b>,
    /// How the values of each column become text.
    pub texts: &'a [TextKind],
}

impl Fields for RowCells<'_, '_> {
    fn push_literal(&self, at: usize, out: &mut Vec<u8>) -> Result<Option<()>, WrongField> {
        push_text(self.row.cell(at), *self.texts.get(at).ok_or(WrongField)?, out)
    }

    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, WrongField> {
        match self.row.cell(at) {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            _ => Err(WrongField),
        }
    }

    fn double(&self, at: usize) -> Result<Option<f64>, WrongField> {
        number(self.row.cell(at))
    }
}

fn number(cell: Cell<'_>) -> Result<Option<f64>, WrongField> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Float(number) => Ok(Some(f64::from(number))),
        Cell::Double(number) => Ok(Some(number)),
        _ => Err(WrongField),
    }
}

fn push_text(cell: Cell<'_>, kind: TextKind, out: &mut Vec<u8>) -> Result<Option<()>, WrongField> {
    match (cell, kind) {
        (Cell::Null, _) => return Ok(None),
        (Cell::Int(number), TextKind::Integer) => push_signed(number, out),
        (Cell::UInt(number), TextKind::Integer) => push_padded(number, 1, out),
        // ENUM and SET as numbers are doubles on their way.
        (Cell::Double(number), TextKind::Integer) => out.extend_from_slice(format!("{number:.0}").as_bytes()),
        (Cell::Int(year), TextKind::Year) => push_padded(u64::try_from(year).map_err(|_| WrongField)?, 4, out),
        (Cell::UInt(year), TextKind::Year) => push_padded(year, 4, out),
        (Cell::Bytes(bits), TextKind::Bits) => push_padded(bits_of(bits)?, 1, out),
        (Cell::Bytes(bytes), TextKind::AsSent) => out.extend_from_slice(bytes),
        (Cell::Date(year, month, day, ..), TextKind::Date) => push_date(year, month, day, out),
        (Cell::Date(year, month, day, hour, minute, second, micros), TextKind::DateTime(digits)) => {
            push_date(year, month, day, out);
            out.push(b' ');
            push_clock(u64::from(hour), minute, second, out);
            push_fraction(micros, digits, out)?;
        }
        (Cell::Time(negative, days, hours, minutes, seconds, micros), TextKind::Time(digits)) => {
            out.extend(negative.then_some(b'-'));
            let hours = u64::from(days).saturating_mul(24).saturating_add(u64::from(hours));
            push_clock(hours, minutes, seconds, out);
            push_fraction(micros, digits, out)?;
        }
        _ => return Err(WrongField),
    }
    Ok(Some(()))
}

fn bits_of(bytes: &[u8]) -> Result<u64, WrongField> {
    if bytes.len() > 8 {
        return Err(WrongField);
    }
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn push_signed(number: i64, out: &mut Vec<u8>) {
    out.extend((number < 0).then_some(b'-'));
    push_padded(number.unsigned_abs(), 1, out);
}

fn push_date(year: u16, month: u8, day: u8, out: &mut Vec<u8>) {
    push_padded(u64::from(year), 4, out);
    for part in [month, day] {
        out.push(b'-');
        push_padded(u64::from(part), 2, out);
    }
}

fn push_clock(hours: u64, minutes: u8, seconds: u8, out: &mut Vec<u8>) {
    push_padded(hours, 2, out);
    for part in [minutes, seconds] {
        out.push(b':');
        push_padded(u64::from(part), 2, out);
    }
}

/// The first `digits` of the six of a fraction; the others are zero, or it is not of that column.
fn push_fraction(micros: u32, digits: usize, out: &mut Vec<u8>) -> Result<(), WrongField> {
    if digits == 0 {
        return if micros == 0 { Ok(()) } else { Err(WrongField) };
    }
    out.push(b'.');
    let start = out.len();
    push_padded(u64::from(micros), 6, out);
    let rest = out.split_off(start.saturating_add(digits).min(out.len()));
    if rest.iter().all(|digit| *digit == b'0') { Ok(()) } else { Err(WrongField) }
}

/// The text of a value of a key in the end of a range.
///
/// # Errors
/// The value does not fit, or is NULL.
pub fn key_text(cell: Cell<'_>, (form, kind): (Form, TextKind)) -> Result<String, WrongField> {
    match (form, cell) {
        (Form::Bytes | Form::Sha256, Cell::Bytes(bytes)) => Ok(hex(bytes)),
        (Form::Double, cell) => Ok(hex(&number(cell)?.ok_or(WrongField)?.to_bits().to_be_bytes())),
        (_, cell) => {
            let mut text = Vec::new();
            push_text(cell, kind, &mut text)?.ok_or(WrongField)?;
            String::from_utf8(text).map_err(|_| WrongField)
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value that [`key_text`] made a text of, to be compared with a column.
///
/// # Errors
/// The text is none of such a value.
pub fn key_value(text: &str, (form, kind): (Form, TextKind)) -> Result<Value, WrongField> {
    match (form, kind) {
        (Form::Bytes | Form::Sha256, _) => Ok(Value::Bytes(unhex(text).ok_or(WrongField)?)),
        (Form::Double, _) => {
            let bytes = unhex(text).and_then(|bytes| vouch_convert::array::<8>(&bytes)).ok_or(WrongField)?;
            Ok(Value::Double(f64::from_bits(u64::from_be_bytes(bytes))))
        }
        // As a number, so that the server does not compare by rounded doubles.
        (_, TextKind::Integer | TextKind::Year | TextKind::Bits) => {
            let signed = text.parse().map(Value::Int);
            signed.or_else(|_| text.parse().map(Value::UInt)).map_err(|_| WrongField)
        }
        _ => Ok(Value::Bytes(text.as_bytes().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(cell: Cell<'_>, kind: TextKind) -> String {
        let mut out = Vec::new();
        push_text(cell, kind, &mut out).unwrap().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_have_the_text_that_servers_give_them() {
        for (cell, kind, expected) in [
            (Cell::Int(i64::MIN), TextKind::Integer, "-9223372036854775808"),
            (Cell::UInt(u64::MAX), TextKind::Integer, "18446744073709551615"),
            (Cell::Int(0), TextKind::Integer, "0"),
            (Cell::Double(7.0), TextKind::Integer, "7"),
            (Cell::Int(0), TextKind::Year, "0000"),
            (Cell::Int(2155), TextKind::Year, "2155"),
            (Cell::Bytes(&[1, 0]), TextKind::Bits, "256"),
            (Cell::Bytes(&[255; 8]), TextKind::Bits, "18446744073709551615"),
            (Cell::Bytes(b"-0.50"), TextKind::AsSent, "-0.50"),
            (Cell::Date(0, 0, 0, 0, 0, 0, 0), TextKind::Date, "0000-00-00"),
            (Cell::Date(2024, 2, 29, 0, 0, 0, 0), TextKind::DateTime(0), "2024-02-29 00:00:00"),
            (Cell::Date(9999, 12, 31, 23, 59, 59, 120_000), TextKind::DateTime(3), "9999-12-31 23:59:59.120"),
            (Cell::Time(true, 34, 22, 59, 58, 1), TextKind::Time(6), "-838:59:58.000001"),
            (Cell::Time(false, 0, 1, 2, 3, 0), TextKind::Time(0), "01:02:03"),
        ] {
            assert_eq!(text(cell, kind), expected);
        }
        let mut out = Vec::new();
        assert_eq!(push_text(Cell::Null, TextKind::Integer, &mut out), Ok(None));
        assert_eq!(push_text(Cell::Bytes(b"x"), TextKind::Integer, &mut out), Err(WrongField));
        assert_eq!(push_text(Cell::Time(false, 0, 0, 0, 0, 1), TextKind::Time(3), &mut out), Err(WrongField));
    }

    #[test]
    fn keys_come_back_as_they_were() {
        for (value, kind) in [
            (Value::Int(-7), (Form::Literal, TextKind::Integer)),
            (Value::UInt(u64::MAX), (Form::Literal, TextKind::Integer)),
            (Value::Bytes(vec![0, 255, b'|']), (Form::Bytes, TextKind::AsSent)),
            (Value::Bytes(b"12.50".to_vec()), (Form::Literal, TextKind::AsSent)),
            (Value::Double(-0.1), (Form::Double, TextKind::AsSent)),
        ] {
            let text = key_text(Cell::from(&value), kind).unwrap();
            assert_eq!(key_value(&text, kind), Ok(value), "{text}");
        }
        let date = (Form::Literal, TextKind::DateTime(3));
        let text = key_text(Cell::Date(2020, 1, 2, 3, 4, 5, 678_000), date).unwrap();
        assert_eq!(key_value(&text, date), Ok(Value::Bytes(b"2020-01-02 03:04:05.678".to_vec())));
        assert_eq!(key_value("x", (Form::Literal, TextKind::Integer)), Err(WrongField));
        assert_eq!(key_value("0g", (Form::Bytes, TextKind::AsSent)), Err(WrongField));
    }
}
