//! A server with a table of each format, shut down, and what is said of damaged copies of its files: [`Bench`].

use super::case::{Case, Format, Roles};
use super::damages::DAMAGES;
use super::theirs::{PASSES, theirs};
use super::uncovered::uncovered;
use super::words::{keep, said};
use crate::harness::Outcome;
use crate::pages::{empty_of, pages};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use vouch_testkit::{Dist, Server, ServerConfig, numbers, spaces};

/// The database of the tables.
const DATABASE: &str = "matrix";
/// Enough for some twenty leaves with pages of 16 KiB.
const ROWS: u64 = 2_000;
const FEW_ROWS: u64 = 800;
/// Parts of 128 bytes that the long values have, which do not compress well.
const VALUE_PARTS: u64 = 800;

/// A server that was shut down.
pub struct Bench {
    name: &'static str,
    formats: &'static [Format],
    dist: Dist,
    server: Server,
    keyring: PathBuf,
    folder: TempDir,
}

impl Bench {
    /// MySQL with a keyring and pages of so many KiB.
    pub fn mysql(name: &'static str, kib: u32, formats: &'static [Format]) -> Bench {
        let folder = TempDir::new().unwrap();
        let dist = Dist::mysql().unwrap().with_keyring(folder.path()).unwrap();
        let init_args = if kib == 16 { Vec::new() } else { vec![format!("--innodb-page-size={kib}k")] };
        let config = ServerConfig { binlog: false, gtid: false, init_args, ..ServerConfig::default() };
        let server = Server::start(&dist, config).unwrap();
        let keyring = folder.path().join(Dist::KEYRING);
        Bench { name, formats, dist, server, keyring, folder }.filled()
    }

    /// MariaDB with keys.
    pub fn mariadb(name: &'static str, dist: &Dist, args: &[&str], formats: &'static [Format]) -> Bench {
        let folder = TempDir::new().unwrap();
        let server = empty_of(dist, 16, args, folder.path());
        let keyring = folder.path().join(spaces::KEYS);
        Bench { name, formats, dist: dist.clone(), server, keyring, folder }.filled()
    }

    /// Tables that have been changed since copies of their files were taken.
    fn filled(self) -> Bench {
        let names: Vec<&str> = self.formats.iter().map(|format| format.table).collect();
        self.server.sql(&format!("CREATE DATABASE {DATABASE}")).unwrap();
        for format in self.formats {
            self.server.sql(&table(format.table, format.options, ROWS)).unwrap();
            self.server.sql(&table(&format!("{}_other", format.table), format.options, FEW_ROWS)).unwrap();
        }
        let flush = format!("USE {DATABASE}; FLUSH TABLES {} FOR EXPORT; UNLOCK TABLES", names.join(", "));
        self.server.sql(&flush).unwrap();
        for name in names {
            fs::copy(self.file(name), self.stale(name)).unwrap();
            self.server
                .sql(&format!(
                    "USE {DATABASE}; UPDATE {name} SET c = 'changed!' WHERE id BETWEEN 1100 AND 1103; \
                     INSERT INTO {name} SELECT {ROWS} + n, SHA2(n, 256), 'later', NULL FROM {} ORDER BY n",
                    numbers(FEW_ROWS)
                ))
                .unwrap();
        }
        self.server.stop().unwrap();
        self
    }

    fn file(&self, table: &str) -> PathBuf {
        self.server.data().join(DATABASE).join(format!("{table}.ibd"))
    }

    /// The file as it was before the table was changed.
    fn stale(&self, table: &str) -> PathBuf {
        self.folder.path().join(format!("{table}.stale"))
    }

    /// One snapshot for each format, one more for each that can be looked at without a key, and one of them all.
    pub fn snapshots(&self) {
        let mut cases = Vec::new();
        for format in self.formats {
            let case = Case::new(*format, |name| self.file(name), &self.stale(format.table), &self.keyring);
            if format.encrypted {
                self.snapshot(&case, "-with-key", &["--keyring", self.keyring.to_str().unwrap()]);
                self.snapshot(&case, "-without-key", &[]);
            } else {
                self.snapshot(&case, "", &[]);
            }
            cases.push(case);
        }
        self.instance(&cases);
    }

    fn snapshot(&self, case: &Case, suffix: &str, args: &[&str]) {
        let args = [&["--state", "clean"], args].concat();
        let path = self.copy(case.format.table);
        let keyless = suffix == "-without-key";
        case.file.write_to(&path).unwrap();
        let usual = theirs(&self.dist, &path, true);
        let mut table = String::new();
        for damage in DAMAGES.iter().filter(|damage| (damage.occurs)(case)) {
            let mut copy = case.clone();
            (damage.make)(&mut copy);
            copy.file.write_to(&path).unwrap();
            let theirs = if usual == PASSES && damage.name != NOTHING {
                theirs(&self.dist, &path, false)
            } else {
                usual.clone()
            };
            let unseen = uncovered(&case.format, self.server.flavor(), keyless, damage.name);
            let outcome = pages(&path, &args);
            writeln!(table, "{}", self.row(damage.name, &outcome, Some(&theirs), unseen, &case.roles)).unwrap();
        }
        table += &self.images(case, &args);
        self.keep(&format!("{}{suffix}", case.format.table), &table);
    }

    fn keep(&self, what: &str, table: &str) {
        keep(&format!("{}-{what}", self.name), table);
    }

    /// Where damaged files lie: in a folder of the name that databases have.
    fn copy(&self, table: &str) -> PathBuf {
        let folder = self.folder.path().join(DATABASE);
        fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{table}.ibd"))
    }

    /// What is said of one damaged file; of a healthy one, nothing.
    fn row(
        &self,
        damage: &str,
        outcome: &Outcome,
        theirs: Option<&str>,
        unseen: Option<&str>,
        roles: &Roles,
    ) -> String {
        let (code, told) = (outcome.code, !outcome.findings().is_empty());
        let what = format!("{} of {}: {damage}", self.name, self.folder.path().display());
        assert!([0, 1, 3].contains(&code) && told == (code == 1), "{what}: {}\n{}", outcome.stdout, outcome.stderr);
        assert_eq!(told, damage != NOTHING && unseen.is_none(), "{what}, {unseen:?}: {}", outcome.stdout);
        let theirs = theirs.map(|theirs| format!(", innochecksum: {theirs}")).unwrap_or_default();
        let why = unseen.map(|why| format!("\n    not seen: {why}")).unwrap_or_default();
        let said = said(outcome, roles, &self.folder.path().join(DATABASE));
        format!("{damage}\n    exit code {code}{theirs}{said}{why}")
    }

    /// The file in an image, which innochecksum does not read.
    fn images(&self, case: &Case, args: &[&str]) -> String {
        case.file.write_to(&self.copy(case.format.table)).unwrap();
        let name = format!("{}.ibd", case.format.table);
        let output =
            Command::new("mbstream").args(["-c", &name]).current_dir(self.folder.path().join(DATABASE)).output();
        let image = output.unwrap().stdout;
        let path = self.folder.path().join(DATABASE).join("image.mbstream");
        let payload = image.len() / 2;
        let damages: [(&str, AtImage); 3] = [
            (NOTHING, |_, _| {}),
            ("a bit of a chunk of an image", |image, at| image[at] ^= 1),
            ("an image that is cut off", Vec::truncate),
        ];
        let mut rows = String::new();
        for (damage, change) in damages {
            let mut copy = image.clone();
            change(&mut copy, payload);
            fs::write(&path, copy).unwrap();
            writeln!(rows, "{}", self.row(damage, &pages(&path, args), None, None, &case.roles)).unwrap();
        }
        rows
    }

    /// What shows only where all files of a server are looked at.
    fn instance(&self, cases: &[Case]) {
        let data = self.server.data();
        let keyring = ["--keyring", self.keyring.to_str().unwrap()];
        let args = if cases.iter().any(|case| case.format.encrypted) { &keyring[..] } else { &[] };
        let mut rows = String::new();
        for case in cases {
            let mut stamped = case.clone();
            let leaf = case.roles.leaf;
            stamped.inside(&[leaf], |file| file.stamp(leaf, u64::from(u32::MAX) << 16));
            stamped.file.write_to(&self.file(case.format.table)).unwrap();
        }
        let outcome = pages(&data, args);
        let roles = &cases[0].roles;
        writeln!(
            rows,
            "{}",
            self.row("a leaf of each table of a later LSN than the log has", &outcome, None, None, roles)
        )
        .unwrap();
        cases.iter().for_each(|case| fs::remove_file(self.file(case.format.table)).unwrap());
        let outcome = pages(&data, args);
        writeln!(rows, "{}", self.row("the file of each table missing", &outcome, None, None, roles)).unwrap();
        self.keep("instance", &rows);
    }
}

/// What becomes of an image at one of its bytes.
type AtImage = fn(&mut Vec<u8>, usize);

/// The damage that is none.
const NOTHING: &str = "nothing";

fn table(name: &str, options: &str, rows: u64) -> String {
    format!(
        "USE {DATABASE}; SET SESSION group_concat_max_len = 1000000; \
         SET @long = (SELECT GROUP_CONCAT(SHA2(n, 512) ORDER BY n SEPARATOR '') FROM {}); CREATE TABLE {name} (id INT PRIMARY KEY, a VARCHAR(160), c CHAR(8), b LONGBLOB, KEY a (a(20))) \
         {options}; INSERT INTO {name} SELECT n, CONCAT(SHA2(n, 256), REPEAT('x', n % 90)), 'before', \
         IF(n <= 4, @long, NULL) FROM {} ORDER BY n",
        numbers(VALUE_PARTS),
        numbers(rows)
    )
}
