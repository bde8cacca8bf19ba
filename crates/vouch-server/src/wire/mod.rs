//! The client's side of the protocol that MySQL and MariaDB speak: [`Conn`].
//!
//! A connection of our own, since most of what vouch does is reading rows: they are read where they arrive, inside
//! TLS or not, and no value is made of what is only digested. What the packets hold is known to a library; what is
//! said when, and how a password is proven, is here.

mod answer;
mod cell;
mod conn;
mod error;
mod events;
mod greeting;
mod packets;
mod proof;
mod public_key;
mod row;
mod statements;
mod stream;
mod trust;

pub use cell::Cell;
pub use conn::{Conn, Door};
pub use error::{Refusal, Result, WireError};
pub use events::Events;
pub use proof::ServerKey;
pub use row::Slot;
pub use stream::Timeouts;
