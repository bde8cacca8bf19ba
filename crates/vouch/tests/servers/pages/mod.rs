//! `vouch pages` on files that real servers have written.

mod backup;
mod damage;
mod healthy;
mod innochecksum;
mod logs;
mod million;
mod whole;

use crate::harness::{Outcome, Vouch};
use std::fs;
use std::path::Path;
use vouch_testkit::{Dist, Flavor, Server, ServerConfig, spaces};

/// `vouch pages` on a path, with the result document on stdout.
pub fn pages(path: &Path, args: &[&str]) -> Outcome {
    let path = path.to_str().unwrap();
    Vouch::new(&["pages", path, "--format", "json", "--quiet"]).args(args).run()
}

/// Runs while a file has other contents, and puts them back.
pub fn with_bytes(path: &Path, change: impl FnOnce(&mut Vec<u8>), run: impl FnOnce() -> Outcome) -> Outcome {
    let healthy = fs::read(path).unwrap();
    let mut bytes = healthy.clone();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    let outcome = run();
    fs::write(path, healthy).unwrap();
    outcome
}

/// Runs while a file is elsewhere.
pub fn without(path: &Path, run: impl FnOnce() -> Outcome) -> Outcome {
    let away = path.parent().unwrap().parent().unwrap().join("away");
    fs::rename(path, &away).unwrap();
    let outcome = run();
    fs::rename(away, path).unwrap();
    outcome
}

/// A server with pages of `kib` KiB that has a table of every format.
pub fn filled(flavor: Flavor, kib: u32, extra: &[&str]) -> Server {
    let keys = tempfile::TempDir::new().unwrap();
    filled_with_keys(flavor, kib, extra, keys.path())
}

/// The same with keys in a file in `keys`, which stays.
pub fn filled_with_keys(flavor: Flavor, kib: u32, extra: &[&str], keys: &Path) -> Server {
    let dist = Dist::of(flavor).unwrap();
    let mut extra_args: Vec<String> = extra.iter().map(|arg| (*arg).to_owned()).collect();
    if flavor == Flavor::Mariadb {
        extra_args.extend(spaces::key_args(keys).unwrap());
    }
    let init_args = if kib == 16 { Vec::new() } else { vec![format!("--innodb-page-size={kib}k")] };
    let name = format!("{} {kib}k", flavor.name());
    let config = ServerConfig { name, binlog: false, gtid: false, init_args, extra_args, ..ServerConfig::default() };
    let server = Server::start(&dist, config).unwrap();
    spaces::fill(&server, kib).unwrap();
    server
}
