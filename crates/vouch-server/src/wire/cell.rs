//! One value of a row, borrowed from where it arrived.

use mysql_common::Value;

/// A value as the binary protocol carries it; the borrowed twin of [`Value`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// An integer of an unsigned column.
    UInt(u64),
    /// Strings, decimals, bits, JSON, geometry: the bytes that are sent.
    Bytes(&'a [u8]),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// Year, month, day, hour, minute, second, microsecond.
    Date(u16, u8, u8, u8, u8, u8, u32),
    /// Whether it is negative, days, hours, minutes, seconds, microseconds.
    Time(bool, u32, u8, u8, u8, u32),
}

impl Cell<'_> {
    /// The value, owned.
    pub fn to_value(self) -> Value {
        match self {
            Cell::Null => Value::NULL,
            Cell::Int(number) => Value::Int(number),
            // One number, one value, whatever the column's type.
            Cell::UInt(number) => i64::try_from(number).map_or(Value::UInt(number), Value::Int),
            Cell::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Cell::Float(number) => Value::Float(number),
            Cell::Double(number) => Value::Double(number),
            Cell::Date(year, month, day, hour, minute, second, micros) => {
                Value::Date(year, month, day, hour, minute, second, micros)
            }
            Cell::Time(negative, days, hours, minutes, seconds, micros) => {
                Value::Time(negative, days, hours, minutes, seconds, micros)
            }
        }
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::NULL => Cell::Null,
            Value::Int(number) => Cell::Int(*number),
            Value::UInt(number) => Cell::UInt(*number),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
            Value::Float(number) => Cell::Float(*number),
            Value::Double(number) => Cell::Double(*number),
            &Value::Date(year, month, day, hour, minute, second, micros) => {
                Cell::Date(year, month, day, hour, minute, second, micros)
            }
            &Value::Time(negative, days, hours, minutes, seconds, micros) => {
                Cell::Time(negative, days, hours, minutes, seconds, micros)
            }
        }
    }
}
