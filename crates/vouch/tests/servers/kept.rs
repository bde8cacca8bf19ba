//! What a run keeps for `--resume`: it is used only where it still means the same, it
//! holds every finding, and nobody else can read it.

use crate::harness::{Outcome, Vouch, on_both};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Expected, Flavor, Topology, drift, numbers};

const IN_SYNC: Duration = Duration::from_secs(60);

/// Tables that are compared once and are equal then. What happens to each of them comes after.
const TABLES: [&str; 7] = ["same", "rekeyed", "turned", "widened", "gap", "undone", "lost"];

fn fill(topology: &Topology) {
    let table = |name: &&str| {
        format!(
            "CREATE TABLE d.{name} (id INT NOT NULL, other INT NOT NULL, v INT, PRIMARY KEY (id)) STATS_AUTO_RECALC=0; \
             INSERT INTO d.{name} SELECT n, 10000 - n, n FROM {};",
            numbers(2_000)
        )
    };
    let tables: String = TABLES.iter().map(table).collect();
    topology.source().sql(&format!("CREATE DATABASE d; {tables}")).unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
}

fn vouch(topology: &Topology, state: &Path, args: &[&str]) -> Outcome {
    let vouch = Vouch::of(topology).state_dir(state).args(&["--confirm-after", "100ms", "--databases", "d"]);
    vouch.args(&["--chunk-rows-min", "200", "--chunk-rows-max", "200"]).args(args).run()
}

fn resumed(topology: &Topology, state: &Path, args: &[&str]) -> Outcome {
    vouch(topology, state, &[&["--resume", "last"], args].concat())
}

fn file(state: &Path) -> PathBuf {
    let runs: Vec<_> = fs::read_dir(state.join("runs")).unwrap().map(|run| run.unwrap().path()).collect();
    assert_eq!(runs.len(), 1);
    runs[0].join("state.sqlite")
}

fn damage(state: &Path, sql: &str) {
    let db = Connection::open(file(state)).unwrap();
    assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
}

/// The messages about tables that are compared from the start.
fn restarted(outcome: &Outcome) -> Vec<&str> {
    outcome.coded("table-restarted").iter().map(|notice| notice["message"].as_str().unwrap()).collect()
}

/// A key was changed between a run and its `--resume`, and the result said "clean" though rows differed that were in
/// no chunk any more. A DBA would have failed over to a replica that had lost data.
#[test]
fn what_was_decided_counts_only_while_it_means_the_same() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        fill(&topology);
        let state = TempDir::new().unwrap();
        vouch(&topology, state.path(), &[]).assert_clean();
        assert_private(state.path());
        let again = resumed(&topology, state.path(), &[]).assert_clean();
        assert_eq!(restarted(&again), [] as [&str; 0], "nothing changed");
        assert_eq!(again.document["coverage"]["resumed_chunks"], 77, "{}", again.stdout);
        change(&topology, state.path());
        let outcome = resumed(&topology, state.path(), &[]).assert_code(1);
        let changed: Vec<Expected> = (0..11).map(|n| Expected::changed("id", 7 + 180 * n, &["v"])).collect();
        for table in ["turned", "widened", "gap", "undone", "lost"] {
            outcome.assert_rows(&format!("d.{table}"), &changed);
        }
        let by_other: Vec<Expected> = (0..11).map(|n| Expected::changed("other", 9993 - 180 * n, &["v"])).collect();
        outcome.assert_rows("d.rekeyed", &by_other);
        // What was decided and still means the same stays decided.
        outcome.assert_rows("d.same", &[]);
        assert_eq!(restarted(&outcome).len(), 6, "{}", outcome.stdout);
        for (table, why) in
            [("rekeyed", "its key"), ("widened", "its definition on"), ("gap", "gap between two chunks")]
        {
            let said = |text: &&str| text.contains(&format!("d.{table} ")) && text.contains(why);
            assert!(restarted(&outcome).iter().any(said), "{table}: {}", outcome.stdout);
        }
        outcome.only_of("column-differs", "d.widened");
    });
}

/// Each table but the first gets eleven rows that differ, and a reason why its state says nothing about them.
fn change(topology: &Topology, state: &Path) {
    let (source, replica) = (topology.source(), topology.replica(0));
    source
        .sql(
            "ALTER TABLE d.rekeyed DROP PRIMARY KEY, ADD PRIMARY KEY (other); \
             ALTER TABLE d.turned DROP PRIMARY KEY, ADD PRIMARY KEY (id DESC)",
        )
        .unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    drift::sql(replica, "ALTER TABLE d.widened MODIFY other BIGINT NOT NULL").unwrap();
    for table in TABLES {
        drift::sql(replica, &format!("UPDATE d.{table} SET v = -1 WHERE id % 180 = 7 AND id < 1900")).unwrap();
    }
    damage(state, "DELETE FROM chunk WHERE tbl = 'd.gap' AND segment = 0 AND number = 3");
    damage(state, "UPDATE chunk SET upper = x'FF' WHERE tbl = 'd.undone' AND segment = 0 AND number = 2");
    damage(state, "UPDATE done SET source_rows = -1 WHERE tbl = 'd.lost' AND segment = 0 AND number = 1");
}

/// Keys and values of rows are in the state, and anybody on the machine could read them.
fn assert_private(state: &Path) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = file(state);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&state.join("runs")), 0o700);
}

/// A run listed no findings, or not all, and what it listed was all that it kept: resumed, the table "differed" and
/// the verdict was clean.
#[test]
fn findings_are_kept_in_full_whatever_is_listed() {
    let topology = Topology::pair(Flavor::Mariadb).unwrap();
    fill(&topology);
    drift::sql(topology.replica(0), "UPDATE d.same SET v = -1 WHERE id % 100 = 7; DELETE FROM d.gap WHERE id = 3")
        .unwrap();
    for first in [["--max-findings", "0"], ["--max-findings", "7"]] {
        let state = TempDir::new().unwrap();
        let outcome = vouch(&topology, state.path(), &first).assert_code(1);
        let beyond = |outcome: &Outcome| outcome.only_of("rows-beyond-limit", "d.same")["count"].clone();
        let more = beyond(&outcome);
        let outcome = resumed(&topology, state.path(), &first).assert_code(1);
        assert_eq!(beyond(&outcome), more);
        let outcome = resumed(&topology, state.path(), &["--max-findings", "100"]).assert_code(1);
        assert_eq!((outcome.rows("d.same").len(), outcome.rows("d.gap").len()), (20, 1), "{}", outcome.stdout);
        assert!(outcome.coded("rows-beyond-limit").is_empty() && restarted(&outcome).is_empty(), "{}", outcome.stdout);
        // A finding of another version, and one that is gone: the table starts again.
        damage(state.path(), "UPDATE finding SET code = 'no-such-code' WHERE tbl = 'd.gap'");
        damage(state.path(), "DELETE FROM finding WHERE rowid = (SELECT MAX(rowid) FROM finding WHERE tbl = 'd.same')");
        let outcome = resumed(&topology, state.path(), &["--max-findings", "100"]).assert_code(1);
        assert_eq!((outcome.rows("d.same").len(), outcome.rows("d.gap").len()), (20, 1), "{}", outcome.stdout);
        assert_eq!(restarted(&outcome).len(), 2, "{}", outcome.stdout);
    }
    links_are_not_followed(&topology);
}

/// Somebody who may write to the folder of states could have had any file of the user's overwritten.
fn links_are_not_followed(topology: &Topology) {
    let (state, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    symlink(elsewhere.path(), state.path().join("runs")).unwrap();
    let refused = vouch(topology, state.path(), &["--tables", "d.same"]).assert_code(2);
    assert!(refused.stderr.contains("symbolic link"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    // The way to the folder may have one: it is the user's own.
    let (real, link) = (TempDir::new().unwrap(), elsewhere.path().join("state"));
    symlink(real.path(), &link).unwrap();
    vouch(topology, &link, &["--tables", "d.turned"]).assert_clean();
    let kept = file(real.path());
    let moved = elsewhere.path().join("moved.sqlite");
    fs::rename(&kept, &moved).unwrap();
    symlink(&moved, &kept).unwrap();
    let refused = resumed(topology, &link, &["--tables", "d.turned"]).assert_code(2);
    assert!(refused.stderr.contains("symbolic link"), "{}", refused.stderr);
}
