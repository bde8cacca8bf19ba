//! Runs the built binary in a folder and an environment of its own: [`Vouch`].

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A folder that is home and current folder of the runs.
pub struct Vouch {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run left.
pub struct Outcome {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Vouch {
    /// An empty folder, an empty environment.
    pub fn new() -> Self {
        Vouch { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// With a file in the folder.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// With a variable in the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env_clear().env("HOME", self.path()).env("COLUMNS", "100").envs(self.variables.iter().cloned());
        command
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments))
    }

    /// Runs to the end, and returns the most memory that was held, in KiB.
    pub fn run_measured(&self, arguments: &[&str]) -> (Outcome, u64) {
        let (out, err) = (self.path().join("stdout"), self.path().join("stderr"));
        let mut command = self.command(arguments);
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let (mut child, mut peak) = (command.spawn().unwrap(), 0);
        let status = loop {
            peak = peak.max(peak_kib(child.id()).unwrap_or(0));
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let [stdout, stderr] = [out, err].map(|path| fs::read_to_string(path).unwrap());
        (Outcome { code: status.code().unwrap_or(-1), stdout, stderr }, peak)
    }

    /// Runs to the end as an account that may read no more than permissions say, from a place that it can reach.
    pub fn run_as_nobody(&self, arguments: &[&str]) -> Outcome {
        const NOBODY: u32 = 65_534;
        let (built, own) = (env!("CARGO_BIN_EXE_vouch"), self.path().join("vouch"));
        if !own.exists() {
            fs::hard_link(built, &own).or_else(|_| fs::copy(built, &own).map(drop)).unwrap();
        }
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let usual = self.command(arguments);
        let mut command = Command::new(own);
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if fs::metadata(self.path()).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        Outcome::of(command)
    }

    /// Runs, and holds the run to a usage error: code 2, nothing on stdout, and exactly
    /// this sentence and hint on stderr.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], message: &str, hint: &str) {
        let outcome = self.run(arguments);
        assert_eq!(outcome.stderr, format!("vouch: {message}\nhint: {hint}\n"), "{arguments:?}");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

impl Outcome {
    fn of(mut command: Command) -> Outcome {
        let output = command.output().unwrap();
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The most memory that a process has held so far, in KiB; `None` once it has ended.
pub fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
