//! Cutting tables into chunks.

pub mod chunker;
pub mod segment;
pub mod sizer;
