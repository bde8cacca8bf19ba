//! The rules, one a file; `super::RULES` is the list of them.

pub mod casts;
pub mod dead_code;
pub mod file_length;
pub mod function_length;
pub mod imports;
pub mod machine_paths;
pub mod manifest;
pub mod markers;
pub mod offline;
pub mod opening;
pub mod printing;
pub mod process;
pub mod results;
pub mod serialize;
pub mod sql;
pub mod verdicts;
pub mod writes;
