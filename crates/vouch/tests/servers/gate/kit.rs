//! What the tests of the gate share: databases, manifests and keys, and what a run said.

use crate::harness::{Outcome, Running, Vouch};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vouch_testkit::{FULL, PASSWORD, Server, numbers};

/// A database with tables, a view, a routine, and names that are hostile.
pub fn fill(server: &Server) {
    let rows = numbers(2_000);
    server
        .sql(&format!(
            "CREATE DATABASE app; CREATE DATABASE `a.b`; USE app;
             CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, note TEXT);
             INSERT INTO users SELECT n, CONCAT('user ', n), IF(n % 3, NULL, REPEAT('x', n % 50)) FROM {rows};
             CREATE TABLE orders (id INT PRIMARY KEY, total DECIMAL(10,2) NOT NULL);
             INSERT INTO orders SELECT n, n / 7 FROM {rows};
             CREATE TABLE log (line VARCHAR(40)); INSERT INTO log VALUES ('a'), ('a'), ('b'), (NULL);
             CREATE TABLE blank (id INT PRIMARY KEY);
             CREATE TABLE `x``y.z` (id INT PRIMARY KEY); INSERT INTO `x``y.z` VALUES (1);
             CREATE TABLE `a.b`.c (id INT PRIMARY KEY); INSERT INTO `a.b`.c VALUES (1);
             CREATE VIEW v AS SELECT id FROM users;
             CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2"
        ))
        .unwrap();
}

/// What CHECKSUM TABLE says, as a string.
pub fn checksum(server: &Server, table: &str) -> String {
    server.query_strings(&format!("CHECKSUM TABLE {table}")).unwrap()[0][1].clone().unwrap()
}

/// A configuration of the two-file form that believes without a signature.
pub fn config(server: &Server) -> Value {
    json!({
        "db": { "host": "127.0.0.1", "port": server.port(), "user": FULL, "password": PASSWORD,
                "database": "information_schema" },
        "max_workers": 4,
        "allow_unsigned": true
    })
}

/// A folder with a key, its public half in a keyring, and manifests.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        let desk = Desk { folder: TempDir::new().unwrap() };
        std::fs::create_dir(desk.path("trust")).unwrap();
        Vouch::new(&["manifest", "keygen", "--out", &desk.text("key")]).run().assert_code(0);
        std::fs::rename(desk.path("key.pub"), desk.path("trust/key.pub")).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, contents: &[u8]) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    /// Takes a signed manifest of a server.
    pub fn create(&self, name: &str, server: &Server, args: &[&str]) -> Outcome {
        let (address, out, key) = (server.url(FULL, PASSWORD), self.text(name), self.text("key"));
        let fixed = ["manifest", "create", "--server", &address, "--cluster", "prod", "--out", &out, "--key", &key];
        Vouch::new(&[&fixed[..], args].concat()).run()
    }

    /// The manifest's document.
    pub fn manifest(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Changes a manifest's document and signs what comes of it.
    pub fn rewrite(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut document = self.manifest(name);
        change(&mut document);
        self.write(name, document.to_string().as_bytes());
        Vouch::new(&["manifest", "sign", &self.text(name), "--key", &self.text("key")]).run().assert_code(0);
    }

    fn gate(&self, name: &str, address: &str, args: &[&str]) -> Vouch {
        let (manifest, trust, state) = (self.text(name), self.text("trust"), self.text("state"));
        let fixed = ["validate", "--server", address, "--manifest", &manifest];
        let state: &[&str] = if args.contains(&"--state-dir") { &[] } else { &["--state-dir", &state] };
        let trust: &[&str] = if args.contains(&"--trust") { &[] } else { &["--trust", &trust] };
        let fixed = [&fixed[..], &["--format", "jsonl", "--quiet"], trust, state].concat();
        Vouch::new(&[&fixed[..], args].concat())
    }

    /// Holds a server against a manifest.
    pub fn validate(&self, name: &str, server: &Server, args: &[&str]) -> Outcome {
        self.gate(name, &server.url(FULL, PASSWORD), args).run()
    }

    /// The same, to be watched.
    pub fn begin(&self, name: &str, server: &Server, args: &[&str]) -> Running {
        self.begin_at(name, &server.url(FULL, PASSWORD), args)
    }

    /// The same at any address.
    pub fn begin_at(&self, name: &str, address: &str, args: &[&str]) -> Running {
        self.gate(name, address, args).spawn()
    }
}

/// The last line that a run wrote on stdout.
#[track_caller]
pub fn last_line(outcome: &Outcome) -> Value {
    let line = outcome.stdout.lines().last().unwrap_or_else(|| panic!("nothing on stdout: {}", outcome.stderr));
    serde_json::from_str(line).unwrap()
}

/// `app.orders=VALID app.users=MISMATCH`, in the order of the document.
pub fn statuses(outcome: &Outcome) -> String {
    let word = |table: &Value| format!("{}={}", table["table"].as_str().unwrap(), table["status"].as_str().unwrap());
    outcome.tables().iter().map(word).collect::<Vec<_>>().join(" ")
}

/// What is said of one table.
#[track_caller]
pub fn table<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let found = outcome.tables().iter().find(|table| table["table"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {}", outcome.stdout))
}

/// Fails unless nothing was looked at: exit code 2, and a last line that says why.
#[track_caller]
pub fn assert_refused(outcome: &Outcome, code: &str) {
    assert_eq!(outcome.code, 2, "{}\n{}", outcome.stdout, outcome.stderr);
    let last = last_line(outcome);
    assert_eq!((last["event"].as_str(), last["code"].as_str()), (Some("refused"), Some(code)), "{last}");
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}
