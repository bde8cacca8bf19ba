//! Runs the built binary against servers and holds its result document against
//! what it must be: [`Vouch`] is a command, [`Outcome`] what it left.
//!
//! Invariants: a run never outlives its limit, or the test fails; whatever it
//! says on stdout with `--format json` is one document whose exit code is the
//! process's own.

use rustix::process::{Pid, kill_process};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::{DiffKind, Expected, FULL, Flavor, PASSWORD, RowKey, Server, Topology, mismatches, poll};

pub use rustix::process::Signal;

/// Time in which any run of a test must end, unless the test says otherwise.
const WITHIN: Duration = Duration::from_secs(120);

/// The two flavors, each in a thread of its own; what fails on either fails the test.
pub fn on_both(test: fn(Flavor)) {
    thread::scope(|scope| {
        let threads = Flavor::ALL.map(|flavor| (flavor, scope.spawn(move || test(flavor))));
        let failed = threads.map(|(flavor, thread)| thread.join().is_err().then(|| flavor.name()));
        let failed: Vec<&str> = failed.into_iter().flatten().collect();
        assert!(failed.is_empty(), "failed on {}", failed.join(" and "));
    });
}

/// The address of a server for the account that may do everything that vouch can use.
pub fn full(server: &Server) -> String {
    server.url(FULL, PASSWORD)
}

/// A command of vouch with a home and a folder for states of its own.
pub struct Vouch {
    home: TempDir,
    state: Option<PathBuf>,
    args: Vec<String>,
    format: Option<&'static str>,
    shell: Option<&'static str>,
    stdin: Stdio,
    within: Duration,
    keeps_state: bool,
    variables: Vec<(String, String)>,
}

impl Vouch {
    /// Any command.
    pub fn new(args: &[&str]) -> Vouch {
        let home = TempDir::new().expect("a folder for the run");
        Vouch {
            home,
            state: None,
            args: words(args),
            format: None,
            shell: None,
            stdin: Stdio::null(),
            variables: Vec::new(),
            within: WITHIN,
            keeps_state: true,
        }
    }

    /// `vouch compare` with JSON on stdout; no server is named yet.
    pub fn compare() -> Vouch {
        Vouch { format: Some("json"), ..Vouch::new(&["compare"]) }
    }

    /// `vouch checksum` and these words, with JSON on stdout; no server is named yet.
    pub fn checksum(words: &[&str]) -> Vouch {
        let vouch = Vouch::new(&["checksum"]).args(words);
        Vouch { format: Some("json"), keeps_state: false, ..vouch }
    }

    /// With another form of result, such as `percona`.
    pub fn format(self, format: &'static str) -> Vouch {
        Vouch { format: Some(format), ..self }
    }

    /// The same with events as they happen, for [`Running::until_it_says`]; the outcome holds the document all the same.
    pub fn live(self) -> Vouch {
        Vouch { format: Some("jsonl"), ..self }
    }

    /// The whole of a topology, every replica named, seen by the account that may do everything.
    /// It reads faster beside a load than by default, so that tests end sooner.
    pub fn of(topology: &Topology) -> Vouch {
        let vouch = Vouch::compare().args(&["--busy-share", "25%"]).source(&full(topology.source()));
        topology.replicas().iter().fold(vouch, |vouch, replica| vouch.replica(&full(replica)))
    }

    /// With this source.
    pub fn source(self, address: &str) -> Vouch {
        self.args(&["--source", address])
    }

    /// With one more replica.
    pub fn replica(self, address: &str) -> Vouch {
        self.args(&["--replica", address])
    }

    /// With more arguments.
    pub fn args(mut self, args: &[&str]) -> Vouch {
        self.args.extend(words(args));
        self
    }

    /// With states of runs kept in `dir`, so that another command can resume.
    pub fn state_dir(mut self, dir: &Path) -> Vouch {
        self.state = Some(dir.to_owned());
        self
    }

    /// With a file in its current folder, which is its home too.
    pub fn file(self, name: &str, text: &str) -> Vouch {
        std::fs::write(self.home.path().join(name), text).expect("a file for the run");
        self
    }

    /// Started by a shell after these words, which set its limits.
    pub fn after_shell(mut self, words: &'static str) -> Vouch {
        self.shell = Some(words);
        self
    }

    /// With this on its standard input.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Vouch {
        self.stdin = stdin.into();
        self
    }

    /// With a variable in its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Vouch {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another limit to its time.
    pub fn within(mut self, within: Duration) -> Vouch {
        self.within = within;
        self
    }

    /// Runs to the end.
    pub fn run(self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts it.
    pub fn spawn(self) -> Running {
        let mut command = match self.shell {
            Some(words) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("{words}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_vouch")]);
                shell
            }
            None => Command::new(env!("CARGO_BIN_EXE_vouch")),
        };
        command.args(&self.args).current_dir(self.home.path()).stdin(self.stdin);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("HOME", self.home.path()).env("COLUMNS", "100").envs(self.variables.iter().cloned());
        if let Some(format) = self.format {
            command.args(["--format", format]);
            if self.keeps_state {
                let state = self.state.clone().unwrap_or_else(|| self.home.path().join("state"));
                command.arg("--state-dir").arg(state);
            }
        }
        let mut child = command.spawn().expect("vouch starts");
        let stdout = Pipe::drain(child.stdout.take());
        let stderr = Pipe::drain(child.stderr.take());
        let started = Instant::now();
        let masked = self.args.iter().any(|arg| arg == "--exit-codes");
        Running { child, stdout, stderr, started, within: self.within, masked, _home: self.home }
    }
}

fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

/// What a pipe has said so far, read by a thread so that the process never waits for a reader.
struct Pipe {
    said: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Pipe {
    fn drain<R: Read + Send + 'static>(pipe: Option<R>) -> Pipe {
        let said = Arc::new(Mutex::new(Vec::new()));
        let text = Arc::clone(&said);
        let reader = thread::spawn(move || {
            let (mut pipe, mut buffer) = (pipe.expect("the pipe of a process"), [0; 8192]);
            // What a killed process leaves is as good as all.
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                text.lock().expect("the text").extend_from_slice(&buffer[..length]);
            }
        });
        Pipe { said, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("the text")).into_owned()
    }

    fn all(self) -> String {
        let ended = self.reader.join();
        ended.expect("the reader of a pipe");
        String::from_utf8_lossy(&self.said.lock().expect("the text")).into_owned()
    }
}

/// A command that has been started.
pub struct Running {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    started: Instant,
    within: Duration,
    masked: bool,
    _home: TempDir,
}

impl Running {
    /// Sends a signal; to an ended process it is nothing.
    pub fn signal(&mut self, signal: Signal) {
        if !self.ended() {
            kill_process(Pid::from_child(&self.child), signal).expect("a signal to vouch");
        }
    }

    /// Waits until `text` stands on its stdout; fails when it ends or its time is over before that.
    #[track_caller]
    pub fn until_it_says(&mut self, text: &str) {
        let said = poll::until(self.within, Duration::from_millis(5), text, || {
            let ended = self.ended();
            let said = self.stdout.so_far().contains(text);
            (said || ended).then_some(said)
        });
        assert!(matches!(said, Ok(true)), "never said {text}: {}\n{}", self.stdout.so_far(), self.stderr.so_far());
    }

    /// Kills it on the spot.
    pub fn kill9(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("vouch ends when it is killed");
    }

    /// The most memory that it has held so far, in KiB; `None` once it has ended.
    pub fn peak_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("vouch is a child").is_some()
    }

    /// Waits for its end. Past its limit it is killed and the test fails.
    pub fn wait(mut self) -> Outcome {
        let left = self.within.saturating_sub(self.started.elapsed());
        let ended = poll::until(left, Duration::from_millis(5), "the end of vouch", || self.ended().then_some(()));
        if ended.is_err() {
            self.signal(Signal::KILL);
        }
        let status = self.child.wait().expect("vouch is a child");
        let took = self.started.elapsed();
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        assert!(ended.is_ok(), "vouch hung for {took:?}\nstdout: {stdout}\nstderr: {stderr}");
        Outcome::new(status.code().unwrap_or(-1), stdout, stderr, took, self.masked)
    }
}

/// What a command left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
    /// From its start to its end.
    pub took: Duration,
    /// The result document; `Null` when there is none.
    pub document: Value,
}

impl Outcome {
    fn new(code: i32, stdout: String, stderr: String, took: Duration, masked: bool) -> Outcome {
        let last_event = || serde_json::from_str::<Value>(stdout.lines().last()?).ok()?.get("summary").cloned();
        let document: Value = serde_json::from_str(&stdout).ok().or_else(last_event).unwrap_or_default();
        // A plan is a document without a verdict, and the bit mask of another tool is in no document.
        if !document["exit_code"].is_null() && !masked {
            assert_eq!(document["exit_code"], code, "the document tells another exit code\n{stdout}\n{stderr}");
        }
        Outcome { code, stdout, stderr, took, document }
    }

    /// Fails unless it ended with `code`; shows everything that it said.
    #[track_caller]
    pub fn assert_code(self, code: i32) -> Outcome {
        assert_eq!(self.code, code, "after {:?}, stderr: {}\nstdout: {}", self.took, self.stderr, self.stdout);
        self
    }

    /// Fails unless it compared everything that it was asked to and found nothing.
    #[track_caller]
    pub fn assert_clean(self) -> Outcome {
        let outcome = self.assert_code(0);
        let states: Vec<String> = outcome.states();
        assert!(!states.is_empty() && states.iter().all(|state| state == "equal"), "{states:?}: {}", outcome.stdout);
        assert!(outcome.findings().is_empty() && outcome.errors().is_empty(), "{}", outcome.stdout);
        outcome
    }

    /// A list of the document; empty where there is none.
    pub fn list(&self, name: &str) -> &[Value] {
        self.document[name].as_array().map_or(&[], Vec::as_slice)
    }

    /// All findings.
    pub fn findings(&self) -> &[Value] {
        self.list("findings")
    }

    /// All failures to look.
    pub fn errors(&self) -> &[Value] {
        self.list("errors")
    }

    /// All skips.
    pub fn skips(&self) -> &[Value] {
        self.list("skips")
    }

    /// All notices.
    pub fn notices(&self) -> &[Value] {
        self.list("notices")
    }

    /// The tables that were compared, as the coverage lists them.
    pub fn tables(&self) -> &[Value] {
        self.document["coverage"]["tables"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The names of the tables that were compared, sorted.
    pub fn table_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tables().iter().filter_map(|table| table["table"].as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The pauses of the run.
    pub fn pauses(&self) -> &[Value] {
        self.document["coverage"]["pauses"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The state of every table on every replica.
    pub fn states(&self) -> Vec<String> {
        let replicas = self.tables().iter().filter_map(|table| table["replicas"].as_array()).flatten();
        replicas.filter_map(|replica| replica["state"].as_str().map(str::to_owned)).collect()
    }

    /// The rows found in `table`, on every replica.
    pub fn rows(&self, table: &str) -> Vec<Expected> {
        rows(self.findings().iter().filter(|finding| finding["table"] == table))
    }

    /// The rows found in `table` on the replica of that name.
    pub fn rows_on(&self, replica: &str, table: &str) -> Vec<Expected> {
        let here = |finding: &&Value| finding["table"] == table && finding["replica"] == replica;
        rows(self.findings().iter().filter(here))
    }

    /// Fails unless the findings in `table` are exactly these rows.
    #[track_caller]
    pub fn assert_rows(&self, table: &str, expected: &[Expected]) {
        let wrong = mismatches(expected, &self.rows(table));
        assert!(wrong.is_empty(), "{table}:\n{}\n{}", wrong.join("\n"), self.stdout);
    }

    /// The entries of the lists `findings`, `errors`, `skips` and `notices` that bear a code.
    pub fn coded(&self, code: &str) -> Vec<&Value> {
        let lists = ["findings", "errors", "skips", "notices"].map(|name| self.list(name));
        lists.into_iter().flatten().filter(|entry| entry["code"] == code).collect()
    }

    /// The one entry that bears a code; fails unless there is exactly one.
    #[track_caller]
    pub fn only(&self, code: &str) -> &Value {
        match self.coded(code)[..] {
            [entry] => entry,
            ref found => panic!("{} entries {code}: {}\n{}", found.len(), self.stdout, self.stderr),
        }
    }

    /// The one entry of that code about `table`; fails unless there is exactly one.
    #[track_caller]
    pub fn only_of(&self, code: &str, table: &str) -> &Value {
        match self.coded(code).into_iter().filter(|entry| entry["table"] == table).collect::<Vec<_>>()[..] {
            [entry] => entry,
            ref found => panic!("{} entries {code} of {table}: {}\n{}", found.len(), self.stdout, self.stderr),
        }
    }

    /// The codes of all findings, sorted, each once.
    pub fn finding_codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.findings().iter().filter_map(|finding| finding["code"].as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// Findings about rows as the kit words them; all others are left out.
fn rows<'a>(findings: impl Iterator<Item = &'a Value>) -> Vec<Expected> {
    let row = |finding: &Value| {
        let kind = match finding["code"].as_str()? {
            "row-source-only" => DiffKind::SourceOnly,
            "row-replica-only" => DiffKind::ReplicaOnly,
            "row-changed" => DiffKind::Changed,
            _ => return None,
        };
        let columns = if kind == DiffKind::Changed { texts(finding, "columns", "column") } else { Vec::new() };
        let (names, values) = (texts(finding, "key", "column"), texts(finding, "key", "value"));
        let key = match names.first() {
            Some(name) if name == "row digest" => RowKey::Multiset,
            _ => RowKey::Columns(names.into_iter().zip(values).collect()),
        };
        Some(Expected { kind, key, columns: sorted(columns), count: finding["count"].as_u64()? })
    };
    findings.filter_map(row).collect()
}

fn texts(finding: &Value, list: &str, field: &str) -> Vec<String> {
    let parts = finding[list].as_array().map_or(&[][..], Vec::as_slice);
    parts.iter().filter_map(|part| part[field].as_str().map(str::to_owned)).collect()
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}
