//! `vouch` on real servers of both flavors. `script/servers` provides them.

// The harness may fail as loudly as the tests that it serves; parts of it serve only some of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod binlog;
mod cases;
mod checksum;
mod definitions;
mod demo;
mod errors;
mod faults;
mod gate;
mod harmless;
mod harness;
mod health_cluster;
mod health_full;
mod health_haproxy;
mod health_heartbeat;
mod health_kit;
mod health_manager;
mod health_page;
mod health_pair;
mod health_probe;
mod health_samples;
mod health_snmp;
mod kept;
#[path = "../it/listener.rs"]
mod listener;
mod listing;
mod load;
mod logins;
mod pages;
mod proof;
mod resume;
mod scope;
mod selection;
mod sessions;
mod site;
mod sweep;
mod values;
