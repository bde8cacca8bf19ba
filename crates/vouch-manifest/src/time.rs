//! Times as RFC 3339 in UTC, to the millisecond.

use jiff::Timestamp;
use vouch_convert::narrow;

/// Milliseconds since the Unix epoch as `2025-03-01T12:00:00.250Z`.
pub fn rfc3339(at_ms: u64) -> String {
    let time = narrow::<i64, _>(at_ms).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// Milliseconds since the Unix epoch of a time in RFC 3339, or of a day (its beginning, in UTC).
pub fn parse(text: &str) -> Option<u64> {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    narrow::<u64, _>(vouch_convert::parse::<Timestamp>(text)?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        assert_eq!(parse(&rfc3339(1_740_830_400_250)), Some(1_740_830_400_250));
        assert_eq!(parse("2025-03-01T13:00:00+01:00"), Some(1_740_830_400_000));
        assert_eq!(parse("1970-01-02"), Some(86_400_000));
        assert_eq!((parse("yesterday"), parse("1969-01-01T00:00:00Z")), (None, None));
    }
}
