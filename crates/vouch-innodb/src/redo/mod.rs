//! The redo log, as far as pages are judged by it.

mod mariadb;
mod mysql;

pub use mariadb::MariadbLog;
pub use mysql::{MysqlLog, RedoBlock};
