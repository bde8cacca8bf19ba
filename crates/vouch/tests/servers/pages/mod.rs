//! `vouch pages` on files that real servers have written.

mod aria;
mod backup;
mod churn;
mod damage;
mod directory;
mod files;
mod healthy;
mod innochecksum;
mod logs;
mod matrix;
mod million;
mod packed;
mod raw;
mod sealed;
mod versions;
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
    filled_of(&Dist::of(flavor).unwrap(), kib, extra, keys)
}

/// The same of any version.
pub fn filled_of(dist: &Dist, kib: u32, extra: &[&str], keys: &Path) -> Server {
    let server = empty_of(dist, kib, extra, keys);
    spaces::fill(&server, kib).unwrap();
    server
}

/// The same without any table.
pub fn empty_of(dist: &Dist, kib: u32, extra: &[&str], keys: &Path) -> Server {
    let mut extra_args: Vec<String> = extra.iter().map(|arg| (*arg).to_owned()).collect();
    if dist.flavor() == Flavor::Mariadb {
        extra_args.extend(spaces::key_args(keys).unwrap());
        extra_args.extend(spaces::codec_args(dist));
    }
    let init_args = if kib == 16 { Vec::new() } else { vec![format!("--innodb-page-size={kib}k")] };
    let name = format!("{} {kib}k", dist.label());
    let config = ServerConfig { name, binlog: false, gtid: false, init_args, extra_args, ..ServerConfig::default() };
    Server::start(dist, config).unwrap()
}

/// The arguments that name the keys in `keys`.
pub fn keyring(keys: &Path) -> [String; 2] {
    ["--keyring".to_owned(), keys.join(spaces::KEYS).display().to_string()]
}
