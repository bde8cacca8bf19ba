//! Every SQL statement of vouch, as named operations: a file per topic, text and
//! row decoder side by side, columns read by name.

pub mod boundary;
pub mod checksum;
pub mod create;
pub mod decode;
pub mod digest;
pub mod discovery;
pub mod grants;
pub mod guard;
pub mod health;
pub mod listing;
pub mod objects;
pub mod order;
pub mod privileges;
pub mod replicate;
pub mod replicated;
pub mod replication;
pub mod rotation;
pub mod row_digest;
pub mod rows;
pub mod schema;
pub(crate) mod settings;
pub mod sight;
pub mod snapshot;
pub mod stored_form;
mod stored_rows;
