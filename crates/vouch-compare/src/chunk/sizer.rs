//! How many rows the next chunk should have: by time, within bounds.

use crate::options::ChunkPolicy;
use std::time::Duration;
use vouch_convert::whole;

/// Rows of the very first chunk of a table, before anything was measured.
const FIRST_ROWS: u64 = 5_000;

/// Sizes the chunks of one table.
#[derive(Clone, Debug)]
pub struct Sizer {
    time: Duration,
    rows_min: u64,
    rows_max: u64,
    bytes_max: u64,
    rows: u64,
}

impl Sizer {
    /// A sizer for a table of which nothing is known yet.
    pub fn new(policy: &ChunkPolicy) -> Self {
        let rows_min = policy.rows_min.max(1);
        let rows_max = policy.rows_max.max(rows_min);
        Sizer {
            time: policy.time,
            rows_min,
            rows_max,
            bytes_max: policy.bytes_max.max(1),
            rows: FIRST_ROWS.clamp(rows_min, rows_max),
        }
    }

    /// The same, beginning with that many rows.
    pub fn starting_at(policy: &ChunkPolicy, rows: u64) -> Self {
        let sizer = Sizer::new(policy);
        Sizer { rows: rows.clamp(sizer.rows_min, sizer.rows_max), ..sizer }
    }

    /// Rows that the next chunk should have.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in how long a chunk took on the slower side: at most twice as many
    /// rows next, a quarter when it took three times too long.
    pub fn learn(&mut self, rows: u64, bytes: u64, took: Duration) {
        if rows == 0 {
            return;
        }
        let ratio = self.time.as_secs_f64() / took.as_secs_f64().max(1e-6);
        let factor = if ratio < 1.0 / 3.0 { 0.25 } else { ratio.min(1.0) };
        let wanted = match ratio > 1.0 {
            // A chunk that had fewer rows than it should says less about larger ones.
            true => whole(rows as f64 * ratio).clamp(self.rows, self.rows.saturating_mul(2)),
            false => whole(rows.min(self.rows) as f64 * factor),
        };
        let by_bytes = self.bytes_max / (bytes / rows).max(1);
        self.rows = wanted.min(by_bytes).clamp(self.rows_min.min(by_bytes.max(1)), self.rows_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizer() -> Sizer {
        Sizer::new(&ChunkPolicy {
            time: Duration::from_millis(500),
            rows_min: 100,
            rows_max: 50_000,
            bytes_max: 1 << 20,
            index: None,
        })
    }

    #[test]
    fn it_grows_at_most_twofold_and_stays_in_bounds() {
        let mut sizer = sizer();
        sizer.learn(5_000, 5_000, Duration::from_millis(1));
        assert_eq!(sizer.rows(), 10_000);
        for _ in 0..20 {
            sizer.learn(sizer.rows(), sizer.rows(), Duration::from_millis(1));
        }
        assert_eq!(sizer.rows(), 50_000);
    }

    #[test]
    fn a_chunk_of_few_rows_does_not_make_large_ones() {
        let mut sizer = sizer();
        sizer.learn(2_500, 2_500, Duration::from_millis(250));
        assert_eq!(sizer.rows(), 5_000);
        sizer.learn(2_500, 2_500, Duration::from_millis(100));
        assert_eq!(sizer.rows(), 10_000);
    }

    #[test]
    fn it_shrinks_to_a_quarter_when_far_too_slow() {
        let mut sizer = sizer();
        sizer.learn(5_000, 5_000, Duration::from_secs(2));
        assert_eq!(sizer.rows(), 1_250);
    }

    #[test]
    fn wide_rows_make_small_chunks() {
        let mut sizer = sizer();
        sizer.learn(10, 10 << 20, Duration::from_millis(100));
        assert_eq!(sizer.rows(), 1);
    }
}
