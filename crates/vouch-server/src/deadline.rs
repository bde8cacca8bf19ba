//! An end to each answer: [`Deadline`] cuts a connection whose server is not done in time.
//!
//! A limit on waiting for bytes does not end an answer that trickles: every byte begins it again.
//! One thread looks after all connections of the process, and is there only while there are any.
//! It shuts the socket down, which wakes whoever reads from it, through TLS as well.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use vouch_convert::millis;

/// How often connections are looked after: a fraction of the shortest limit that makes sense.
const ROUND: Duration = Duration::from_millis(100);

/// Milliseconds are counted from here; 0 is no time, so counting begins at 1.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of the last round: whoever begins again with each of millions of rows does not ask the clock.
static ROUND_MS: AtomicU64 = AtomicU64::new(1);

static WATCHED: Mutex<Watched> = Mutex::new(Watched { connections: Vec::new(), running: false });

struct Watched {
    connections: Vec<Weak<Connection>>,
    running: bool,
}

struct Connection {
    /// Any socket: what is asked of it here is the same for all kinds.
    socket: TcpStream,
    /// When it is cut; 0 while nothing is asked.
    due_ms: AtomicU64,
    cut: AtomicBool,
}

/// The end of what a connection is asked.
pub struct Deadline {
    connection: Arc<Connection>,
    limit: Duration,
}

impl Deadline {
    /// An end for each answer on the connection whose socket this is a handle of, `limit` after its question.
    pub fn of(socket: TcpStream, limit: Duration) -> Self {
        let connection = Arc::new(Connection { socket, due_ms: AtomicU64::new(0), cut: AtomicBool::new(false) });
        watch(&connection);
        Deadline { connection, limit }
    }

    /// Begins: something is asked now.
    pub fn begin(&self) {
        self.connection.due_ms.store(now_ms().saturating_add(millis(self.limit)), Ordering::Release);
    }

    /// Begins again, to the precision of a round: the answer has made progress.
    pub fn begin_again(&self) {
        let now = ROUND_MS.load(Ordering::Relaxed).saturating_add(millis(ROUND));
        self.connection.due_ms.store(now.saturating_add(millis(self.limit)), Ordering::Release);
    }

    /// Whether the connection was cut; nothing is asked any more.
    pub fn end(&self) -> bool {
        self.connection.due_ms.store(0, Ordering::Release);
        self.connection.cut.load(Ordering::Acquire)
    }

    /// Gives the answer to what is asked now all the time that it needs, for as long as `is_alive` says yes: it is
    /// asked each time that `pause` went by, and the connection is cut at the first no.
    ///
    /// # Errors
    /// Those of the system.
    pub fn wait_while(&self, pause: Duration, is_alive: impl Fn() -> bool + Send + 'static) -> io::Result<Patience> {
        self.connection.socket.set_read_timeout(None)?;
        self.connection.due_ms.store(0, Ordering::Release);
        let (answered, waits) = mpsc::channel::<()>();
        let connection = Arc::clone(&self.connection);
        let look = move || {
            while waits.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                // The answer may have arrived meanwhile: then the connection is asked other things by now.
                if !is_alive() && waits.try_recv() == Err(TryRecvError::Empty) {
                    return connection.cut();
                }
            }
        };
        thread::Builder::new().name("patience".to_owned()).spawn(look)?;
        Ok(Patience { _answered: answered })
    }

    /// The answer has begun: the usual limits hold from here.
    ///
    /// # Errors
    /// Those of the system.
    pub fn hurry(&self, read: Duration) -> io::Result<()> {
        self.begin();
        self.connection.socket.set_read_timeout(Some(read))
    }

    /// The time that an answer may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

/// Waiting for an answer without a limit, until this is dropped.
pub struct Patience {
    _answered: mpsc::Sender<()>,
}

fn now_ms() -> u64 {
    millis(BEGIN.elapsed()).saturating_add(1)
}

fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(connection: &Arc<Connection>) {
    let mut watched = watched();
    watched.connections.push(Arc::downgrade(connection));
    if !watched.running {
        watched.running = true;
        // The last round may be long past.
        ROUND_MS.store(now_ms(), Ordering::Relaxed);
        thread::spawn(look_after);
    }
}

fn look_after() {
    loop {
        thread::sleep(ROUND);
        let mut watched = watched();
        watched.connections.retain(|connection| connection.upgrade().is_some());
        if watched.connections.is_empty() {
            watched.running = false;
            return;
        }
        let now = now_ms();
        ROUND_MS.store(now, Ordering::Relaxed);
        for connection in watched.connections.iter().filter_map(Weak::upgrade) {
            connection.cut_after(now);
        }
    }
}

impl Connection {
    fn cut_after(&self, now_ms: u64) {
        let due_ms = self.due_ms.load(Ordering::Acquire);
        if due_ms != 0 && now_ms >= due_ms {
            self.cut();
        }
    }

    fn cut(&self) {
        if !self.cut.swap(true, Ordering::AcqRel) {
            // One that fails is closed already, and nobody waits for it.
            self.socket.shutdown(Shutdown::Both).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn whoever_reads_past_the_end_is_woken_and_nobody_before() {
        let (client, _server) = pair();
        let deadline = Deadline::of(client.try_clone().unwrap(), Duration::from_millis(300));
        deadline.begin();
        thread::sleep(Duration::from_millis(200));
        deadline.begin_again();
        thread::sleep(Duration::from_millis(200));
        assert!(!deadline.end(), "progress begins it again");
        thread::sleep(Duration::from_millis(400));
        assert!(!deadline.end(), "nothing was asked");
        deadline.begin();
        assert_eq!((&client).read(&mut [0]).unwrap(), 0);
        assert!(deadline.end());
    }
}
