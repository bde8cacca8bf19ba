//! Who may come in, and how long they may take: [`serve`].
//!
//! Invariant: a probe that asks at once is answered at once, however many others hold
//! connections open and say nothing.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

/// Connections at a time. Far more than probes need, far fewer than a process may have files.
const GUESTS: usize = 128;

/// How long a client may take to send the head of a request, and stay without one. Load balancers
/// ask at once; a browser comes back with a new connection.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// The longest head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// After a failure to accept, such as too many open files, others have to end first.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers until `stop` says so.
pub async fn serve(listener: TcpListener, router: Router, mut stop: channel::Receiver<bool>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut guests = Guests::default();
    loop {
        tokio::select! {
            // A sender that is gone is as good as one that says so.
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => guests.admit(stream, client, &router),
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
}

/// A connection that is open.
struct Guest {
    task: JoinHandle<()>,
    has_asked: Arc<AtomicBool>,
}

/// Those who are connected, the oldest first.
#[derive(Default)]
struct Guests(VecDeque<Guest>);

impl Drop for Guests {
    fn drop(&mut self) {
        self.0.iter().for_each(|guest| guest.task.abort());
    }
}

impl Guests {
    /// Takes one more. Where all places are taken, the oldest that has never asked anything makes
    /// room, else the oldest.
    fn admit(&mut self, stream: TcpStream, client: SocketAddr, router: &Router) {
        self.0.retain(|guest| !guest.task.is_finished());
        if self.0.len() >= GUESTS {
            let silent = self.0.iter().position(|guest| !guest.has_asked.load(Ordering::Relaxed));
            if let Some(guest) = self.0.remove(silent.unwrap_or(0)) {
                guest.task.abort();
            }
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(answer(stream, client, router.clone(), Arc::clone(&has_asked)));
        self.0.push_back(Guest { task, has_asked });
    }
}

async fn answer(stream: TcpStream, client: SocketAddr, router: Router, has_asked: Arc<AtomicBool>) {
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(client));
        inner.call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or is too slow, is its own affair.
    drop(connection.await);
}
