//! The redo log, as far as pages are judged by it.

mod mariadb;

pub use mariadb::MariadbLog;
