//! Asking a run to stop: the type that every engine shares.

pub use vouch_report::Stop;
