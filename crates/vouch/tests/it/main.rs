//! The binary without any server: help, wrong usage, configuration.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alert;
mod config;
mod help;
mod innochecksum;
mod listener;
mod manifest;
mod pages;
mod probe;
mod serve;
mod tools;
mod usage;
mod vouch;
