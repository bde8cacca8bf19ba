//! Times and lengths of time as text. All times are UTC.
//!
//! Invariant: no clock is read here; times come in as milliseconds since the
//! Unix epoch, and one beyond the year 9999 is shown as the last that can be.

use jiff::Timestamp;
use vouch_convert::narrow;

fn timestamp(at_ms: u64) -> Timestamp {
    narrow::<i64, _>(at_ms).and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// RFC 3339 with milliseconds: `2025-03-01T12:00:00.250Z`.
pub fn rfc3339(at_ms: u64) -> String {
    format!("{:.3}", timestamp(at_ms))
}

/// For people: `2025-03-01 12:00:00 UTC`.
pub fn stamp(at_ms: u64) -> String {
    timestamp(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time of the day: `12:00:00`.
pub fn clock(at_ms: u64) -> String {
    timestamp(at_ms).strftime("%H:%M:%S").to_string()
}

/// A length of time with the units that matter: `250 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`.
pub fn span(length_ms: u64) -> String {
    let seconds = length_ms / 1000;
    match seconds {
        0 => format!("{length_ms} ms"),
        1..60 => format!("{seconds}.{} s", length_ms % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_740_830_400_250), "2025-03-01T12:00:00.250Z");
        assert_eq!(stamp(1_740_830_400_250), "2025-03-01 12:00:00 UTC");
        assert_eq!(clock(1_740_830_400_250), "12:00:00");
        assert!(rfc3339(u64::MAX).starts_with("9999-12-30"));
    }

    #[test]
    fn lengths_take_the_unit_that_fits() {
        assert_eq!(span(250), "250 ms");
        assert_eq!(span(12_449), "12.4 s");
        assert_eq!(span(200_000), "3 min 20 s");
        assert_eq!(span(7_500_000), "2 h 5 min");
    }
}
