//! A run that is killed and resumed comes to the same as one that nobody disturbed,
//! and looks at no chunk twice that was decided before.

use crate::harness::{Outcome, Vouch, on_both};
use crate::site::{Site, essence};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A chunk on a replica: table, segment, number, replica.
type Name = (String, i64, i64, String);
/// When it was decided, in milliseconds since 1970, and the source's digest of it.
type Decided = (i64, Vec<u8>);
/// Table, segment, number, lower and upper end of a chunk.
type Cut = (String, i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

/// The state of the only run under a state folder.
struct State {
    decided: BTreeMap<Name, Decided>,
    /// Every chunk that was cut.
    cut: Vec<Cut>,
}

impl State {
    /// Reads a copy, so that opening it mends nothing for the run that is to resume it.
    fn of(state_dir: &Path) -> State {
        let runs: Vec<_> = fs::read_dir(state_dir.join("runs")).unwrap().collect();
        assert_eq!(runs.len(), 1, "resuming made a run of its own");
        let (run, copy) = (runs[0].as_ref().unwrap().path(), TempDir::new().unwrap());
        for file in fs::read_dir(run).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        State::read(&Connection::open(copy.path().join("state.sqlite")).unwrap()).unwrap()
    }

    fn read(db: &Connection) -> rusqlite::Result<State> {
        let mut done = db.prepare("SELECT tbl, segment, number, replica, at_ms, digest FROM done")?;
        let decided = |row: &rusqlite::Row<'_>| {
            Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?), (row.get(4)?, row.get(5)?)))
        };
        let mut cut = db.prepare("SELECT tbl, segment, number, lower, upper FROM chunk ORDER BY 1, 2, 3")?;
        let bounds = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        Ok(State {
            decided: done.query_map([], decided)?.collect::<Result<_, _>>()?,
            cut: cut.query_map([], bounds)?.collect::<Result<_, _>>()?,
        })
    }
}

/// Parts of a run, at random but told.
struct Moments(u64);

impl Moments {
    #[allow(clippy::print_stderr)]
    fn new(name: &str) -> Moments {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        eprintln!("{name}: killed at moments of seed {seed}");
        Moments(u64::from(seed))
    }

    /// One part, short of the very end, where a run might be over first. By the step of splitmix64.
    #[allow(clippy::print_stderr)]
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let part = 0.92 * (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64;
        eprintln!("killed at {part:.3} of the run");
        part
    }
}

/// Starts a run, kills it when that part of what an undisturbed run moves has been moved, and reads its state.
fn killed(site: &Site, vouch: Vouch, state: &Path, part: f64) -> State {
    let from = site.source.forwarded();
    let mut running = vouch.state_dir(state).spawn();
    site.at(from, &[part], || ());
    assert!(!running.ended(), "it was over before it could be killed");
    running.kill9();
    State::of(state)
}

/// Resumes to the end and holds the result, and what was looked at for it, against a run that nobody disturbed.
fn assert_resumes(site: &Site, state: &Path, before: &State, whole: &State) {
    let outcome: Outcome = site.vouch().live().args(&["--resume", "last"]).state_dir(state).run().assert_code(1);
    assert_eq!(essence(&outcome), essence(&site.calm));
    assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
    let after = State::of(state);
    for (name, decided) in &before.decided {
        assert_eq!(after.decided.get(name), Some(decided), "{name:?} was looked at again");
    }
    assert_eq!(outcome.document["coverage"]["resumed_chunks"], before.decided.len());
    let looked_at = outcome.stdout.lines().filter(|line| line.contains("\"event\":\"chunk-done\"")).count();
    assert_eq!(looked_at + before.decided.len(), whole.decided.len(), "chunks were looked at twice, or not at all");
    assert!(after.decided.keys().eq(whole.decided.keys()), "other chunks than those of an undisturbed run");
    assert_eq!(after.cut, whole.cut, "other chunks than those of an undisturbed run");
}

/// The state that an undisturbed run leaves.
fn undisturbed(site: &Site) -> State {
    let state = TempDir::new().unwrap();
    let outcome = site.vouch().state_dir(state.path()).run();
    assert_eq!(essence(&outcome), essence(&site.calm));
    let whole = State::of(state.path());
    assert!(whole.decided.len() > 100, "too few chunks to be killed among");
    whole
}

#[test]
fn a_killed_run_resumes_to_the_same_and_looks_at_no_chunk_twice() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let whole = undisturbed(&site);
        let mut moments = Moments::new(flavor.name());
        for _ in 0..5 {
            let state = TempDir::new().unwrap();
            let before = killed(&site, site.vouch(), state.path(), moments.next());
            assert_resumes(&site, state.path(), &before, &whole);
        }
    });
}

#[test]
fn a_run_may_be_killed_again_and_again() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let (whole, state) = (undisturbed(&site), TempDir::new().unwrap());
        let mut moments = Moments::new(flavor.name());
        let mut before = killed(&site, site.vouch(), state.path(), moments.next() / 5.0);
        for _ in 1..5 {
            let resumed = site.vouch().args(&["--resume", "last"]);
            let after = killed(&site, resumed, state.path(), moments.next() / 5.0);
            let kept = before.decided.iter().all(|(name, decided)| after.decided.get(name) == Some(decided));
            assert!(kept, "a chunk that was decided was looked at again");
            before = after;
        }
        assert_resumes(&site, state.path(), &before, &whole);
    });
}

#[test]
fn a_run_is_not_resumed_while_it_is_at_work() {
    let site = Site::new(vouch_testkit::Flavor::Mariadb);
    let (state, from) = (TempDir::new().unwrap(), site.source.forwarded());
    let running = site.vouch().state_dir(state.path()).spawn();
    site.at(from, &[0.3], || ());
    let second = site.vouch().args(&["--resume", "last"]).state_dir(state.path()).run().assert_code(2);
    assert!(second.stderr.contains("another process works on run"), "{}", second.stderr);
    assert_eq!(essence(&running.wait()), essence(&site.calm), "the second disturbed the first");
}
