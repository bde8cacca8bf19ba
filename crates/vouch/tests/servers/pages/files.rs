//! Which files MySQL's dictionary demands, behind everything that moves, makes and removes files; and that
//! looking at them neither opens any for writing nor changes one.

use super::healthy::{assert_clean, state};
use super::{empty_of, pages, without};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::fs::{self, OpenOptions};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use tempfile::TempDir;
use vouch_testkit::{Dist, Server};

/// What tables and tablespaces go through.
const HISTORY: &[&str] = &[
    "CREATE DATABASE s; USE s",
    "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(50)); INSERT INTO a VALUES (1, 'x')",
    "CREATE TABLE words (id INT PRIMARY KEY, v VARCHAR(50), FULLTEXT (v)); INSERT INTO words VALUES (1, 'hello')",
    "CREATE TABLE hashed (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4",
    "CREATE TABLE ranged (id INT, d DATE) PARTITION BY RANGE (id) SUBPARTITION BY HASH (TO_DAYS(d)) SUBPARTITIONS 2 \
     (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLESPACE g ADD DATAFILE 'g.ibd'; CREATE TABLE in_g (id INT PRIMARY KEY) TABLESPACE g",
    "CREATE TABLESPACE h ADD DATAFILE 'AWAY/h.ibd'; CREATE TABLE in_h (id INT PRIMARY KEY) TABLESPACE h",
    "CREATE TABLE away (id INT PRIMARY KEY) DATA DIRECTORY 'AWAY'",
    "CREATE TABLE in_system (id INT PRIMARY KEY) TABLESPACE innodb_system",
    "CREATE TABLE `a-b é` (id INT PRIMARY KEY)",
    "CREATE TABLE emptied (id INT PRIMARY KEY); INSERT INTO emptied VALUES (1); TRUNCATE emptied",
    "CREATE TABLE dropped (id INT PRIMARY KEY); DROP TABLE dropped",
    "CREATE TABLE rebuilt (id INT PRIMARY KEY, v INT); ALTER TABLE rebuilt ENGINE=InnoDB",
    "ALTER TABLE rebuilt ADD COLUMN z INT, ALGORITHM=COPY",
    "CREATE TABLE moved (id INT PRIMARY KEY) TABLESPACE g; ALTER TABLE moved TABLESPACE innodb_file_per_table",
    "CREATE TABLE discarded (id INT PRIMARY KEY); ALTER TABLE discarded DISCARD TABLESPACE",
    "CREATE UNDO TABLESPACE un ADD DATAFILE 'un.ibu'",
    "CREATE TABLE other (id INT) ENGINE=MyISAM",
    "CREATE TABLESPACE g2 ADD DATAFILE 'g2.ibd'; DROP TABLESPACE g2; ALTER TABLESPACE g RENAME TO gg",
    "CREATE DATABASE t; CREATE TABLE t.gone (id INT PRIMARY KEY); DROP DATABASE t; CREATE DATABASE t",
    "CREATE TABLE renamed (id INT PRIMARY KEY); RENAME TABLE renamed TO t.renamed",
    "ALTER TABLE hashed COALESCE PARTITION 1; ALTER TABLE ranged DROP PARTITION p0",
    "CREATE TABLE swapped LIKE a",
    "CREATE TABLE parts (id INT PRIMARY KEY, v VARCHAR(50)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10))",
    "ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE swapped",
    "CREATE TABLE exported (id INT PRIMARY KEY); FLUSH TABLES exported FOR EXPORT; UNLOCK TABLES",
];

fn lived(away: &Path) -> Server {
    let directories = format!("--innodb-directories={}", away.display());
    let server = empty_of(&Dist::mysql().unwrap(), 16, &[&directories], away);
    let many: String = (0..300).map(|n| format!("; CREATE TABLE m.t{n} (id INT PRIMARY KEY)")).collect();
    let history = HISTORY.join("; ").replace("AWAY", &away.display().to_string());
    server.sql(&format!("{history}; CREATE DATABASE m{many}; DROP TABLE m.t7, m.t200")).unwrap();
    server
}

#[test]
fn that_mysql_demands() {
    let away = TempDir::new().unwrap();
    let server = lived(away.path());
    assert_clean(pages(&server.data(), &[]), 10);
    server.stop().unwrap();
    let data = server.data();
    let clean = assert_clean(pages(&data, &[]), 500);
    assert!(state(&clean).starts_with("clean shutdown"), "{}", clean.stdout);
    for (file, table) in [
        ("s/a.ibd", "s.a"),
        ("s/hashed#p#p1.ibd", "s.hashed#p#p1"),
        ("t/renamed.ibd", "t.renamed"),
        ("m/t299.ibd", "m.t299"),
    ] {
        let outcome = without(&data.join(file), || pages(&data, &[])).assert_code(1);
        let finding = outcome.only("file-missing");
        assert_eq!((&finding["file"]["name"], &finding["table"]), (&file.into(), &table.into()));
        assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
    }
    let general = without(&data.join("s").join("../g.ibd"), || pages(&data, &[])).assert_code(1);
    assert_eq!(general.only("file-missing")["file"]["name"], "g.ibd");
    stray(&data);
    only_reads(&data);
}

fn stray(data: &Path) {
    let mut file =
        vouch_testkit::damage::Pages::read(&data.join("s/a.ibd"), 16_384, vouch_testkit::damage::Seal::Crc32);
    file.as_mut().unwrap().renumber(4_711);
    file.unwrap().write_to(&data.join("s/stray.ibd")).unwrap();
    let outcome = pages(data, &[]).assert_code(0);
    assert_eq!(outcome.only("file-stray")["file"]["name"], "s/stray.ibd");
    fs::remove_file(data.join("s/stray.ibd")).unwrap();
}

/// Tells of files that are opened for writing, and of whatever changes.
struct Watch(OwnedFd);

impl Watch {
    fn of(folder: &Path) -> Watch {
        let watch = Watch(inotify::init(CreateFlags::NONBLOCK).unwrap());
        watch.add(folder);
        watch
    }

    fn add(&self, folder: &Path) {
        let changes = WatchFlags::CLOSE_WRITE | WatchFlags::MODIFY | WatchFlags::ATTRIB;
        let moves = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE;
        inotify::add_watch(&self.0, folder, changes | moves).unwrap();
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).for_each(|path| self.add(&path));
    }

    fn events(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => events.push(format!("{event:?}")),
                Err(Errno::WOULDBLOCK) => return events,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn only_reads(data: &Path) {
    let watch = Watch::of(data);
    assert_clean(pages(data, &["--level", "tree"]), 500);
    assert_eq!(watch.events(), [] as [String; 0], "nothing is opened for writing");
    drop(OpenOptions::new().append(true).open(data.join("s/a.ibd")).unwrap());
    assert_eq!(watch.events().len(), 1, "that would have been told");
}
