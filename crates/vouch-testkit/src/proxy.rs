//! Faults on the way to a server: [`Proxy`], a TCP proxy on 127.0.0.1 that
//! delays, cuts, stalls, half-closes and refuses.
//!
//! Invariant: dropping it closes every connection through it.

use crate::{Error, Result, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A TCP proxy in front of a server's port.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    forwarded: AtomicU64,
    accepted: AtomicU64,
    cuts: AtomicU64,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// The port that new connections lead to.
    target: u16,
    /// The port that they lead to after so many more.
    then: Option<(u64, u16)>,
    /// Bytes until every connection is cut.
    budget: Option<u64>,
    /// Connections with a smaller number are held back.
    held_below: u64,
    links: Vec<Link>,
    stop: bool,
}

/// Both ends of a connection through the proxy, as long as data goes either way.
#[derive(Debug)]
struct Link {
    number: u64,
    /// Directions that have not ended.
    open: u8,
    client: TcpStream,
    server: TcpStream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    Delay(Duration),
    Refuse,
    Stall,
    Flood,
    Trickle,
}

impl Proxy {
    /// A proxy in front of `server`'s TCP port that passes everything.
    pub fn start(server: &Server) -> Result<Proxy> {
        Proxy::to_port(server.port())
    }

    /// A proxy in front of any port of 127.0.0.1.
    pub fn to_port(target: u16) -> Result<Proxy> {
        let listener = listen(0)?;
        let port = listener.local_addr().map_err(Error::io("the proxy's port"))?.port();
        let state =
            State { mode: Mode::Pass, target, then: None, budget: None, held_below: 0, links: Vec::new(), stop: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            forwarded: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&accepting, listener, port));
        Ok(Proxy { port, shared, acceptor: Some(acceptor) })
    }

    /// The proxy's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `mysql://user:password@127.0.0.1:port` through the proxy; both must be plain words.
    pub fn url(&self, user: &str, password: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Passes everything, also what was held back by [`Proxy::stall`] and [`Proxy::hold_links`].
    pub fn pass(&self) {
        self.shared.lock().held_below = 0;
        self.set(Mode::Pass);
    }

    /// Holds every piece of data back for `ms` milliseconds, in both directions.
    pub fn delay(&self, ms: u64) {
        self.set(Mode::Delay(Duration::from_millis(ms)));
    }

    /// New connections are refused by the operating system; those that are open go on.
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
    }

    /// Accepts connections, and forwards nothing on any until [`Proxy::pass`].
    pub fn stall(&self) {
        self.set(Mode::Stall);
    }

    /// Holds back everything on the connections that there are, and passes it on new ones.
    pub fn hold_links(&self) {
        self.shared.lock().held_below = self.shared.accepted.load(Ordering::Relaxed);
    }

    /// Answers each question, in the server's place, with a packet that has no end.
    pub fn flood(&self) {
        self.set(Mode::Flood);
    }

    /// Passes what the server sends a byte at a time, ten of them a second.
    pub fn trickle(&self) {
        self.set(Mode::Trickle);
    }

    /// Cuts all connections once, when `bytes` more have been forwarded over all of them; then passes on.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.lock().budget = Some(bytes);
    }

    /// Closes all connections now; new ones are taken as before.
    pub fn cut_now(&self) {
        self.shared.cut(&mut self.shared.lock());
    }

    /// Tells every client that the server will send no more, and leaves the other direction open.
    pub fn half_close(&self) {
        for link in &self.shared.lock().links {
            // A client that is gone already needs no telling.
            let _ = link.client.shutdown(Shutdown::Write);
        }
    }

    /// Leads new connections to another server, as a virtual IP does after a failover; those that are open stay.
    pub fn lead_to(&self, server: &Server) {
        self.lead_after(0, server);
    }

    /// The same once `connections` more have been taken, as a load balancer does.
    pub fn lead_after(&self, connections: u64, server: &Server) {
        self.shared.lock().then = Some((connections, server.port()));
    }

    /// Bytes forwarded so far, both directions.
    pub fn forwarded(&self) -> u64 {
        self.shared.forwarded.load(Ordering::Relaxed)
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Times that connections were cut so far.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }

    fn set(&self, mode: Mode) {
        self.shared.lock().mode = mode;
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stop = true;
            self.shared.cut(&mut state);
        }
        self.shared.changed.notify_all();
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl State {
    /// The port that the next connection leads to.
    fn next_target(&mut self) -> u16 {
        match &mut self.then {
            Some((0, port)) => {
                self.target = *port;
                self.then = None;
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        self.target
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, state: &mut State) {
        for link in state.links.drain(..) {
            let _ = link.client.shutdown(Shutdown::Both);
            let _ = link.server.shutdown(Shutdown::Both);
        }
        self.cuts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that one direction ended. Ends that nobody uses are closed: a test may
    /// open more connections, one after another, than a process may have files.
    fn ended(&self, number: u64) {
        let links = &mut self.lock().links;
        if let Some(at) = links.iter().position(|link| link.number == number) {
            links[at].open -= 1;
            if links[at].open == 0 {
                links.swap_remove(at);
            }
        }
    }

    /// Waits as long as the mode says; false when a connection must not forward any more.
    fn admit(&self, number: u64, bytes: u64) -> bool {
        let mut state = self.lock();
        while (state.mode == Mode::Stall || number < state.held_below) && !state.stop {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(left) = state.budget {
            state.budget = left.checked_sub(bytes);
            if state.budget.is_none() {
                self.cut(&mut state);
                return false;
            }
        }
        let (mode, stop) = (state.mode, state.stop);
        drop(state);
        if let Mode::Delay(delay) = mode {
            thread::sleep(delay);
        }
        !stop
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(Error::io("the proxy's port"))?;
    listener.set_nonblocking(true).map_err(Error::io("the proxy's port"))?;
    Ok(listener)
}

/// Takes connections until the proxy is dropped. Refusing means having no listener at all.
fn accept(shared: &Arc<Shared>, listener: TcpListener, port: u16) {
    let mut listener = Some(listener);
    loop {
        let (mode, stop) = {
            let state = shared.lock();
            (state.mode, state.stop)
        };
        if stop {
            return;
        }
        match (&listener, mode) {
            (Some(_), Mode::Refuse) => listener = None,
            (None, Mode::Refuse) => {}
            (None, _) => listener = listen(port).ok(),
            (Some(open), _) => match open.accept() {
                Ok((client, _)) => link(shared, client),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => listener = None,
            },
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Connects to the target and forwards both ways; a target that refuses closes the client's connection.
fn link(shared: &Arc<Shared>, client: TcpStream) {
    let target = shared.lock().next_target();
    let number = shared.accepted.fetch_add(1, Ordering::Relaxed);
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
    for stream in [&client, &server] {
        let _ = stream.set_nonblocking(false);
        let _ = stream.set_nodelay(true);
    }
    let clones = (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
    let (Ok(client_in), Ok(server_in), Ok(client_out), Ok(server_out)) = clones else { return };
    shared.lock().links.push(Link { number, open: 2, client, server });
    for (from, to, answers) in [(client_in, server_out, false), (server_in, client_out, true)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            pump(&shared, number, from, to, answers);
            shared.ended(number);
        });
    }
}

/// Forwards until one side ends, then ends the other. Answers are what the server sends.
fn pump(shared: &Shared, number: u64, mut from: TcpStream, mut to: TcpStream, answers: bool) {
    let mut buffer = [0_u8; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = length as u64;
        let piece = &buffer[..length];
        if !shared.admit(number, bytes) {
            break;
        }
        let mode = shared.lock().mode;
        let sent = match mode {
            Mode::Flood if answers => flood(shared, &mut to),
            Mode::Trickle if answers => trickle(shared, &mut to, piece),
            _ => to.write_all(piece),
        };
        if sent.is_err() {
            break;
        }
        shared.forwarded.fetch_add(bytes, Ordering::Relaxed);
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// Packets of the greatest length, each of which says that another one follows.
fn flood(shared: &Shared, to: &mut TcpStream) -> std::io::Result<()> {
    let payload = vec![0_u8; 0xFF_FFFF];
    for sequence in (0..=u8::MAX).cycle().skip(1) {
        if shared.lock().stop {
            break;
        }
        to.write_all(&[0xFF, 0xFF, 0xFF, sequence])?;
        to.write_all(&payload)?;
    }
    Ok(())
}

fn trickle(shared: &Shared, to: &mut TcpStream, piece: &[u8]) -> std::io::Result<()> {
    for byte in piece {
        let (mode, stop) = {
            let state = shared.lock();
            (state.mode, state.stop)
        };
        if stop {
            break;
        }
        to.write_all(&[*byte])?;
        if mode == Mode::Trickle {
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}
