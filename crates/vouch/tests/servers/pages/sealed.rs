//! Files that MySQL has encrypted: with the key and without, healthy and damaged.

use super::healthy::{assert_clean, state};
use super::{pages, with_bytes};
use crate::harness::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Dist, Load, Server, ServerConfig, Sysbench, spaces};

/// The byte of the flags on page 0 that says that the tablespace is encrypted, and the bit in it.
const FLAGS: usize = 56;
const ENCRYPTED: u8 = 0x20;

/// A server whose tables are encrypted, and the folder with its keys.
struct Sealed {
    server: Server,
    home: TempDir,
}

impl Sealed {
    fn new() -> Sealed {
        let home = TempDir::new().unwrap();
        let dist = Dist::mysql().unwrap().with_keyring(home.path()).unwrap();
        let extra_args = vec!["--innodb-undo-log-encrypt=ON".to_owned()];
        let config = ServerConfig { binlog: false, gtid: false, extra_args, ..ServerConfig::default() };
        let server = Server::start(&dist, config).unwrap();
        spaces::fill_encrypted(&server).unwrap();
        Sealed { server, home }
    }

    fn keys(&self) -> PathBuf {
        self.home.path().join(Dist::KEYRING)
    }

    fn opened(&self, path: &Path, args: &[&str]) -> Outcome {
        let keys = self.keys();
        pages(path, &[&["--keyring", keys.to_str().unwrap()], args].concat())
    }

    fn file(&self, table: &str) -> PathBuf {
        self.server.data().join(spaces::DATABASE).join(format!("{table}.ibd"))
    }

    /// A copy of the table's file with bytes changed.
    fn damaged(&self, table: &str, damage: impl FnOnce(&mut [u8])) -> PathBuf {
        let mut bytes = fs::read(self.file(table)).unwrap();
        damage(&mut bytes);
        let path = self.home.path().join(format!("{table}.ibd"));
        fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn encrypted_by_mysql() {
    let sealed = Sealed::new();
    let load = Load::sysbench(&sealed.server, &Sysbench { rows: 2_000, threads: 1, ..Sysbench::default() }).unwrap();
    let live = assert_clean(sealed.opened(&sealed.server.data(), &[]), 50);
    assert!(state(&live).starts_with("raw"), "{}", live.stdout);
    drop(load);
    sealed.server.stop().unwrap();
    let clean = assert_clean(sealed.opened(&sealed.server.data(), &[]), 500);
    let files = clean.document["coverage"]["files"].as_array().unwrap();
    let unverified: u64 = files.iter().map(|file| file["tally"]["unverified"].as_u64().unwrap()).sum();
    assert_eq!(unverified, 0, "{}", clean.stdout);
    assert!(state(&clean).starts_with("clean shutdown"), "{}", clean.stdout);
    without_key(&sealed);
    page_0(&sealed);
    older_page_0(&sealed);
}

/// No key, the key of another server, and no server's keyring: not verified, never damaged.
fn without_key(sealed: &Sealed) {
    let text = fs::read_to_string(sealed.keys()).unwrap();
    let data = sealed.server.data();
    let wrong = sealed.home.path().join("wrong.json");
    let of_key = |said: &str, outcome: Outcome| {
        let outcome = outcome.assert_code(3);
        assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
        let errors = outcome.document["errors"].as_array().unwrap();
        let right = |error: &serde_json::Value| {
            error["code"] == "page-encrypted" && error["message"].as_str().unwrap().contains(said)
        };
        assert!(errors.len() >= 10 && errors.iter().all(right), "{said}: {}", outcome.stdout);
        assert!(!outcome.stdout.contains(key_in(&text)), "a key was printed");
    };
    of_key("and no key", pages(&data, &[]));
    fs::write(&wrong, text.replace(key_in(&text), &"5A".repeat(32))).unwrap();
    of_key("is not the one that it was encrypted with", pages(&data, &["--keyring", wrong.to_str().unwrap()]));
    fs::write(&wrong, text.replace("INNODBKey-", "OtherKey-")).unwrap();
    of_key("the keyring does not have INNODBKey-", pages(&data, &["--keyring", wrong.to_str().unwrap()]));
    let keyless = pages(&data, &["--keyring", "/dev/null"]);
    assert_eq!(keyless.code, 2, "{}", keyless.stderr);
}

/// The last key of the keyring, as it stands there.
fn key_in(text: &str) -> &str {
    let (_, rest) = text.rsplit_once("\"data\":").unwrap();
    rest.split('"').nth(1).unwrap()
}

/// The tablespace's key stands on page 0: without that page nothing behind it can be looked into.
fn page_0(sealed: &Sealed) {
    let path = sealed.damaged("encrypted", |bytes| bytes[10_420] ^= 1);
    let outcome = sealed.opened(&path, &["--state", "clean"]).assert_code(1);
    assert_eq!(outcome.finding_codes(), ["page-checksum"], "{}", outcome.stdout);
    assert_eq!(outcome.only("page-checksum")["file"]["first_page"], 0);
    assert!(outcome.stdout.contains("page 0, which tells of their key, is damaged"), "{}", outcome.stdout);
}

/// MySQL encrypts a tablespace while it is in use, and on disk page 0 may be older than the pages that were encrypted:
/// they were called damaged, and a healthy server that ran was accused. Where nobody is at work they are.
fn older_page_0(sealed: &Sealed) {
    let path = sealed.file("encrypted");
    let mut file = Pages::read(&path, 16_384, Seal::Crc32).unwrap();
    let before = file.bytes().to_vec();
    file.forge(0, |page| page[FLAGS] &= !ENCRYPTED);
    assert_ne!(before, file.bytes());
    let in_state =
        |state: &str| with_bytes(&path, |bytes| *bytes = file.bytes().to_vec(), || pages(&path, &["--state", state]));
    let raw = in_state("raw").assert_code(3);
    assert_eq!(raw.findings(), [] as [serde_json::Value; 0], "{}", raw.stdout);
    let encrypted = raw.coded("page-encrypted");
    assert_eq!(encrypted.len(), 1, "{}", raw.stdout);
    let whole = in_state("clean").assert_code(1);
    assert!(whole.finding_codes().iter().all(|code| *code == "page-checksum"), "{}", whole.stdout);
}
