//! Row digests and what a chunk of rows amounts to.
//!
//! A row is digested with XXH3-128 over its encoding, seeded by the run's salt.
//! Digests are added modulo 2^128: unlike XOR of a linear checksum, a sum of
//! strong digests neither cancels swapped values nor duplicates.

use crate::encode;
use vouch_convert::{to_size, widen};
use vouch_server::RowView;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// The digest of one row.
pub type RowDigest = u128;

/// Buckets into which rows are sorted by identity where a chunk is too large to
/// remember every row.
pub const BUCKETS: usize = 1024;

/// Digests rows; owns the buffers that are used for each.
pub struct RowDigester {
    salt: u64,
    keyed: bool,
    row: Vec<u8>,
    key: Vec<u8>,
}

impl RowDigester {
    /// A digester for a run with that salt. `keyed` says that each row has a key of
    /// its own, none of it NULL.
    pub fn new(salt: u64, keyed: bool) -> Self {
        RowDigester { salt, keyed, row: Vec::with_capacity(512), key: Vec::with_capacity(64) }
    }

    /// The digest of a row; its encoding has [`RowDigester::row_bytes`] bytes.
    pub fn digest(&mut self, row: &RowView<'_>) -> RowDigest {
        self.row.clear();
        for value in row.values() {
            encode::push(value, &mut self.row);
        }
        xxh3_128_with_seed(&self.row, self.salt)
    }

    /// Bytes of the last row's encoding.
    pub fn row_bytes(&self) -> u64 {
        widen(self.row.len())
    }

    /// What tells the row from all others: its key, or for rows without one, the
    /// digest itself. Rows that share the value of an index are no less different.
    pub fn identity(&mut self, row: &RowView<'_>, digest: RowDigest) -> &[u8] {
        self.key.clear();
        if self.keyed {
            row.key().for_each(|value| encode::push(value, &mut self.key));
        } else {
            self.key.extend_from_slice(&digest.to_le_bytes());
        }
        &self.key
    }

    /// One digest per column, to tell which columns differ.
    pub fn columns(&mut self, row: &RowView<'_>) -> Vec<u64> {
        let digest = |value| {
            self.row.clear();
            encode::push(value, &mut self.row);
            xxh3_64_with_seed(&self.row, self.salt)
        };
        row.values().map(digest).collect()
    }

    /// The salt.
    pub fn salt(&self) -> u64 {
        self.salt
    }
}

/// The bucket of an identity.
pub fn bucket_of(identity: &[u8], salt: u64) -> usize {
    to_size(xxh3_64_with_seed(identity, salt) % widen(BUCKETS))
}

/// Count and sum of the rows of each bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct Buckets {
    sums: Vec<(u64, RowDigest)>,
}

impl Default for Buckets {
    fn default() -> Self {
        Buckets { sums: vec![(0, 0); BUCKETS] }
    }
}

impl Buckets {
    /// Adds a row.
    pub fn add(&mut self, bucket: usize, digest: RowDigest) {
        if let Some((count, sum)) = self.sums.get_mut(bucket) {
            *count = count.wrapping_add(1);
            *sum = sum.wrapping_add(digest);
        }
    }

    /// For each bucket, whether the two differ in it.
    pub fn differing(&self, other: &Buckets) -> Vec<bool> {
        self.sums.iter().zip(&other.sums).map(|(a, b)| a != b).collect()
    }
}
