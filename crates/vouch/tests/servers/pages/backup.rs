//! Backups that mariabackup takes while sysbench writes: clean in every form, and one changed byte is
//! found in each.

use super::logs::files;
use super::{filled_with_keys, pages, with_bytes, without};
use crate::harness::{Outcome, Vouch};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Dist, Flavor, Server, ServerConfig, Sysbench, poll};

const PAGE: usize = 16_384;
/// A byte of a page that is in use in every table of sysbench.
const BYTE: usize = 4 * PAGE + 200;

/// Backups of one server, taken one after the other under load.
struct Backups {
    folder: TempDir,
    dist: Dist,
}

impl Backups {
    fn take() -> Backups {
        let folder = TempDir::new().unwrap();
        let two = "--innodb-data-file-path=ibdata1:12M;ibdata2:8M:autoextend";
        let server = filled_with_keys(Flavor::Mariadb, 16, &[two], folder.path());
        let sysbench = Sysbench { rows: 3_000, threads: 1, ..Sysbench::default() };
        sysbench.prepare(&server).unwrap();
        // Files of tables that were made since the last checkpoint are empty in a backup.
        checkpoint(&server);
        let load = sysbench.run(&server).unwrap();
        let backups = Backups { folder, dist: Dist::mariadb().unwrap() };
        backups.run(&server, "raw", &[]);
        backups.run(&server, "compressed", &["--compress", "--parallel=4"]);
        backups.stream(&server, "image.mbstream", &["--parallel=3"]);
        backups.stream(&server, "compressed.mbstream", &["--compress", "--parallel=3"]);
        load.wait_for(load.done() + 1, Duration::from_secs(30)).unwrap();
        flushed(&server);
        let base = format!("--incremental-basedir={}", backups.path("raw").display());
        backups.run(&server, "changes", &[&base]);
        backups.run(&server, "changes-compressed", &[&base, "--compress"]);
        backups.stream(&server, "changes.mbstream", &[&base, "--parallel=3"]);
        drop(load);
        shell(&backups.path("."), "cp -r raw prepared; mkdir -p tmp");
        // Its notes tell where the keys are.
        shell(
            &backups.path("."),
            "mariabackup --defaults-file=prepared/backup-my.cnf --prepare --target-dir=prepared 2>log || { cat log; exit 1; }",
        );
        shell(&backups.path("."), "tar -cf prepared.tar -C prepared .");
        shell(&backups.path("."), "cp -r --sparse=always prepared holes");
        shell(&backups.path("."), "tar -S --format=pax -cf holes-pax.tar -C holes .");
        shell(&backups.path("."), "tar -S --format=gnu -cf holes-gnu.tar -C holes . && rm -r holes");
        shell(
            &backups.path("."),
            "gzip -1k image.mbstream; zstd -q1 image.mbstream; lz4 -q image.mbstream image.mbstream.lz4",
        );
        backups
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn target(&self, name: &str) -> String {
        format!("--target-dir={}", self.path(name).display())
    }

    fn command(&self, server: &Server, target: &str, args: &[&str]) -> Command {
        let mut command = self.dist.mariabackup();
        command.args(["--no-defaults", "--backup", "--user=root"]).arg(self.target(target)).args(args);
        command.arg(format!("--socket={}", server.socket().display()));
        command.arg(format!("--datadir={}", server.data().display()));
        command
    }

    fn run(&self, server: &Server, target: &str, args: &[&str]) {
        let output = self.command(server, target, args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn stream(&self, server: &Server, name: &str, args: &[&str]) {
        let mut command = self.command(server, &format!("tmp-{name}"), args);
        command.arg("--stream=mbstream").stdout(File::create(self.path(name)).unwrap());
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The file, with the byte at `at` changed.
    fn changed(&self, name: &str, at: impl Fn(&[u8]) -> usize) -> PathBuf {
        let mut bytes = fs::read(self.path(name)).unwrap();
        let at = at(&bytes);
        bytes[at] ^= 0x10;
        let path = self.path(&format!("changed-{}", name.replace('/', "-")));
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// Has all pages written, and waits until the log begins behind that.
fn checkpoint(server: &Server) {
    server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0").unwrap();
    let age =
        "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_CHECKPOINT_AGE'";
    poll::until(Duration::from_secs(60), Duration::from_millis(50), "a checkpoint", || {
        let age: u64 = server.query_one(age).unwrap()?.parse().ok()?;
        (age < 10_000).then_some(())
    })
    .unwrap();
    server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 90").unwrap();
}

/// Waits until a running server has written pages that changed.
fn flushed(server: &Server) {
    server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0").unwrap();
    let count = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
        WHERE VARIABLE_NAME = 'INNODB_BUFFER_POOL_PAGES_FLUSHED'";
    let pages = || server.query_one(count).unwrap().and_then(|pages| pages.parse::<u64>().ok());
    let before = pages().unwrap();
    poll::until(Duration::from_secs(60), Duration::from_millis(50), "pages that are written", || {
        (pages()? > before + 200).then_some(())
    })
    .unwrap();
}

pub(super) fn shell(folder: &Path, words: &str) {
    let status = Command::new("/bin/sh").args(["-ec", words]).current_dir(folder).status().unwrap();
    assert!(status.success(), "{words}");
}

/// `vouch pages -` behind a pipe.
pub(super) fn piped(path: &Path) -> Outcome {
    let mut cat = Command::new("cat").arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let stdin = cat.stdout.take().unwrap();
    let outcome = Vouch::new(&["pages", "-", "--format", "json", "--quiet"]).stdin(stdin).run();
    cat.wait().unwrap();
    outcome
}

#[track_caller]
fn clean(outcome: Outcome, state: &str) {
    let outcome = outcome.assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let files = outcome.document["coverage"]["files"].as_array().unwrap();
    let sound: u64 = files.iter().map(|file| file["tally"]["sound"].as_u64().unwrap()).sum();
    let told = outcome.document["coverage"]["state"].as_str().unwrap();
    assert!(sound > 500 && told.starts_with(state), "{sound} sound pages, {told}: {}", outcome.stdout);
    let tables: Vec<&str> = files.iter().filter_map(|file| file["table"].as_str()).collect();
    assert!(tables.contains(&"sbtest.sbtest1") && tables.contains(&"forms.zip8"), "{}", outcome.stdout);
}

/// Findings of exactly these codes.
#[track_caller]
pub(super) fn found(outcome: Outcome, codes: &[&str]) {
    let outcome = outcome.assert_code(1);
    assert_eq!(outcome.finding_codes(), codes, "{}", outcome.stdout);
}

/// Where the contents of the first chunk of a file begin in an image.
fn chunk_of(name: &'static str) -> impl Fn(&[u8]) -> usize {
    move |image| {
        let at = image.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
        at + name.len() + 8 + 8 + 4
    }
}

#[test]
fn of_a_server_that_is_written_to() {
    let backups = Backups::take();
    for (name, state) in [("raw", "raw"), ("compressed", "raw"), ("prepared", "prepared backup")] {
        clean(pages(&backups.path(name), &[]), state);
    }
    let raw =
        ["image.mbstream", "image.mbstream.gz", "image.mbstream.zst", "image.mbstream.lz4", "compressed.mbstream"];
    for name in raw {
        clean(piped(&backups.path(name)), "raw");
    }
    clean(pages(&backups.path("image.mbstream"), &[]), "raw");
    for name in ["prepared.tar", "holes-pax.tar", "holes-gnu.tar"] {
        clean(piped(&backups.path(name)), "prepared backup");
    }
    changed_bytes(&backups);
    whole_directory(&backups);
    copied_log(&backups);
    logs_in_images(&backups);
    system_in_images(&backups);
    changes(&backups);
    cut_images(&backups);
    super::packed::backups(&backups.path("."));
}

/// The copy of a log of blocks, by the oldest MariaDB's own tool.
#[test]
fn of_mariadb_10_5() {
    let dist = Dist::mariadb_10_5().unwrap();
    let server = Server::start(&dist, ServerConfig { binlog: false, gtid: false, ..ServerConfig::default() }).unwrap();
    let sysbench = Sysbench { rows: 3_000, threads: 1, ..Sysbench::default() };
    sysbench.prepare(&server).unwrap();
    let load = sysbench.run(&server).unwrap();
    let backups = Backups { folder: TempDir::new().unwrap(), dist };
    backups.run(&server, "raw", &[]);
    load.wait_for(load.done() + 1, Duration::from_secs(30)).unwrap();
    drop(load);
    let raw = backups.path("raw");
    let outcome = pages(&raw, &[]).assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let notes = fs::read_to_string(raw.join("xtrabackup_checkpoints")).unwrap();
    let last = notes.lines().find_map(|line| line.strip_prefix("last_lsn = ")).unwrap();
    let log = files(&outcome, "ib_logfile0")[0];
    assert!(log["state"] == "sound" && log["lsn_max"] == last.parse::<u64>().unwrap(), "{log} up to {last}");
    let path = raw.join("ib_logfile0");
    let middle = 2048 + (fs::metadata(&path).unwrap().len() as usize - 2048) / 2;
    let outcome = with_bytes(&path, |bytes| bytes[middle] ^= 0x10, || pages(&raw, &[])).assert_code(1);
    let message = outcome.only("redo-block")["message"].as_str().unwrap();
    assert!(message.contains("recovery"), "{message}");
    with_bytes(&path, |bytes| bytes.truncate(middle & !511), || pages(&raw, &[])).assert_code(1).only("redo-block");
    shell(&backups.path("."), "cp -r raw prepared");
    let mut prepare = backups.dist.mariabackup();
    prepare.args(["--no-defaults", "--prepare"]).arg(backups.target("prepared"));
    let output = prepare.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outcome = pages(&backups.path("prepared"), &[]).assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    assert!(outcome.document["coverage"]["state"].as_str().unwrap().starts_with("prepared backup"));
    found(pages(&backups.changed("prepared/sbtest/sbtest1.ibd", |_| BYTE), &["--state", "clean"]), &["page-checksum"]);
}

fn changed_bytes(backups: &Backups) {
    let table = "sbtest/sbtest1.ibd";
    let page = pages(&backups.changed(&format!("raw/{table}"), |_| BYTE), &["--state", "raw"]);
    found(page, &["page-checksum"]);
    found(pages(&backups.changed(&format!("prepared/{table}"), |_| BYTE), &["--state", "clean"]), &["page-checksum"]);
    let packed = backups.changed("compressed/sbtest/sbtest1.ibd.qp", |bytes| bytes.len() / 2);
    found(pages(&packed, &[]), &["image-damaged"]);
    let contents = |image: &[u8]| chunk_of(table)(image) + BYTE;
    found(piped(&backups.changed("image.mbstream", contents)), &["image-chunk", "page-checksum"]);
    let sum = |image: &[u8]| chunk_of(table)(image) - 1;
    found(piped(&backups.changed("image.mbstream", sum)), &["image-chunk"]);
    let offset = |image: &[u8]| chunk_of(table)(image) - 8;
    found(piped(&backups.changed("image.mbstream", offset)), &["image-damaged"]);
    let magic = |image: &[u8]| chunk_of(table)(image) - 20 - table.len() - 14;
    let outcome = piped(&backups.changed("image.mbstream", magic)).assert_code(1);
    assert!(outcome.finding_codes().contains(&"image-damaged"), "{}", outcome.stdout);
    let compressed = |image: &[u8]| chunk_of("sbtest/sbtest1.ibd.qp")(image) + 9_000;
    found(piped(&backups.changed("compressed.mbstream", compressed)), &["image-chunk", "image-damaged"]);
    for (name, tool) in [("image.mbstream.gz", "gzip"), ("image.mbstream.zst", "zstd"), ("image.mbstream.lz4", "lz4")] {
        piped(&harmed(backups, name, tool)).assert_code(1);
    }
    let file = |tar: &[u8]| {
        let name = b"./sbtest/sbtest1.ibd\0";
        tar.windows(name.len()).position(|window| window == name).unwrap() + 512 + BYTE
    };
    found(piped(&backups.changed("prepared.tar", file)), &["page-checksum"]);
}

/// What shows where all files of a backup are held against its notes and each other.
fn whole_directory(backups: &Backups) {
    let (raw, prepared) = (backups.path("raw"), backups.path("prepared"));
    let table = raw.join("sbtest/sbtest1.ibd");
    let mut file = Pages::read(&table, PAGE, Seal::FullCrc32).unwrap();
    file.stamp(4, u64::from(u32::MAX) << 16);
    let outcome = with_bytes(&table, |bytes| *bytes = file.bytes().to_vec(), || pages(&raw, &[]));
    found(outcome, &["page-future"]);
    found(without(&prepared.join("sbtest/sbtest1.ibd"), || pages(&prepared, &[])), &["file-missing"]);
    let system = without(&raw.join("ibdata1"), || pages(&raw, &[]));
    assert!(system.finding_codes().contains(&"file-missing"), "{}", system.stdout);
}

/// The log that was copied with the files reaches as far as the backup notes, and damage in front of that is found.
fn copied_log(backups: &Backups) {
    let raw = backups.path("raw");
    let (notes, path) = (fs::read_to_string(raw.join("xtrabackup_checkpoints")).unwrap(), raw.join("ib_logfile0"));
    let last = notes.lines().find_map(|line| line.strip_prefix("last_lsn = ")).unwrap();
    let healthy = pages(&raw, &[]);
    let log = files(&healthy, "ib_logfile0")[0];
    assert_eq!(
        (&log["kind"], &log["state"], log["lsn_max"].to_string().as_str()),
        (&"redo log".into(), &"sound".into(), last)
    );
    assert!(log["tally"]["sound"].as_u64().unwrap() > 100, "{log}");
    let middle = 12_288 + (fs::metadata(&path).unwrap().len() as usize - 12_288) / 2;
    let outcome = with_bytes(&path, |bytes| bytes[middle] ^= 0x10, || pages(&raw, &[]));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("redo-block");
    let offset = finding["file"]["offset"].as_u64().unwrap();
    assert!(offset <= middle as u64 && offset + (1 << 20) > middle as u64, "{finding}");
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains(&format!("needs it up to LSN {last}")), "{message}");
    let outcome = with_bytes(&path, |bytes| bytes.truncate(bytes.len() - 3), || pages(&raw, &[]));
    let message = outcome.assert_code(1).only("redo-block")["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("should reach LSN {last}")), "{message}");
    let outcome = with_bytes(&path, |bytes| bytes[4100] ^= 1, || pages(&raw, &[]));
    assert_eq!(outcome.assert_code(1).only("redo-block")["file"]["offset"], 4096);
}

/// The LSN up to which the backup of an image needs its log, as its notes say.
fn last_lsn(image: &[u8]) -> String {
    let words = b"last_lsn = ";
    let at = image.windows(words.len()).position(|window| window == words).unwrap() + words.len();
    image[at..].iter().take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect()
}

/// The middle of what an image has of the log in its last chunk, behind the head of the log.
fn in_log(image: &[u8]) -> usize {
    let name = b"P\x0b\0\0\0ib_logfile0";
    let at = image.windows(name.len()).rposition(|window| window == name).unwrap() + name.len();
    let number = |at: usize| u64::from_le_bytes(image[at..at + 8].try_into().unwrap()) as usize;
    let (length, offset) = (number(at), number(at + 8));
    let head = 12_288_usize.saturating_sub(offset);
    at + 8 + 8 + 4 + head + (length - head) / 2
}

/// What mariabackup has copied of the log is verified as it passes, up to where the notes behind it say.
fn logs_in_images(backups: &Backups) {
    for (name, packed) in [("image.mbstream", false), ("image.mbstream.zst", false), ("compressed.mbstream", true)] {
        let outcome = piped(&backups.path(name));
        let log = files(&outcome, "ib_logfile0")[0];
        assert_eq!((&log["kind"], &log["state"]), (&"redo log".into(), &"sound".into()), "{name}");
        assert!(log["tally"]["sound"].as_u64().unwrap() > 100, "{log}");
        let image = fs::read(backups.path(name)).unwrap();
        if !packed && !name.ends_with("zst") {
            assert_eq!(log["lsn_max"].to_string(), last_lsn(&image), "{name}");
        }
    }
    let outcome = piped(&backups.changed("image.mbstream", in_log));
    let needs = format!("needs it up to LSN {}", last_lsn(&fs::read(backups.path("image.mbstream")).unwrap()));
    let outcome = outcome.assert_code(1);
    assert_eq!(outcome.finding_codes(), ["image-chunk", "redo-block"], "{}", outcome.stdout);
    let message = outcome.only("redo-block")["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&needs), "{message}");
}

/// Both files of the system tablespace are one, in directories and in images.
fn system_in_images(backups: &Backups) {
    for outcome in [pages(&backups.path("raw"), &[]), piped(&backups.path("image.mbstream"))] {
        let parts = files(&outcome, "ibdata");
        let told: Vec<(u64, u64)> = parts
            .iter()
            .map(|part| (part["pages"].as_u64().unwrap(), part["map"][0]["first_page"].as_u64().unwrap()))
            .collect();
        assert_eq!(told[0], (768, 0), "{}", outcome.stdout);
        assert!(told[1].0 >= 512 && told[1].1 == 768 && told.len() == 2, "{told:?}");
    }
    let contents = |image: &[u8]| chunk_of("ibdata1")(image) + 7 * PAGE + 200;
    found(piped(&backups.changed("image.mbstream", contents)), &["image-chunk", "page-checksum"]);
}

/// What changed since the first backup: every page of it is verified by itself.
fn changes(backups: &Backups) {
    let whole = ["changes", "changes-compressed", "changes.mbstream"];
    for name in whole {
        let path = backups.path(name);
        let outcome = if name.ends_with("mbstream") { piped(&path) } else { pages(&path, &[]) };
        let outcome = outcome.assert_code(0);
        assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
        outcome.only("incremental-backup");
        let all = outcome.document["coverage"]["files"].as_array().unwrap();
        let deltas: Vec<_> = all.iter().filter(|file| file["kind"] == "incremental backup").collect();
        let sound: u64 = deltas.iter().map(|file| file["tally"]["sound"].as_u64().unwrap()).sum();
        assert!(deltas.len() > 10 && sound > 10, "{} files, {sound} pages: {}", deltas.len(), outcome.stdout);
        let table = deltas.iter().find(|file| file["table"] == "sbtest.sbtest1").unwrap();
        assert!(table["pages"].as_u64().unwrap() > 0, "{table}");
    }
    let table = "changes/sbtest/sbtest1.ibd.delta";
    // The last page of the list, which is in front of it.
    let page = |bytes: &[u8]| bytes.len() - PAGE + 200;
    let with = |at: &dyn Fn(&[u8]) -> usize| {
        let path = backups.path(table);
        with_bytes(
            &path,
            |bytes| {
                let at = at(bytes);
                bytes[at] ^= 0x10
            },
            || pages(&backups.path("changes"), &[]),
        )
    };
    found(with(&page), &["page-checksum"]);
    found(with(&|_| 1), &["delta-damaged"]);
    found(
        without(&backups.path("changes/sbtest/sbtest1.ibd.meta"), || pages(&backups.path("changes"), &[])),
        &["file-missing"],
    );
    let contents = |image: &[u8]| chunk_of("sbtest/sbtest1.ibd.delta")(image) + PAGE + 200;
    found(piped(&backups.changed("changes.mbstream", contents)), &["image-chunk", "page-checksum"]);
}

/// A packed image with a changed byte that changes what comes out: where zeros repeat, not every one does.
fn harmed(backups: &Backups, name: &str, tool: &str) -> PathBuf {
    (0..100)
        .map(|step| backups.changed(name, |bytes| bytes.len() / 2 + step))
        .find(|path| {
            let words = format!("{tool} -dc {} 2>/dev/null | cmp -s - image.mbstream", path.display());
            !Command::new("/bin/sh").args(["-c", &words]).current_dir(backups.path(".")).status().unwrap().success()
        })
        .expect("a byte that matters")
}

fn cut_images(backups: &Backups) {
    for name in ["image.mbstream", "image.mbstream.gz", "image.mbstream.zst", "compressed.mbstream", "prepared.tar"] {
        let bytes = fs::read(backups.path(name)).unwrap();
        let path = backups.path("cut");
        fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let outcome = piped(&path).assert_code(1);
        assert!(outcome.finding_codes().contains(&"image-cut"), "{name}: {}", outcome.stdout);
    }
}
