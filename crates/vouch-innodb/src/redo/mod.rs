//! The redo log: what its files are made of, and how far they are whole.

mod mariadb;
mod mtr;
mod mysql;
mod ring;

pub use mariadb::{LogHead, MariadbLog};
pub use mtr::{Mtr, Search, Sought};
pub use mysql::{MysqlLog, RedoBlock};
pub use ring::RingLog;
