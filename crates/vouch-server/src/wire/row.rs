//! Rows of the binary protocol: where each value of a payload stands.
//!
//! A row is a zero, a bitmap of NULLs that begins at bit 2, and the values that
//! are not NULL, one after another (MySQL Internals, "Binary Protocol Resultset").

use crate::wire::cell::Cell;
use mysql_common::constants::{ColumnFlags, ColumnType};
use vouch_convert::narrow;

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An integer of so many bytes.
    Int(usize),
    /// The same without a sign.
    UInt(usize),
    /// Four bytes of a float.
    Float,
    /// Eight bytes of a double.
    Double,
    /// A length and the parts of a date.
    Date,
    /// A length and the parts of a time.
    Time,
    /// A length and bytes.
    Bytes,
    /// Nothing: always NULL.
    Null,
}

impl Form {
    /// The form of a column; `None` for types that no server sends.
    pub fn of(kind: ColumnType, flags: ColumnFlags) -> Option<Self> {
        use ColumnType::*;
        let integer =
            |bytes| if flags.contains(ColumnFlags::UNSIGNED_FLAG) { Form::UInt(bytes) } else { Form::Int(bytes) };
        Some(match kind {
            MYSQL_TYPE_TINY => integer(1),
            MYSQL_TYPE_SHORT | MYSQL_TYPE_YEAR => integer(2),
            MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 => integer(4),
            MYSQL_TYPE_LONGLONG => integer(8),
            MYSQL_TYPE_FLOAT => Form::Float,
            MYSQL_TYPE_DOUBLE => Form::Double,
            MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE | MYSQL_TYPE_DATETIME => Form::Date,
            MYSQL_TYPE_TIME => Form::Time,
            MYSQL_TYPE_NULL => Form::Null,
            MYSQL_TYPE_STRING
            | MYSQL_TYPE_VAR_STRING
            | MYSQL_TYPE_VARCHAR
            | MYSQL_TYPE_BLOB
            | MYSQL_TYPE_TINY_BLOB
            | MYSQL_TYPE_MEDIUM_BLOB
            | MYSQL_TYPE_LONG_BLOB
            | MYSQL_TYPE_SET
            | MYSQL_TYPE_ENUM
            | MYSQL_TYPE_DECIMAL
            | MYSQL_TYPE_NEWDECIMAL
            | MYSQL_TYPE_BIT
            | MYSQL_TYPE_GEOMETRY
            | MYSQL_TYPE_VECTOR
            | MYSQL_TYPE_JSON => Form::Bytes,
            _ => return None,
        })
    }
}

/// A value that was found in a payload; bytes are left where they are.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// Bytes from here to there.
    Bytes(usize, usize),
    /// Any other value.
    Whole(Cell<'static>),
}

impl Slot {
    /// The value, of the payload in which it was found.
    pub fn cell(self, payload: &[u8]) -> Cell<'_> {
        match self {
            Slot::Bytes(from, to) => Cell::Bytes(payload.get(from..to).unwrap_or_default()),
            Slot::Whole(cell) => cell,
        }
    }
}

/// Finds the values of a row. `None` when the payload is no row of these columns:
/// too short, too long, or with a length that no value has.
pub fn locate(payload: &[u8], forms: &[Form], slots: &mut Vec<Slot>) -> Option<()> {
    slots.clear();
    let (0, rest) = payload.split_first().map(|(first, rest)| (*first, rest))? else { return None };
    let bitmap = rest.get(..(forms.len() + 9) / 8)?;
    let mut reader = Reader { payload, at: 1 + bitmap.len() };
    for (number, form) in forms.iter().enumerate() {
        let bit = number + 2;
        let null = bitmap.get(bit / 8)? >> (bit % 8) & 1 == 1;
        slots.push(if null { Slot::Whole(Cell::Null) } else { reader.slot(*form)? });
    }
    (reader.at == payload.len()).then_some(())
}

/// An integer that says its own length, and what stands behind it.
pub fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader { payload: bytes, at: 0 };
    Some((reader.length()?, bytes.get(reader.at..)?))
}

struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.payload.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn slot(&mut self, form: Form) -> Option<Slot> {
        Some(Slot::Whole(match form {
            Form::Bytes => {
                let length = narrow::<usize, _>(self.length()?)?;
                let from = self.at;
                self.at = from.checked_add(length).filter(|end| *end <= self.payload.len())?;
                return Some(Slot::Bytes(from, self.at));
            }
            Form::Int(1) => Cell::Int(i8::from_le_bytes(self.take()?).into()),
            Form::Int(2) => Cell::Int(i16::from_le_bytes(self.take()?).into()),
            Form::Int(4) => Cell::Int(i32::from_le_bytes(self.take()?).into()),
            Form::Int(_) => Cell::Int(i64::from_le_bytes(self.take()?)),
            Form::UInt(1) => Cell::UInt(self.byte()?.into()),
            Form::UInt(2) => Cell::UInt(u16::from_le_bytes(self.take()?).into()),
            Form::UInt(4) => Cell::UInt(u32::from_le_bytes(self.take()?).into()),
            Form::UInt(_) => Cell::UInt(u64::from_le_bytes(self.take()?)),
            Form::Float => Cell::Float(f32::from_le_bytes(self.take()?)),
            Form::Double => Cell::Double(f64::from_le_bytes(self.take()?)),
            Form::Date => self.date()?,
            Form::Time => self.time()?,
            Form::Null => Cell::Null,
        }))
    }

    /// An integer that says its own length; 0xFB and 0xFF stand for other things.
    fn length(&mut self) -> Option<u64> {
        match self.byte()? {
            0xFC => self.take().map(|bytes| u16::from_le_bytes(bytes).into()),
            0xFD => self.take().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]).into()),
            0xFE => self.take().map(u64::from_le_bytes),
            0xFB | 0xFF => None,
            small => Some(small.into()),
        }
    }

    /// 0, 4, 7 or 11 bytes: what is left out is zero.
    fn date(&mut self) -> Option<Cell<'static>> {
        let length = self.byte()?;
        let (mut year, mut month, mut day) = (0, 0, 0);
        let ([mut hour, mut minute, mut second], mut micros) = ([0; 3], 0);
        if !matches!(length, 0 | 4 | 7 | 11) {
            return None;
        }
        if length >= 4 {
            year = u16::from_le_bytes(self.take()?);
            [month, day] = self.take()?;
        }
        if length >= 7 {
            [hour, minute, second] = self.take()?;
        }
        if length == 11 {
            micros = u32::from_le_bytes(self.take()?);
        }
        Some(Cell::Date(year, month, day, hour, minute, second, micros))
    }

    /// 0, 8 or 12 bytes: what is left out is zero.
    fn time(&mut self) -> Option<Cell<'static>> {
        let length = self.byte()?;
        let (mut negative, mut days) = (0, 0);
        let ([mut hours, mut minutes, mut seconds], mut micros) = ([0; 3], 0);
        if !matches!(length, 0 | 8 | 12) {
            return None;
        }
        if length >= 8 {
            negative = self.byte()?;
            days = u32::from_le_bytes(self.take()?);
            [hours, minutes, seconds] = self.take()?;
        }
        if length == 12 {
            micros = u32::from_le_bytes(self.take()?);
        }
        Some(Cell::Time(negative == 1, days, hours, minutes, seconds, micros))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const FORMS: [Form; 13] = [
        Form::Int(1),
        Form::Int(2),
        Form::Int(4),
        Form::Int(8),
        Form::UInt(1),
        Form::UInt(2),
        Form::UInt(4),
        Form::UInt(8),
        Form::Float,
        Form::Double,
        Form::Date,
        Form::Time,
        Form::Bytes,
    ];

    fn cells(payload: &[u8], forms: &[Form]) -> Option<Vec<Cell<'static>>> {
        let mut slots = Vec::new();
        locate(payload, forms, &mut slots)?;
        Some(
            slots
                .iter()
                .map(|slot| match slot.cell(payload) {
                    Cell::Bytes(bytes) => Cell::Bytes(bytes.to_vec().leak()),
                    Cell::Null => Cell::Null,
                    _ => match slot {
                        Slot::Whole(cell) => *cell,
                        Slot::Bytes(..) => unreachable!(),
                    },
                })
                .collect(),
        )
    }

    #[test]
    fn every_form_is_read() {
        let mut row = vec![0, 0, 0];
        row.extend_from_slice(&[0xFF, 0xFE, 0xFF, 0xFD, 0xFF, 0xFF, 0xFF]);
        row.extend_from_slice(&(-4_i64).to_le_bytes());
        row.extend_from_slice(&[0xFF, 0xFE, 0xFF, 0xFD, 0xFF, 0xFF, 0xFF]);
        row.extend_from_slice(&u64::MAX.to_le_bytes());
        row.extend_from_slice(&1.5_f32.to_le_bytes());
        row.extend_from_slice(&(-0.0_f64).to_le_bytes());
        row.extend_from_slice(&[11, 0xEA, 7, 11, 21, 1, 2, 3, 4, 0, 0, 0]);
        row.extend_from_slice(&[12, 1, 2, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0]);
        row.extend_from_slice(&[3, b'a', 0, b'c']);
        let expected = [
            Cell::Int(-1),
            Cell::Int(-2),
            Cell::Int(-3),
            Cell::Int(-4),
            Cell::UInt(0xFF),
            Cell::UInt(0xFFFE),
            Cell::UInt(0xFFFF_FFFD),
            Cell::UInt(u64::MAX),
            Cell::Float(1.5),
            Cell::Double(-0.0),
            Cell::Date(2026, 11, 21, 1, 2, 3, 4),
            Cell::Time(true, 2, 3, 4, 5, 6),
            Cell::Bytes(&[b'a', 0, b'c']),
        ];
        assert_eq!(cells(&row, &FORMS).unwrap(), expected);
        for cut in 0..row.len() {
            assert_eq!(cells(&row[..cut], &FORMS), None, "{cut}");
        }
        row.push(0);
        assert_eq!(cells(&row, &FORMS), None);
    }

    #[test]
    fn nulls_and_what_is_left_out() {
        let forms = [Form::Int(4), Form::Date, Form::Time, Form::Bytes, Form::Null];
        let row = [0, 0b100_0100, 0, 0, 0, 0xFC, 1, 0, 9];
        let nothing = (Cell::Date(0, 0, 0, 0, 0, 0, 0), Cell::Time(false, 0, 0, 0, 0, 0));
        let none_but_bytes = [0, 0b100_0100, 0, 0, 0xFC, 1, 0, 9];
        assert_eq!(
            cells(&none_but_bytes, &forms).unwrap(),
            [Cell::Null, nothing.0, nothing.1, Cell::Bytes(&[9]), Cell::Null]
        );
        assert_eq!(cells(&row, &forms), None, "a byte too many");
    }

    proptest! {
        #[test]
        fn what_makes_no_sense_is_refused_or_read_but_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            forms in prop::collection::vec(prop::sample::select(FORMS.to_vec()), 0..12),
        ) {
            let mut payload = vec![0];
            payload.extend(bytes);
            let mut slots = Vec::new();
            if locate(&payload, &forms, &mut slots).is_some() {
                prop_assert_eq!(slots.len(), forms.len());
            }
        }
    }
}
