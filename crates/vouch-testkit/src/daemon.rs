//! A server process that cannot outlive the process that started it: [`Daemon`].
//!
//! Invariants: the kernel kills a server when its starter dies, by whatever
//! signal. The tie is to the *thread* that started it, so one thread that lives
//! as long as the process starts them all. After [`end_all`] none runs and none
//! can be started.

use crate::{Error, Fence, Result, poll};
use rustix::process::{Pid, Signal};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How long a program that is run to its end may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A running server process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    pid: u32,
    child: Arc<Mutex<Child>>,
}

/// Every daemon of this process.
#[derive(Default)]
struct Register {
    running: Vec<Weak<Mutex<Child>>>,
    closed: bool,
}

struct Job {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
static REGISTER: Mutex<Register> = Mutex::new(Register { running: Vec::new(), closed: false });

/// Kills every server and program that the kit has started in this process, and refuses to start
/// another from now on: whoever waits for one gets an error at once and cleans up. For a process
/// that was told to end while its threads are busy.
pub fn end_all() {
    let mut register = register();
    register.closed = true;
    for child in register.running.drain(..).filter_map(|child| child.upgrade()) {
        // One that is gone already is what is wanted.
        let _ = kill_group(&mut locked(&child));
    }
}

impl Daemon {
    /// Starts `command` with no input and no output, out of reach of the terminal's Ctrl-C:
    /// it is for the starter to stop it in good order.
    pub(crate) fn start(command: &Command, fence: Option<&Fence>) -> Result<Daemon> {
        Daemon::start_with(command, Stdio::null(), fence)
    }

    /// The same with what it says on stdout.
    pub(crate) fn start_piped(command: &Command) -> Result<(Daemon, Option<ChildStdout>)> {
        let daemon = Daemon::start_with(command, Stdio::piped(), None)?;
        let output = locked(&daemon.child).stdout.take();
        Ok((daemon, output))
    }

    fn start_with(command: &Command, output: Stdio, fence: Option<&Fence>) -> Result<Daemon> {
        let mut tied = Command::new("setpriv");
        tied.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        tied.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).process_group(0);
        let (answer, answered) = channel();
        let spawner = match fence {
            Some(fence) => fenced_spawner(fence.clone()),
            None => spawner(),
        };
        let sent = spawner.send(Job { command: tied, answer });
        let child = sent.ok().and_then(|()| answered.recv().ok()).unwrap_or_else(|| Err(io::ErrorKind::Other.into()));
        enter(child.map_err(Error::io("starting setpriv (of util-linux)"))?)
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        locked(&self.child).try_wait().ok().flatten()
    }

    /// Sends a signal; to an ended server it is nothing.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        let mut child = locked(&self.child);
        if child.try_wait().ok().flatten().is_some() {
            return Ok(());
        }
        let pid = Pid::from_child(&child);
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

    /// Waits for its end, for at most ten minutes.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        // Not under the lock, which `end_all` needs.
        poll::until(PATIENCE, Duration::from_millis(10), "a program's end", || self.ended())
    }

    /// Kills it, and what it started, on the spot and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<()> {
        kill_group(&mut locked(&self.child)).map_err(Error::io("killing a server"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A server that cannot even be killed is the operating system's matter by now.
        let _ = self.kill();
    }
}

/// Takes a daemon into the register, unless that is closed.
fn enter(child: Child) -> Result<Daemon> {
    let daemon = Daemon { pid: child.id(), child: Arc::new(Mutex::new(child)) };
    let mut register = register();
    if register.closed {
        return Err(Error::Unfit("everything was told to end".to_owned()));
    }
    register.running.retain(|child| child.strong_count() > 0);
    register.running.push(Arc::downgrade(&daemon.child));
    Ok(daemon)
}

fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every daemon leads a process group of its own.
fn kill_group(child: &mut Child) -> io::Result<()> {
    if child.try_wait()?.is_none() {
        rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL)?;
        child.wait()?;
    }
    Ok(())
}

fn spawner() -> Sender<Job> {
    let shared = SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || jobs.iter().for_each(spawn));
        Mutex::new(sender)
    });
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A spawner of its own for what runs inside a fence, which its thread can never leave.
/// The thread outlives its one job: the process that it starts is tied to it.
fn fenced_spawner(fence: Fence) -> Sender<Job> {
    let (sender, jobs) = channel::<Job>();
    thread::spawn(move || {
        let Ok(job) = jobs.recv() else { return };
        match fence.enter() {
            Ok(_) => spawn(job),
            Err(error) => drop(job.answer.send(Err(io::Error::other(error.to_string())))),
        }
        loop {
            thread::park();
        }
    });
    sender
}

fn spawn(mut job: Job) {
    // The asker may be gone; then the child is killed here rather than lost.
    if let Err(lost) = job.answer.send(job.command.spawn())
        && let Ok(mut child) = lost.0
    {
        let _ = child.kill();
        let _ = child.wait();
    }
}
