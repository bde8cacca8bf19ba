//! Conversions of numbers, bytes and time, each with one meaning where the value does not fit.
//!
//! Invariant: nothing here panics, and nothing wraps. [`to_size`] and
//! [`millis`] saturate; [`narrow`], [`array`] and [`parse`] answer `None`.
//! This is the only place that converts into integers with `as`.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A length or an index as a number of bytes or rows. Lossless: no supported target has wider pointers than 64 bits.
#[inline]
#[must_use]
pub const fn widen(size: usize) -> u64 {
    size as u64
}

/// A number as a length or an index; `usize::MAX`, which no buffer has, where it does not fit.
#[inline]
#[must_use]
pub fn to_size(number: impl Into<u64>) -> usize {
    usize::try_from(number.into()).unwrap_or(usize::MAX)
}

/// `number` in another type; `None` where it does not fit, which makes a field of a format invalid.
#[inline]
#[must_use]
pub fn narrow<To, From>(number: From) -> Option<To>
where
    To: TryFrom<From>,
{
    To::try_from(number).ok()
}

/// Appends a number in decimal, with zeros before it up to `width` digits. Formatting by the standard library costs
/// several times as much, which shows where it is done for most values of most rows.
#[inline]
pub fn push_padded(number: u64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number);
    out.extend((digits.len()..width).map(|_| b'0'));
    out.extend_from_slice(digits.as_bytes());
}

/// The whole part of `number`: zero for less than that and for what is no number, saturating above.
#[inline]
#[must_use]
pub fn whole(number: f64) -> u64 {
    number as u64
}

/// `bytes` as a field of `N` bytes; `None` when there are more or fewer.
#[inline]
#[must_use]
pub fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// The value that `text` writes; `None` when it writes none, which is for the caller to report.
#[must_use]
pub fn parse<Value: FromStr>(text: impl AsRef<str>) -> Option<Value> {
    text.as_ref().parse().ok()
}

/// `bytes` as text; `None` when they are not UTF-8.
#[must_use]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The number that `text` writes in hexadecimal; `None` when it writes none.
#[must_use]
pub fn hex(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}

/// The lower 32 bits of `number`, where checksums of 32 bits come in 64.
#[inline]
#[must_use]
pub fn low32(number: u64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Whole milliseconds of `time`, saturating after 580 million years.
#[must_use]
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Time since 1970 by the wall clock; zero for a clock that is set before it.
#[must_use]
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// Milliseconds since 1970 by the wall clock.
#[must_use]
pub fn unix_ms() -> u64 {
    millis(unix_time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_saturates_or_is_absent() {
        assert_eq!(to_size(widen(usize::MAX)), usize::MAX);
        assert_eq!(to_size(u64::MAX), usize::MAX);
        assert_eq!(to_size(7_u32), 7);
        assert_eq!(narrow::<u16, u32>(65_536), None);
        assert_eq!(narrow::<u16, u32>(65_535), Some(65_535));
        assert_eq!(narrow::<u64, i64>(-1), None);
        assert_eq!((whole(-1.5), whole(f64::NAN), whole(2.9), whole(1e30)), (0, 0, 2, u64::MAX));
        assert_eq!(array::<4>(&[1, 2, 3]), None);
        assert_eq!(array::<2>(&[1, 2]), Some([1, 2]));
        assert_eq!(parse::<u16>("65536"), None);
        assert_eq!(utf8(&[0xff]), None);
        assert_eq!((hex("ff"), hex("fg")), (Some(255), None));
        assert_eq!(low32(0x1_2345_6789), 0x2345_6789);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
