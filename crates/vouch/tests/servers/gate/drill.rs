//! The whole drill in one command, on backups that are good and on backups that are not.

use super::kit::{Desk, copy, fill, last_line, statuses};
use crate::harness::{Outcome, Running, Vouch, on_both};
use std::path::Path;
use std::process::Command;
use vouch_testkit::{Flavor, Server, Topology};

/// A backup that is not prepared (MariaDB), or of the files at rest (MySQL).
pub fn backup(server: &Server, to: &Path) {
    match server.flavor() {
        Flavor::Mariadb => {
            // Tables that were made since the last checkpoint are in the redo log, and no files yet.
            server.restart().unwrap();
            let mut command = Command::new("mariadb-backup");
            command.args(["--no-defaults", "--backup", "--user=root"]);
            command.arg(format!("--socket={}", server.socket().display()));
            let said = command.arg(format!("--target-dir={}", to.display())).output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        }
        Flavor::Mysql => {
            server.stop().unwrap();
            copy(&server.data(), to);
            server.resume().unwrap();
        }
    }
}

pub fn drill(desk: &Desk, manifest: &str, backup: &str) -> Outcome {
    drill_with(desk, manifest, backup, &[])
}

/// A drill with more options.
pub fn drill_with(desk: &Desk, manifest: &str, backup: &str, args: &[&str]) -> Outcome {
    let outcome = command(desk, manifest, backup).args(args).run();
    assert_eq!(std::fs::read_dir(desk.path("scratch")).unwrap().count(), 0, "the drill left something behind");
    outcome
}

/// A drill that is under way.
pub fn begin(desk: &Desk, manifest: &str, backup: &str) -> Running {
    command(desk, manifest, backup).spawn()
}

/// The command, to be run or watched.
pub fn command(desk: &Desk, manifest: &str, backup: &str) -> Vouch {
    std::fs::create_dir_all(desk.path("scratch")).unwrap();
    let (backup, manifest, trust) = (desk.text(backup), desk.text(manifest), desk.text("trust"));
    let args = ["drill", "--backup", &backup, "--manifest", &manifest, "--trust", &trust, "--allow-older"];
    let (state, text) = (desk.text("state"), desk.text("scratch"));
    let more = ["--state-dir", &state, "--scratch", &text, "--format", "json", "--quiet"];
    let mysql = std::env::var("VOUCH_MYSQL_HOME").unwrap_or_else(|_| String::new());
    Vouch::new(&[&args[..], &more].concat()).variable("VOUCH_MYSQL_HOME", &mysql)
}

#[test]
fn a_drill_says_whether_a_backup_restores_to_what_its_manifest_says() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let server = topology.source();
        fill(server);
        let desk = Desk::new();
        backup(server, &desk.path("good"));
        let of_backup = ["--serial", "1", "--backup", &desk.text("good"), "--backup-kind", "test"];
        desk.create("m.json", server, &of_backup).assert_code(0);
        desk.create("plain.json", server, &["--serial", "2"]).assert_code(0);
        let good = drill(&desk, "m.json", "good").assert_code(0);
        let steps: Vec<&str> = good.document["coverage"]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["step"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["files", "pages", "copy", "prepare", "start", "validate", "clean up"]);
        assert!(!statuses(&good).contains("NOT_RUN") && good.tables().len() >= 6, "{}", statuses(&good));
        listed(&desk);
        damaged(&desk);
        server.sql("DROP TABLE app.orders").unwrap();
        backup(server, &desk.path("later"));
        let dropped = drill(&desk, "plain.json", "later").assert_code(1);
        assert_eq!(dropped.only("table-missing")["table"], "app.orders");
        refused(&desk);
    });
}

/// `vouch pages` holds a directory against the list of files: what no checksum covers is found too.
fn listed(desk: &Desk) {
    let (manifest, trust, state) = (desk.text("m.json"), desk.text("trust"), desk.text("state"));
    let pages = |folder: &str, args: &[&str]| {
        let folder = desk.text(folder);
        let fixed = ["pages", &folder, "--manifest", &manifest, "--state-dir", &state, "--format", "json", "--quiet"];
        Vouch::new(&[&fixed[..], args].concat()).run()
    };
    let good = pages("good", &["--trust", &trust]).assert_code(0);
    assert_eq!(good.finding_codes(), [] as [&str; 0]);
    assert!(!good.stdout.contains("unsigned-allowed"));
    copy(&desk.path("good"), &desk.path("listed"));
    let document = desk.manifest("m.json");
    let names = document["backup"]["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    let plain: Vec<&str> =
        names.filter(|name| [".pem", ".cnf", ".opt"].iter().any(|end| name.ends_with(end))).collect();
    let [changed, removed] = plain[..2] else { panic!("{plain:?}") };
    let mut bytes = std::fs::read(desk.path("listed").join(changed)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(desk.path("listed").join(changed), bytes).unwrap();
    std::fs::remove_file(desk.path("listed").join(removed)).unwrap();
    desk.write("listed/app/added.txt", b"x");
    let outcome = pages("listed", &["--trust", &trust]).assert_code(1);
    for (code, name) in
        [("backup-file-changed", changed), ("backup-file-missing", removed), ("backup-file-extra", "app/added.txt")]
    {
        assert_eq!(outcome.only(code)["file"]["name"], name);
    }
    assert_eq!(outcome.findings().len(), 3, "{}", outcome.stdout);
    // Without a key it is taken only where that is asked for, and said.
    pages("good", &[]).assert_code(2);
    let unsigned = pages("good", &["--allow-unsigned"]).assert_code(0);
    assert_eq!(unsigned.coded("unsigned-allowed").len(), 1, "{}", unsigned.stdout);
    let (plain, text) = (desk.text("plain.json"), desk.text("good"));
    let args = ["pages", &text, "--manifest", &plain, "--trust", &trust, "--state-dir", &state];
    assert!(Vouch::new(&args).run().assert_code(2).stderr.contains("lists no files"));
}

/// A flipped page and a missing file: each named, by the manifest and by what is in the file.
fn damaged(desk: &Desk) {
    copy(&desk.path("good"), &desk.path("flipped"));
    let file = desk.path("flipped/app/users.ibd");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4 * 16384 + 200] ^= 0x40;
    std::fs::write(&file, bytes).unwrap();
    let flipped = drill(desk, "m.json", "flipped").assert_code(1);
    for code in ["backup-file-changed", "page-checksum"] {
        let place = flipped.only(code)["file"]["name"].as_str().unwrap().to_owned();
        assert!(place.ends_with("app/users.ibd"), "{code}: {place}");
    }
    assert!(statuses(&flipped).contains("app.users=NOT_RUN"));
    let page = drill(desk, "plain.json", "flipped").assert_code(1);
    assert_eq!(page.finding_codes(), ["page-checksum"]);
    sealed(desk);
    copy(&desk.path("good"), &desk.path("lost"));
    std::fs::remove_file(desk.path("lost/app/users.ibd")).unwrap();
    let lost = drill(desk, "m.json", "lost").assert_code(1);
    assert_eq!(lost.only("backup-file-missing")["file"]["name"], "app/users.ibd");
    // A manifest without files: the server that is started has no such table, or does not start.
    let lost = drill(desk, "plain.json", "lost").assert_code(1);
    let named = lost.stdout.contains("users");
    assert!(
        named && statuses(&lost).split(' ').any(|word| word.starts_with("app.users=") && word != "app.users=VALID")
    );
}

/// What the pages of a backup could not be verified for was left out of the drill's result, and out of the signed
/// evidence: the step was "ok", and the gate opened on a backup of which a part was never read.
fn sealed(desk: &Desk) {
    copy(&desk.path("good"), &desk.path("sealed"));
    std::fs::write(desk.path("sealed/app/old.ibd.gpg"), [7; 4096]).unwrap();
    let sealed = drill(desk, "plain.json", "sealed").assert_code(1);
    assert_eq!(sealed.only("file-opaque")["file"]["name"], "app/old.ibd.gpg");
    assert!(sealed.stdout.contains("not proven, see errors"), "{}", sealed.stdout);
    assert!(statuses(&sealed).contains("app.users=NOT_RUN"), "{}", statuses(&sealed));
}

fn refused(desk: &Desk) {
    desk.write("m.json", b"{}");
    let outcome = drill(desk, "m.json", "good").assert_code(2);
    assert_eq!(last_line(&outcome)["code"], "bad-signature");
}
