//! What the binary log proves, and what it must not prove: rows that come and go, statements, compressed events,
//! servers with several sources, rings, domains and filters.

mod discovery;
mod filters;
mod histories;
mod motion;
