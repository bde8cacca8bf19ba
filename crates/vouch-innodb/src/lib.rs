//! InnoDB's pages as they lie on disk: bytes in, facts and verdicts out.
//!
//! Start at [`SpaceFormat`], which page 0 tells, and [`Checker`], which judges
//! one page after the other. Invariant: no input panics, and nothing here knows
//! files, threads or clocks.

#![forbid(unsafe_code)]
#![deny(clippy::little_endian_bytes)]
// Tests may fail by panicking.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::indexing_slicing))]

mod allocation;
mod aria;
mod bytes;
mod check;
mod checksum;
mod crypt;
mod delta;
mod dictionary;
mod doublewrite;
mod fil;
mod flst;
mod fsp;
mod guess;
mod index;
mod inode;
mod lob;
mod node_pointers;
mod order;
mod page_type;
mod redo;
mod root;
mod rows;
mod sdi;
mod space;
mod transform;
mod tree;
mod undo;
mod units;
mod verdict;
mod zip;

pub use allocation::{Allocation, AllocationFault, Misallocation, Owners};
pub use aria::{AriaControl, AriaPage, AriaTable};
pub use check::{Checked, Checker, mariadb_key_version};
pub use checksum::{Method, Strict, crc32c};
pub use crypt::{Access, CounterKey, Keyring, LockedOut, SpaceKey, decrypt_chain, tells_of_key};
pub use delta::{DeltaList, DeltaMeta};
pub use dictionary::{DictIndex, DictRoots, DictTable, INDEXES_INDEX, TABLES_INDEX};
pub use doublewrite::LegacyDoublewrite;
pub use fil::{FilHeader, NO_PAGE};
pub use flst::ListFault;
pub use fsp::{ExtentMap, FspHeader};
pub use guess::{Guess, first_page, guess, guess_part};
pub use index::{IndexFacts, IndexFault};
pub use lob::{Claim, LobFacts};
pub use node_pointers::NodePointers;
pub use order::{KeyPrefix, lengths_fit};
pub use page_type::PageType;
pub use redo::{
    BlockRecords, Fate, FileFate, LogHead, MariadbLog, Mtr, MysqlLog, RecordFormat, RedoBlock, RedoChanges, RingLog,
    Search, Sought, Unread,
};
pub use root::Root;
pub use rows::{Column, Value, rows};
pub use sdi::{SdiAway, SdiFault, SdiRecord};
pub use space::{Codec, FormatError, Layout, SpaceFormat};
pub use tree::{Forest, Link, TreeFault};
pub use undo::UndoFacts;
pub use units::{Lsn, PageNo, PageSize, SpaceId};
pub use verdict::{Fault, Lack, PageVerdict};
pub use zip::{ZipFault, ZipNode};
