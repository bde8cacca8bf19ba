//! Recognising rows in a binlog: the same value, as SQL returns it and as an event shows it,
//! gets one token.
//!
//! Invariant: tokens may be equal for values that differ, never the other way round. A row that is taken for one that
//! moved stays unproven; a movement that is not recognised would make a wrong proof. So whatever has no
//! certain token has none, and matches everything.

use std::net::{Ipv4Addr, Ipv6Addr};
use vouch_convert::{parse, utf8};
use vouch_server::{ColumnEntry, TableDefinition, Value};
use xxhash_rust::xxh3::xxh3_64;

/// How values of a column become tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An integer of so many bits: events may have lost its sign.
    Integer(u32),
    /// A year: events hold it as text, the year 0 as 1900.
    Year,
    /// Digits as text.
    Decimal,
    /// Four or eight bytes of a float.
    Real,
    /// A date, with or without a time.
    Date,
    /// Events hold seconds since 1970 as text.
    Timestamp,
    /// A time of day or a span.
    Time,
    /// ENUM, SET and BIT by number.
    Number(Order),
    /// Bytes, less the padding that events leave out.
    Bytes,
    /// UUID of MariaDB: events hold its bytes in the order in which they are stored.
    Uuid,
    /// INET6 and INET4 of MariaDB: SQL returns text.
    Address,
    /// No token.
    Opaque,
}

/// The order of bytes in which events hold a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// BIT: the highest first.
    HighFirst,
    /// SET: the lowest first.
    LowFirst,
}

/// The token of a value; `None` matches every other.
pub type Token = Option<u64>;

impl Form {
    /// The form of a column, which is `column` on the source. Where a replica has another type or another charset, SQL
    /// returns other values there than the source's events hold.
    pub fn of(column: &ColumnEntry, replica: Option<&TableDefinition>) -> Form {
        let same = |other: &ColumnEntry| other.column_type == column.column_type && other.charset == column.charset;
        let theirs = replica.and_then(|table| table.columns.iter().find(|other| other.name == column.name));
        if replica.is_some() && !theirs.is_some_and(same) {
            return Form::Opaque;
        }
        match column.data_type.as_str() {
            "tinyint" => Form::Integer(8),
            "smallint" => Form::Integer(16),
            "mediumint" => Form::Integer(24),
            "int" => Form::Integer(32),
            "bigint" => Form::Integer(64),
            "year" => Form::Year,
            "decimal" => Form::Decimal,
            "float" | "double" => Form::Real,
            "date" | "datetime" => Form::Date,
            "timestamp" => Form::Timestamp,
            "time" => Form::Time,
            "bit" => Form::Number(Order::HighFirst),
            "enum" | "set" => Form::Number(Order::LowFirst),
            "char" | "varchar" | "binary" | "varbinary" | "tinytext" | "text" | "mediumtext" | "longtext"
            | "tinyblob" | "blob" | "mediumblob" | "longblob" => Form::Bytes,
            "uuid" => Form::Uuid,
            "inet4" | "inet6" => Form::Address,
            _ => Form::Opaque,
        }
    }

    /// Whether its values have tokens at all.
    pub fn is_known(self) -> bool {
        self != Form::Opaque
    }

    /// The token of a value that SQL returned.
    pub fn of_sql(self, value: &Value) -> Token {
        match (self, value) {
            (Form::Opaque, _) => None,
            (_, Value::NULL) => Some(NULL),
            (Form::Year, Value::Int(year)) => Some(hash(&year.to_le_bytes())),
            (Form::Year, Value::UInt(year)) => Some(hash(&year.to_le_bytes())),
            (Form::Timestamp, value) => timestamp_of_sql(value),
            (Form::Number(Order::HighFirst), Value::Bytes(bytes)) => number(bytes.iter()),
            // The name of a member, of which events hold the number.
            (Form::Number(Order::LowFirst), Value::Bytes(_)) => None,
            (Form::Uuid, Value::Bytes(text)) => Some(sorted(&hex(text)?)),
            (Form::Address, Value::Bytes(text)) => Some(unpadded(&address(text)?)),
            _ => self.of_either(value),
        }
    }

    /// The token of a value in an event.
    pub fn of_event(self, value: &Value) -> Token {
        match (self, value) {
            (Form::Opaque, _) => None,
            (_, Value::NULL) => Some(NULL),
            (Form::Year, Value::Bytes(text)) => {
                let year: i64 = parse(utf8(text)?)?;
                Some(hash(&(if year == 1900 { 0 } else { year }).to_le_bytes()))
            }
            (Form::Timestamp, Value::Bytes(text)) => timestamp_of_event(text),
            (Form::Number(Order::HighFirst), Value::Bytes(bytes)) => number(bytes.iter()),
            (Form::Number(Order::LowFirst), Value::Bytes(bytes)) => number(bytes.iter().rev()),
            (Form::Uuid, Value::Bytes(bytes)) => Some(sorted(bytes)),
            (Form::Address, Value::Bytes(bytes)) => Some(unpadded(bytes)),
            _ => self.of_either(value),
        }
    }

    /// The token of a value that both write alike.
    fn of_either(self, value: &Value) -> Token {
        match (self, value) {
            (Form::Integer(bits), Value::Int(number)) => Some(low_bits(number.cast_unsigned(), bits)),
            (Form::Integer(bits), Value::UInt(number)) => Some(low_bits(*number, bits)),
            (Form::Decimal, Value::Bytes(text)) => decimal(text),
            // A zero may lose its sign on the way.
            (Form::Real, Value::Float(number)) => Some(hash(&(number + 0.0).to_bits().to_le_bytes())),
            (Form::Real, Value::Double(number)) => Some(hash(&(number + 0.0).to_bits().to_le_bytes())),
            (Form::Date, &Value::Date(year, month, day, hour, minute, second, micros)) => {
                let [y, z] = year.to_le_bytes();
                let [a, b, c, d] = micros.to_le_bytes();
                Some(hash(&[y, z, month, day, hour, minute, second, a, b, c, d]))
            }
            (Form::Time, &Value::Time(true, ..)) => Some(NEGATIVE),
            (Form::Time, &Value::Time(false, days, hours, minutes, seconds, micros)) => {
                let hours = u64::from(days).saturating_mul(24).saturating_add(u64::from(hours));
                let seconds = hours.saturating_mul(3600).saturating_add(u64::from(minutes) * 60 + u64::from(seconds));
                Some(hash(&seconds.saturating_mul(1_000_000).saturating_add(u64::from(micros)).to_le_bytes()))
            }
            (Form::Number(_), Value::Int(number)) => Some(hash(&number.cast_unsigned().to_le_bytes())),
            (Form::Number(_), Value::UInt(number)) => Some(hash(&number.to_le_bytes())),
            (Form::Bytes, Value::Bytes(bytes)) => Some(trimmed(bytes)),
            _ => None,
        }
    }
}

/// Tokens of values that are told apart from no other of their kind.
const NULL: u64 = 1;
const NEGATIVE: u64 = 2;

fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

fn low_bits(number: u64, bits: u32) -> u64 {
    let low = if bits >= 64 { number } else { number & ((1 << bits) - 1) };
    hash(&low.to_le_bytes())
}

/// A number of at most 64 bits, its highest byte first.
fn number<'a>(bytes: impl Iterator<Item = &'a u8>) -> Token {
    let number = bytes.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    Some(hash(&number.to_le_bytes()))
}

/// Without the spaces and zeros at the end, which events leave out of CHAR and BINARY.
fn trimmed(bytes: &[u8]) -> u64 {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |at| at.saturating_add(1));
    hash(bytes.get(..end).unwrap_or_default())
}

/// Without any space or zero: events leave them out at the end of what they hold in another order.
fn unpadded(bytes: &[u8]) -> u64 {
    let kept: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b' ' | 0)).collect();
    hash(&kept)
}

/// The same in no order.
fn sorted(bytes: &[u8]) -> u64 {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    unpadded(&sorted)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: String = utf8(text)?.chars().filter(|c| *c != '-').collect();
    vouch_convert::hex(&digits).map(|number| number.to_be_bytes().to_vec())
}

fn address(text: &[u8]) -> Option<Vec<u8>> {
    let text = utf8(text)?;
    let v6 = || parse::<Ipv6Addr>(text).map(|address| address.octets().to_vec());
    parse::<Ipv4Addr>(text).map(|address| address.octets().to_vec()).or_else(v6)
}

/// Digits without leading and trailing zeros, and the sign unless all are zero.
fn decimal(text: &[u8]) -> Token {
    let text = utf8(text)?;
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) { "-" } else { "" };
    Some(hash(format!("{sign}{whole}.{fraction}").as_bytes()))
}

/// Seconds since 1970 in 32 bits, without a sign, and microseconds.
fn timestamp(seconds: i64, micros: u32) -> Token {
    let low = seconds.cast_unsigned() & u64::from(u32::MAX);
    Some(hash(&[&low.to_le_bytes()[..], &micros.to_le_bytes()].concat()))
}

fn timestamp_of_sql(value: &Value) -> Token {
    match *value {
        Value::Date(0, 0, 0, ..) => timestamp(0, 0),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let days = days_since_1970(i64::from(year), i64::from(month), i64::from(day));
            let clock = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
            timestamp(days * 86_400 + clock, micros)
        }
        _ => None,
    }
}

fn timestamp_of_event(text: &[u8]) -> Token {
    let text = utf8(text)?;
    let (seconds, micros) = text.split_once('.').unwrap_or((text, "0"));
    timestamp(parse(seconds)?, parse(micros)?)
}

/// Days of the Gregorian calendar since 1970, counted in years that begin in March, whose leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn alike(form: Form, sql: Value, event: Value) {
        let (sql, event) = (form.of_sql(&sql), form.of_event(&event));
        assert!(sql.is_some() && sql == event, "{form:?}: {sql:?} {event:?}");
    }

    #[track_caller]
    fn apart(form: Form, sql: Value, event: Value) {
        assert_ne!(form.of_sql(&sql), form.of_event(&event), "{form:?}");
    }

    #[test]
    fn a_number_is_recognised_without_its_sign() {
        alike(Form::Integer(32), Value::UInt(u64::from(u32::MAX)), Value::Int(-1));
        alike(Form::Integer(64), Value::UInt(u64::MAX), Value::Int(-1));
        apart(Form::Integer(32), Value::Int(7), Value::Int(-1));
        alike(Form::Decimal, Value::from("0012.50"), Value::from("12.5"));
        alike(Form::Decimal, Value::from("-0.0"), Value::from("0"));
        apart(Form::Decimal, Value::from("-1.5"), Value::from("1.5"));
        alike(Form::Real, Value::Float(1.5), Value::Float(1.5));
        alike(Form::Real, Value::Double(-0.0), Value::Double(0.0));
        alike(Form::Year, Value::UInt(0), Value::from("1900"));
        alike(Form::Year, Value::UInt(2024), Value::from("2024"));
    }

    #[test]
    fn bytes_are_recognised_without_their_padding() {
        alike(Form::Bytes, Value::from("abc  "), Value::from("abc"));
        alike(Form::Bytes, Value::from(vec![1, 0, 0]), Value::from(vec![1]));
        apart(Form::Bytes, Value::from("ABC"), Value::from("abc"));
        alike(Form::Bytes, Value::NULL, Value::NULL);
    }

    #[test]
    fn members_and_bits_are_recognised_by_number() {
        alike(Form::Number(Order::LowFirst), Value::UInt(0x0102), Value::from(vec![2, 1]));
        alike(Form::Number(Order::LowFirst), Value::UInt(3), Value::Int(3));
        alike(Form::Number(Order::HighFirst), Value::from(vec![1, 2]), Value::from(vec![1, 2]));
        assert_eq!(Form::Number(Order::LowFirst).of_sql(&Value::from("name")), None);
    }

    #[test]
    fn times_are_recognised() {
        alike(Form::Timestamp, Value::Date(2024, 2, 29, 12, 0, 1, 500_000), Value::from("1709208001.500000"));
        alike(Form::Timestamp, Value::Date(0, 0, 0, 0, 0, 0, 0), Value::from("0"));
        alike(Form::Timestamp, Value::Date(2038, 1, 19, 3, 14, 8, 0), Value::from("-2147483648"));
        alike(Form::Time, Value::Time(false, 1, 2, 3, 4, 5), Value::Time(false, 0, 26, 3, 4, 5));
        let moment = Value::Date(1999, 12, 31, 0, 0, 0, 0);
        alike(Form::Date, moment.clone(), moment);
    }

    #[test]
    fn types_of_mariadb_are_recognised() {
        let stored =
            vec![0x99, 0x7d, 0x7c, 0x8f, 0x01, 0x02, 0x11, 0xee, 0x8b, 0x3a, 0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b];
        alike(Form::Uuid, Value::from("550e8400-e29b-11ee-8b3a-0102997d7c8f"), Value::from(stored));
        let mut stored = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0).octets().to_vec();
        stored.truncate(4);
        alike(Form::Address, Value::from("2001:db8::"), Value::from(stored));
        alike(Form::Address, Value::from("10.0.0.1"), Value::from(vec![10, 0, 0, 1]));
    }
}
