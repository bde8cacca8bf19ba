//! A row as bytes: [`RowEncoder`].
//!
//! ```text
//! 1. literal, number, sha256, sha256-hex   value '|'                        NULL: 'N' '|'
//! 2. bytes                                 length ':' bytes                 NULL: 'N'
//!    bytes, the last one of the table      bytes, or ':' bytes if nullable  NULL: 'N'
//! 3. double                                1 and 8 bytes, big-endian        NULL: nine zeros
//! ```
//!
//! Each group has its columns in the order of the table. No value of group 1 contains `|`, and
//! neither a length nor a literal is `N`, so different rows of one table never have the same bytes.

use crate::digest::{Sha256, push_hex};
use vouch_convert::{push_padded, widen};

/// How the values of a column are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Numbers, dates and the like, as text without `|`.
    Literal,
    /// BIT, as a decimal number.
    Number,
    /// Strings that may be longer than 1024 bytes, as the SHA-256 of their bytes.
    Sha256,
    /// Types without bytes of their own, as the SHA-256 of their bytes in upper-case hexadecimal digits.
    Sha256Hex,
    /// Short strings, as their bytes.
    Bytes,
    /// FLOAT and DOUBLE, as IEEE 754 doubles.
    Double,
}

/// The names of all forms, in the order of [`Form::ALL`].
pub(crate) const FORM_NAMES: &[&str] = &["literal", "number", "sha256", "sha256-hex", "bytes", "double"];

impl Form {
    const ALL: &[Form] = &[Form::Literal, Form::Number, Form::Sha256, Form::Sha256Hex, Form::Bytes, Form::Double];

    /// Its name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Form::Literal => "literal",
            Form::Number => "number",
            Form::Sha256 => "sha256",
            Form::Sha256Hex => "sha256-hex",
            Form::Bytes => "bytes",
            Form::Double => "double",
        }
    }

    /// The form of that name.
    pub fn named(name: &str) -> Option<Form> {
        Form::ALL.iter().copied().find(|form| form.name() == name)
    }
}

/// A column whose values are part of the encoding of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// How its values are encoded.
    pub form: Form,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A value is of a kind that the form of its column does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongField;

/// The values of a row, by the place of their column. `None` stands for NULL.
pub trait Fields {
    /// Appends the text of a [`Form::Literal`] or [`Form::Number`] value.
    ///
    /// # Errors
    /// The value has no such text.
    fn push_literal(&self, at: usize, out: &mut Vec<u8>) -> Result<Option<()>, WrongField>;

    /// The bytes of a value.
    ///
    /// # Errors
    /// The value has no bytes.
    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, WrongField>;

    /// A FLOAT or DOUBLE value.
    ///
    /// # Errors
    /// The value is not a number.
    fn double(&self, at: usize) -> Result<Option<f64>, WrongField>;
}

/// Encodes the rows of one table.
pub struct RowEncoder {
    /// The columns of the first group, by place and form.
    delimited: Vec<(usize, Form)>,
    /// The columns of the second group, with whether they may be NULL.
    strings: Vec<(usize, bool)>,
    doubles: Vec<usize>,
}

impl RowEncoder {
    /// An encoder for rows of these columns.
    pub fn new(columns: &[ColumnFacts]) -> Self {
        let mut encoder = RowEncoder { delimited: Vec::new(), strings: Vec::new(), doubles: Vec::new() };
        for (at, column) in columns.iter().enumerate() {
            match column.form {
                Form::Bytes => encoder.strings.push((at, column.nullable)),
                Form::Double => encoder.doubles.push(at),
                form => encoder.delimited.push((at, form)),
            }
        }
        encoder
    }

    /// Appends the encoding of a row.
    ///
    /// # Errors
    /// A value does not fit the form of its column.
    pub fn encode(&self, row: &impl Fields, out: &mut Vec<u8>) -> Result<(), WrongField> {
        for &(at, form) in &self.delimited {
            push_delimited(row, at, form, out)?;
        }
        let last = self.strings.len().saturating_sub(1);
        for (place, &(at, nullable)) in self.strings.iter().enumerate() {
            push_string(row.bytes(at)?, nullable, place == last, out);
        }
        for &at in &self.doubles {
            push_double(row.double(at)?, out);
        }
        Ok(())
    }
}

fn push_delimited(row: &impl Fields, at: usize, form: Form, out: &mut Vec<u8>) -> Result<(), WrongField> {
    let found = match form {
        Form::Sha256 => row.bytes(at)?.map(|bytes| push_hex(&Sha256::of(bytes), out)),
        Form::Sha256Hex => row.bytes(at)?.map(|bytes| push_hex(&Sha256::of(&upper_hex(bytes)), out)),
        _ => row.push_literal(at, out)?,
    };
    if found.is_none() {
        out.push(b'N');
    }
    out.push(b'|');
    Ok(())
}

fn push_string(bytes: Option<&[u8]>, nullable: bool, last: bool, out: &mut Vec<u8>) {
    let Some(bytes) = bytes else { return out.push(b'N') };
    if !last {
        push_padded(widen(bytes.len()), 1, out);
    }
    if !last || nullable {
        out.push(b':');
    }
    out.extend_from_slice(bytes);
}

fn push_double(value: Option<f64>, out: &mut Vec<u8>) {
    out.push(u8::from(value.is_some()));
    out.extend_from_slice(&value.map_or(0, f64::to_bits).to_be_bytes());
}

fn upper_hex(bytes: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(bytes.len().saturating_mul(2));
    push_hex(bytes, &mut digits);
    digits.make_ascii_uppercase();
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Cell {
        Null,
        Text(Vec<u8>),
        Double(f64),
    }

    struct Row(Vec<Cell>);

    impl Row {
        fn text(&self, at: usize) -> Result<Option<&[u8]>, WrongField> {
            match self.0.get(at) {
                Some(Cell::Null) => Ok(None),
                Some(Cell::Text(text)) => Ok(Some(text)),
                _ => Err(WrongField),
            }
        }
    }

    impl Fields for Row {
        fn push_literal(&self, at: usize, out: &mut Vec<u8>) -> Result<Option<()>, WrongField> {
            Ok(self.text(at)?.map(|text| out.extend_from_slice(text)))
        }
        fn bytes(&self, at: usize) -> Result<Option<&[u8]>, WrongField> {
            self.text(at)
        }
        fn double(&self, at: usize) -> Result<Option<f64>, WrongField> {
            match self.0.get(at) {
                Some(Cell::Null) => Ok(None),
                Some(Cell::Double(number)) => Ok(Some(*number)),
                _ => Err(WrongField),
            }
        }
    }

    fn column(form: Form, nullable: bool) -> ColumnFacts {
        ColumnFacts { name: "c".to_owned(), form, nullable }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.as_bytes().to_vec())
    }

    fn encoded(columns: &[ColumnFacts], row: Vec<Cell>) -> Vec<u8> {
        let mut out = Vec::new();
        let result = RowEncoder::new(columns).encode(&Row(row), &mut out);
        assert_eq!(result, Ok(()));
        out
    }

    /// The encoding is public: a manifest that was made once must hold for ever.
    #[test]
    fn the_encoding_is_the_one_of_the_documentation() {
        let columns = [
            column(Form::Bytes, false),
            column(Form::Literal, false),
            column(Form::Double, true),
            column(Form::Sha256, true),
            column(Form::Bytes, true),
        ];
        let row = vec![text("Ada"), text("7"), Cell::Double(1.5), Cell::Null, text("")];
        let mut expected = b"7|N|3:Ada:".to_vec();
        expected.extend([1, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encoded(&columns, row), expected);
        let row = vec![text("x"), text("-1"), Cell::Null, text("abc"), Cell::Null];
        let mut expected = b"-1|ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|1:xN".to_vec();
        expected.extend([0; 9]);
        assert_eq!(encoded(&columns, row), expected);
        let long = "y".repeat(120);
        assert_eq!(
            encoded(&[column(Form::Bytes, false), column(Form::Bytes, false)], vec![text(&long), text("z")]),
            format!("120:{long}z").into_bytes()
        );
    }

    fn rows() -> impl Strategy<Value = (Vec<ColumnFacts>, Vec<Cell>, Vec<Cell>)> {
        let column = (0_usize..3, any::<bool>()).prop_map(|(form, nullable)| {
            column([Form::Literal, Form::Bytes, Form::Double].get(form).copied().unwrap_or(Form::Bytes), nullable)
        });
        prop::collection::vec(column, 1..5).prop_flat_map(|columns| {
            let row = || {
                columns
                    .iter()
                    .map(|column| {
                        let nullable = column.nullable;
                        let value = match column.form {
                            // No literal is empty or `N`.
                            Form::Literal => "-?[0-9]{1,2}".prop_map(|digits| text(&digits)).boxed(),
                            Form::Double => any::<f64>().prop_map(Cell::Double).boxed(),
                            _ => "[N|:0-9]{0,4}".prop_map(|bytes| text(&bytes)).boxed(),
                        };
                        (value, any::<bool>())
                            .prop_map(move |(value, null)| if nullable && null { Cell::Null } else { value })
                    })
                    .collect::<Vec<_>>()
            };
            (Just(columns.clone()), row(), row())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]
        #[test]
        fn different_rows_have_different_bytes((columns, a, b) in rows()) {
            let key = |row: &[Cell]| -> Vec<Option<Vec<u8>>> {
                row.iter().map(|cell| match cell {
                    Cell::Null => None,
                    Cell::Text(text) => Some(text.clone()),
                    Cell::Double(number) => Some(number.to_bits().to_be_bytes().to_vec()),
                }).collect()
            };
            prop_assert_eq!(key(&a) == key(&b), encoded(&columns, a) == encoded(&columns, b));
        }
    }
}
