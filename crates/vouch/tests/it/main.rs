//! The binary without any server: help, wrong usage, configuration.
#![allow(clippy::unwrap_used)]

mod config;
mod help;
mod tools;
mod usage;
mod vouch;
