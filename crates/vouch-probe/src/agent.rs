//! HAProxy's agent-check over TCP: [`Agent`] answers a line to whoever connects.
//!
//! Invariant: an answer comes from the last board. A client that sends nothing, or
//! slowly, holds one thread for a moment and nobody else.

use crate::protocol::{haproxy, query};
use crate::watch::Watch;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Threads that answer; each is busy for microseconds.
const THREADS: usize = 4;
/// How long a client may take to say what it asks about.
const PATIENCE: Duration = Duration::from_millis(20);
/// The longest question.
const LONGEST: usize = 512;

/// A port that answers agent-checks until it is dropped.
pub struct Agent {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Agent {
    /// Answers on `listener`. What a client does not say is taken from `otherwise`, a
    /// question such as `rw db1`.
    ///
    /// # Errors
    /// The listener cannot be shared by threads.
    pub fn start(listener: &TcpListener, watch: &Arc<Watch>, otherwise: &str) -> io::Result<Agent> {
        let (address, stop) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let threads = (0..THREADS).map(|_| {
            let (listener, watch, stop) = (listener.try_clone()?, Arc::clone(watch), Arc::clone(&stop));
            let otherwise = otherwise.to_owned();
            Ok(thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((client, _)) => answer(client, &watch, &otherwise),
                        // Such as too many open files: others have to end first.
                        Err(_) => thread::sleep(Duration::from_millis(10)),
                    }
                }
            }))
        });
        Ok(Agent { address, threads: threads.collect::<io::Result<_>>()?, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        for _ in &self.threads {
            // Each thread waits for a client; one that says nothing wakes it.
            let _ = TcpStream::connect_timeout(&address, Duration::from_millis(200));
        }
    }
}

/// A client that goes away in the middle is no fault of ours.
fn answer(mut client: TcpStream, watch: &Watch, otherwise: &str) {
    let _ = client.set_nodelay(true);
    let _ = client.set_write_timeout(Some(PATIENCE));
    let asked = question(&mut client);
    let asked = if asked.trim().is_empty() { otherwise.to_owned() } else { asked };
    let text = match query(&asked) {
        Ok(query) => haproxy::say(&watch.board(), &query).text,
        Err(word) => format!("# `{}` is not understood\n", crate::protocol::clean(&word)),
    };
    let _ = client.write_all(text.as_bytes());
    let _ = client.shutdown(std::net::Shutdown::Write);
}

/// What the client sends up to the end of a line, or until it pauses.
fn question(client: &mut TcpStream) -> String {
    let _ = client.set_read_timeout(Some(PATIENCE));
    let (mut said, mut buffer) = (Vec::new(), [0; LONGEST]);
    let until = Instant::now() + PATIENCE * 2;
    while said.len() < LONGEST && !said.contains(&b'\n') && Instant::now() < until {
        match client.read(&mut buffer) {
            Ok(length @ 1..) => said.extend_from_slice(&buffer[..length]),
            _ => break,
        }
        let _ = client.set_read_timeout(Some(PATIENCE / 4));
    }
    String::from_utf8_lossy(&said).into_owned()
}
