//! What manifest v2 says about the rows of a table, and how it is computed.
//!
//! [`RowEncoder`] turns a row into bytes. Tables with a key are cut into ranges of it, which
//! [`RangeHasher`] digests in the order of the key and [`merkle_root`] combines; tables without one
//! are a multiset, which [`MultisetHash`] digests. `docs/formats/manifest-v2.md` describes all of it
//! with test vectors. Invariant: every value here depends on the rows alone, never on how they
//! were read or by how many workers.

mod encode;
mod facts;
mod merkle;
mod multiset;
mod range;

pub use encode::{ColumnFacts, Fields, Form, RowEncoder, WrongField};
pub use facts::{KeyFacts, RangeFacts, RowFacts};
pub use merkle::merkle_root;
pub use multiset::MultisetHash;
pub use range::RangeHasher;

pub(crate) use encode::FORM_NAMES;
pub(crate) use facts::fault;
