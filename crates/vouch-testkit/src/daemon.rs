//! A server process that cannot outlive the process that started it: [`Daemon`].
//!
//! Invariant: the kernel kills a server when its starter dies, by whatever
//! signal. The tie is to the *thread* that started it, so one thread that lives
//! as long as the process starts them all.

use crate::{Error, Result, poll};
use rustix::process::{Pid, Signal};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// A running server process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
}

struct Job {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();

impl Daemon {
    /// Starts `command` with no input and no output, out of reach of the terminal's Ctrl-C:
    /// it is for the starter to stop it in good order.
    pub(crate) fn start(command: &Command) -> Result<Daemon> {
        Daemon::start_with(command, Stdio::null())
    }

    /// The same with what it says on stdout.
    pub(crate) fn start_piped(command: &Command) -> Result<(Daemon, Option<ChildStdout>)> {
        let mut daemon = Daemon::start_with(command, Stdio::piped())?;
        let output = daemon.child.stdout.take();
        Ok((daemon, output))
    }

    fn start_with(command: &Command, output: Stdio) -> Result<Daemon> {
        let mut tied = Command::new("setpriv");
        tied.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        tied.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).process_group(0);
        let (answer, answered) = channel();
        let sent = spawner().send(Job { command: tied, answer });
        let child = sent.ok().and_then(|()| answered.recv().ok()).unwrap_or_else(|| Err(io::ErrorKind::Other.into()));
        let child = child.map_err(Error::io("starting setpriv (of util-linux)"))?;
        Ok(Daemon { child })
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal; to an ended server it is nothing.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.ended().is_some() {
            return Ok(());
        }
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).map_err(|errno| errno.into()).map_err(Error::io("sending a signal"))
    }

    /// Asks it to end and waits; after `patience` it is killed. True when it ended by itself.
    pub(crate) fn stop(&mut self, patience: Duration) -> Result<bool> {
        self.signal(Signal::CONT)?;
        self.signal(Signal::TERM)?;
        let waited = poll::until(patience, Duration::from_millis(10), "the server's end", || self.ended());
        if waited.is_err() {
            self.kill()?;
        }
        Ok(waited.is_ok())
    }

    /// Kills it on the spot and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait().map(|_| ()).map_err(Error::io("waiting for a killed server"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A server that cannot even be killed is the operating system's matter by now.
        let _ = self.kill();
    }
}

fn spawner() -> Sender<Job> {
    let shared = SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || {
            for mut job in jobs {
                // The asker may be gone; then the child is killed here rather than lost.
                if let Err(lost) = job.answer.send(job.command.spawn())
                    && let Ok(mut child) = lost.0
                {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        });
        Mutex::new(sender)
    });
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
