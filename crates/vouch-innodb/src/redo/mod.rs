//! The redo log: what its files are made of, how far they are whole, and what it does to whole pages.

mod block_records;
mod changes;
mod mariadb;
mod mariadb_records;
mod mtr;
mod mysql;
mod mysql_records;
mod ring;

pub use block_records::{BlockRecords, RecordFormat, Unread};
pub use changes::{Fate, FileFate, RedoChanges};
pub use mariadb::{LogHead, MariadbLog};
pub use mtr::{Mtr, Search, Sought};
pub use mysql::{MysqlLog, RedoBlock};
pub use ring::RingLog;
