//! Logs that servers have written: binary logs, relay logs and MySQL's redo log, sound and with one
//! byte changed.

use super::healthy::state;
use super::matrix::words::keep_said;
use super::{empty_of, pages, with_bytes};
use crate::harness::{Outcome, on_both};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Dist, Flavor, Server, Topology};

/// Small events and large ones, and a log that was closed behind them.
const WRITES: &str = "CREATE TABLE logged.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT); \
    INSERT INTO logged.t (a) VALUES ('a'), (REPEAT('b', 3000000)); INSERT INTO logged.t (a) SELECT 'c' FROM logged.t; \
    UPDATE logged.t SET a = CONCAT(a, 'd') WHERE id <> 2; FLUSH BINARY LOGS; \
    INSERT INTO logged.t (a) SELECT LEFT(a, 5000) FROM logged.t; DELETE FROM logged.t WHERE id = 1; \
    UPDATE logged.t SET a = REPEAT(a, 2)";

/// The head of a file of MySQL's redo log, and one block.
const REDO_HEAD: usize = 2048;
const BLOCK: usize = 512;

#[track_caller]
fn clean(server: &Server) -> Outcome {
    let outcome = pages(&server.data(), &[]);
    // An encrypted log does not show which zero pages it creates, and that is what is said.
    let is_encrypted = server.config().extra_args.iter().any(|arg| arg == ENCRYPTED);
    let unproven = |error: &Value| {
        let message = error["message"].as_str().unwrap();
        is_encrypted && error["code"] == "zero-unproven" && message.contains("encrypted")
    };
    let proven = outcome.code == 0 || outcome.code == 3 && outcome.errors().iter().all(unproven);
    assert!(proven && outcome.findings().is_empty(), "{}", outcome.stdout);
    outcome
}

/// What is told of the files whose names begin so.
pub fn files<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a Value> {
    let files = outcome.document["coverage"]["files"].as_array().unwrap().iter();
    files.filter(|file| file["file"].as_str().unwrap().starts_with(name)).collect()
}

/// Every log of that name is known as such and sound, and they have events.
#[track_caller]
fn assert_sound(outcome: &Outcome, name: &str, kind: &str) {
    let files = files(outcome, name);
    let sound: u64 = files.iter().map(|file| file["tally"]["sound"].as_u64().unwrap()).sum();
    let told = files.iter().all(|file| file["kind"] == kind && file["state"] == "sound");
    assert!(told && sound > 5, "{name}: {sound} in {files:?}");
}

/// The longest file of that name with events behind its middle.
fn longest(server: &Server, name: &str) -> PathBuf {
    let files = fs::read_dir(server.data()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| {
        let (file, suffix) = (path.file_stem().unwrap(), path.extension().unwrap_or_default());
        file.to_string_lossy() == name && suffix != "index"
    };
    files.filter(named).max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

/// One changed byte in the middle of a log is one event.
fn event(server: &Server, path: &Path) {
    let middle = fs::metadata(path).unwrap().len() / 2;
    let outcome = with_bytes(path, |bytes| bytes[middle as usize] ^= 0x10, || pages(&server.data(), &[]));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("binlog-event");
    let offset = finding["file"]["offset"].as_u64().unwrap();
    assert!(path.ends_with(finding["file"]["name"].as_str().unwrap()), "{finding}");
    assert!(offset > 4 && offset <= middle, "{finding}");
    assert_eq!(outcome.finding_codes(), ["binlog-event"], "{}", outcome.stdout);
    let alone = with_bytes(path, |bytes| bytes[middle as usize] ^= 0x10, || pages(path, &[]));
    alone.assert_code(1).only("binlog-event");
}

/// What a log that was closed has lost at its end is damage; a server may still be writing to another.
fn cut(closed: &Path, open: &Path) {
    let cut = |path: &Path| with_bytes(path, |bytes| bytes.truncate(bytes.len() - 3), || pages(path, &[]));
    cut(closed).assert_code(1).only("binlog-event");
    let outcome = cut(open);
    let outcome = outcome.assert_code(0);
    let notice = outcome.only("log-tail");
    assert!(notice["message"].as_str().unwrap().contains("relay."), "{notice}");
}

/// The file of the redo log in use, and how many of its blocks are.
fn redo(outcome: &Outcome) -> (String, usize) {
    let used = files(outcome, "#innodb_redo/").into_iter().max_by_key(|file| file["lsn_max"].as_u64()).unwrap();
    // "blocks of 512 bytes, LSN 123 to 456"
    let words: Vec<&str> = used["format"].as_str().unwrap().split(' ').collect();
    let [from, to]: [usize; 2] = [words[5], words[7]].map(|word| word.parse().unwrap());
    (used["file"].as_str().unwrap().to_owned(), (to - from).div_ceil(BLOCK))
}

/// What becomes of a block.
type Damage = fn(&mut [u8]);

/// A changed byte and a lost block in front of the end of the redo log.
fn block(server: &Server) {
    let healthy = clean(server);
    assert_sound(&healthy, "#innodb_redo/", "redo log");
    let (file, blocks) = redo(&healthy);
    assert!(blocks > 2, "{blocks} blocks: {}", healthy.stdout);
    let path = server.data().join(&file);
    let at = REDO_HEAD + (blocks - 2) * BLOCK;
    let damages: [(&str, Damage); 2] =
        [("the checksum is", |block| block[100] ^= 1), ("all zero", |block| block.fill(0))];
    for (said, damage) in damages {
        let outcome = with_bytes(&path, |bytes| damage(&mut bytes[at..at + BLOCK]), || pages(&server.data(), &[]));
        let outcome = outcome.assert_code(1);
        let finding = outcome.only("redo-block");
        assert_eq!(
            (finding["file"]["name"].as_str(), finding["file"]["offset"].as_u64()),
            (Some(&*file), Some(at as u64))
        );
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(said) && message.contains("recovery"), "{message}");
        keep_said(&format!("redo-mysql-{}", said.replace(' ', "-")), &outcome);
    }
    let head = with_bytes(&path, |bytes| bytes[20] ^= 1, || pages(&server.data(), &[]));
    assert!(head.assert_code(1).only("redo-block")["message"].as_str().unwrap().contains("block 0 of the head"));
}

/// A changed byte in the log of a server that was killed, between its checkpoint and its end.
fn mini_transaction(server: &Server) {
    let healthy = clean(server);
    let log = files(&healthy, "ib_logfile0")[0];
    // "mini-transactions, LSN 123 to 456"
    let words: Vec<&str> = log["format"].as_str().unwrap().split(' ').collect();
    let [from, to]: [u64; 2] = [words[2], words[4]].map(|word| word.parse().unwrap());
    assert!(log["state"] == "sound" && to - from > 50_000, "{log}");
    let path = server.data().join("ib_logfile0");
    let bytes = fs::read(&path).unwrap();
    let first = u64::from_be_bytes(bytes[8..16].try_into().unwrap());
    let middle = 12_288 + (from + (to - from) / 2 - first) % (bytes.len() as u64 - 12_288);
    let outcome = with_bytes(&path, |bytes| bytes[middle as usize] ^= 0x10, || pages(&server.data(), &[]));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("redo-block");
    let offset = finding["file"]["offset"].as_u64().unwrap();
    assert!(finding["file"]["name"] == "ib_logfile0" && offset <= middle, "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("recovery gets no further"), "{finding}");
    keep_said("redo-mariadb", &outcome);
}

fn of_a_pair(flavor: Flavor) {
    let pair = Topology::pair(flavor).unwrap();
    let (source, replica) = (pair.source(), pair.replica(0));
    source.sql("CREATE DATABASE logged").unwrap();
    source.sql(WRITES).unwrap();
    pair.wait_in_sync(Duration::from_secs(60)).unwrap();
    replica.sql("STOP REPLICA SQL_THREAD").unwrap();
    source.sql("INSERT INTO logged.t (a) SELECT LEFT(a, 50000) FROM logged.t").unwrap();
    let live = clean(source);
    assert_sound(&live, "binlog.", "binary log");
    clean(replica);
    // A source that has no replica any more stops faster.
    replica.kill9().unwrap();
    source.stop().unwrap();
    assert_sound(&clean(source), "binlog.", "binary log");
    assert_sound(&clean(replica), "relay.", "binary log");
    let (closed, relay) = (source.data().join("binlog.000001"), longest(replica, "relay"));
    event(source, &longest(source, "binlog"));
    event(replica, &relay);
    event(replica, &longest(replica, "binlog"));
    cut(&closed, &relay);
    if flavor == Flavor::Mysql {
        block(source);
        block(replica);
    } else {
        mini_transaction(replica);
    }
}

/// The log of a server that was killed at work, and then was shut down. It writes no page that it need not, so
/// that much is to be recovered.
fn of_one(dist: &Dist, args: &[&str], stopped: &str, damage: fn(&Server)) {
    let keys = TempDir::new().unwrap();
    let server = empty_of(dist, 16, &[&["--innodb-io-capacity=100"], args].concat(), keys.path());
    server.sql("CREATE DATABASE logged").unwrap();
    server.sql(&WRITES.replace("FLUSH BINARY LOGS;", "")).unwrap();
    server.kill9().unwrap();
    damage(&server);
    server.resume().unwrap();
    assert!(!state(&clean(&server)).starts_with(CLEAN));
    server.stop().unwrap();
    assert_eq!(state(&clean(&server)).split(" (").next(), Some(stopped));
}

const CLEAN: &str = "clean shutdown";

/// No key is needed for what lies on disk; but where a log of blocks ends in the last one, the key alone tells.
const ENCRYPTED: &str = "--innodb-encrypt-log=ON";

#[test]
fn of_mariadb_encrypted() {
    of_one(&Dist::mariadb().unwrap(), &[ENCRYPTED], CLEAN, mini_transaction);
}

/// The log before 10.8 is one of blocks.
#[test]
fn of_mariadb_10_5() {
    let dist = Dist::mariadb_10_5().unwrap();
    of_one(&dist, &[], CLEAN, block_of_a_circle);
    of_one(&dist, &[ENCRYPTED], "unknown", block_of_a_circle);
}

/// A changed byte in the log of a server that was killed, in the middle of what it has to recover.
fn block_of_a_circle(server: &Server) {
    let healthy = clean(server);
    let log = files(&healthy, "ib_logfile0")[0];
    // "blocks of 512 bytes, LSN 123 to 456"
    let words: Vec<&str> = log["format"].as_str().unwrap().split(' ').collect();
    let [from, to]: [u64; 2] = [words[5], words[7]].map(|word| word.parse().unwrap());
    assert!(log["state"] == "sound" && to - from > 10_000, "{log}");
    let path = server.data().join("ib_logfile0");
    let bytes = fs::read(&path).unwrap();
    let number = |block: &[u8]| u64::from(u32::from_be_bytes(block[..4].try_into().unwrap()) & 0x7fff_ffff);
    let wanted = 1 + (from + (to - from) / 2) / BLOCK as u64;
    let at = bytes.chunks_exact(BLOCK).skip(4).position(|block| number(block) == wanted).unwrap() + 4;
    let outcome = with_bytes(&path, |bytes| bytes[at * BLOCK + 100] ^= 0x10, || pages(&server.data(), &[]));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("redo-block");
    assert_eq!(finding["file"]["offset"].as_u64(), Some((at * BLOCK) as u64), "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("recovery"), "{finding}");
    keep_said("redo-mariadb-10.5", &outcome);
}

#[test]
fn of_a_source_and_its_replica() {
    on_both(of_a_pair);
}
