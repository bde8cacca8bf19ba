//! The tour, as a user runs it: what it shows, and that it leaves nothing behind however it ends.

use crate::harness::Signal;
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::poll;

/// Rows of a tour that is over soon.
const ROWS: &str = "20000";

/// It takes a second; the rest is for a machine that has other things to do. A tour that waits for
/// servers which are gone already takes longer.
const SOON: Duration = Duration::from_secs(25);

/// A tour that is under way, with folders of its own.
struct Tour {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
    places: Places,
}

struct Places {
    /// Its temporary folder, in which nothing must be left.
    scratch: TempDir,
    /// Its current folder and home, in which the reports are left.
    here: TempDir,
}

/// What a tour left.
struct Left {
    code: Option<i32>,
    stdout: String,
    told: String,
    took: Duration,
    places: Places,
}

impl Tour {
    fn start(arguments: &[&str]) -> Tour {
        let places = Places { scratch: TempDir::new().unwrap(), here: TempDir::new().unwrap() };
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(["demo", "--report", "tour.html", "--report", "tour.json"]).args(arguments);
        command.current_dir(places.here.path()).env("TMPDIR", places.scratch.path());
        command.env("VOUCH_MYSQL_HOME", mysql_home()).env("HOME", places.here.path()).env_remove("VOUCH_CACHE");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Tour { child, stderr, told: String::new(), places }
    }

    /// Waits until it tells a line with `marker` in it.
    fn until(mut self, marker: &str) -> Tour {
        let mut line = String::new();
        while !line.contains(marker) {
            line.clear();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before {marker:?}: {}", self.told);
            self.told.push_str(&line);
        }
        self
    }

    fn signal(self, signal: Signal) -> Left {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.wait()
    }

    fn wait(self) -> Left {
        let Tour { child, mut stderr, mut told, places } = self;
        let since = Instant::now();
        stderr.read_to_string(&mut told).unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Left { code: output.status.code(), stdout, told, took: since.elapsed(), places }
    }
}

impl Left {
    /// Neither a process nor a folder, and in the current folder only what is named.
    fn assert_only(&self, reports: &[&str]) {
        self.assert_no_process();
        assert_eq!(names(self.places.scratch.path()), [""; 0], "{}", self.told);
        assert_eq!(names(self.places.here.path()), reports, "{}", self.told);
    }

    fn assert_no_process(&self) {
        let gone = || processes_with(self.places.scratch.path()).is_empty().then_some(());
        poll::until(SOON, Duration::from_millis(20), "the end of the servers", gone)
            .unwrap_or_else(|_| panic!("left: {:?}", processes_with(self.places.scratch.path())));
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.places.here.path().join("tour.json")).unwrap()).unwrap()
    }
}

fn mysql_home() -> PathBuf {
    let cached = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/vouch/mysql-9.7");
    env::var_os("VOUCH_MYSQL_HOME").map_or_else(cached, PathBuf::from)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The command lines of the machine's processes that name a path in `folder`.
fn processes_with(folder: &Path) -> Vec<String> {
    let lines =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(&folder.display().to_string())).collect()
}

fn shows_what_it_put_there(flavor: &[&str]) {
    let left = Tour::start(&[&["--rows", ROWS], flavor].concat()).wait();
    assert_eq!(left.code, Some(0), "{}\n{}", left.told, left.stdout);
    for line in ["rows differ in 6 tables on 1 replica", "blind to 6 of 6", "Found: exactly what was put there."] {
        assert!(left.stdout.contains(line), "{line:?} is missing: {}", left.stdout);
    }
    left.assert_only(&["tour.html", "tour.json"]);
    let report = left.report();
    let states =
        report["coverage"]["tables"].as_array().unwrap().iter().flat_map(|table| table["replicas"].as_array().unwrap());
    let differ: Vec<&Value> =
        states.filter(|replica| replica["state"] != "equal").map(|replica| &replica["replica"]).collect();
    assert_eq!(differ.len(), 6, "{differ:?}");
    assert!(differ.iter().all(|replica| *replica == differ[0]), "the other replica is not clean: {differ:?}");
}

#[test]
fn the_tour_finds_exactly_what_it_put_there() {
    shows_what_it_put_there(&[]);
}

#[test]
fn the_tour_runs_on_mysql_too() {
    shows_what_it_put_there(&["--mysql"]);
}

#[test]
fn an_interrupted_tour_leaves_nothing_behind() {
    for (marker, signal, code) in [
        ("starting a source", Signal::INT, 130),
        ("writing about", Signal::INT, 130),
        ("shop.accounts ", Signal::TERM, 143),
        ("waiting until", Signal::HUP, 129),
        ("from now on", Signal::INT, 130),
    ] {
        let left = Tour::start(&["--rows", "100000"]).until(marker).signal(signal);
        assert_eq!(left.code, Some(code), "at {marker:?}: {}", left.told);
        assert!(left.took < SOON, "at {marker:?} it took {:?}: {}", left.took, left.told);
        left.assert_only(&[]);
    }
}

#[test]
fn an_interrupted_comparison_leaves_its_report() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let left = Tour::start(&["--rows", "100000"]).until("rows compared").signal(signal);
        assert_eq!(left.code, Some(code), "{}", left.told);
        assert!(left.took < SOON, "it took {:?}: {}", left.took, left.told);
        assert_eq!(left.report()["verdict"], "interrupted");
        left.assert_only(&["tour.html", "tour.json"]);
    }
}

#[test]
fn a_killed_tour_leaves_no_process() {
    for marker in ["writing about", "from now on"] {
        let left = Tour::start(&["--rows", ROWS]).until(marker).signal(Signal::KILL);
        assert_eq!(left.code, None);
        left.assert_no_process();
    }
}

#[test]
fn a_tour_that_is_kept_ends_with_its_own_result() {
    let left = Tour::start(&["--rows", ROWS, "--keep"]).until("stay until Ctrl-C").signal(Signal::INT);
    assert_eq!(left.code, Some(0), "{}\n{}", left.told, left.stdout);
    left.assert_only(&["tour.html", "tour.json"]);
}
