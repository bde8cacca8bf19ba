//! Answers over HTTP, shaped after Patroni's: 200 is yes, 503 is no, the body says why.
//!
//! Main type: [`Http`]. Invariant: a request reads the last board and nothing else;
//! no request ever waits for a database.

pub mod ask;
mod door;
mod page;

use crate::memory::Moment;
use crate::metrics;
use crate::protocol::{Query, Said};
use crate::watch::Watch;
use ask::Ask;
use axum::Router;
use axum::extract::{ConnectInfo, Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::{self, JoinHandle};
use tokio::sync::watch as channel;
use vouch_report::health::Board;

/// Renders boards as the public JSON, which is not known here.
pub trait Wire: Send + Sync {
    /// What is answered about one question, and why.
    fn answer(&self, board: &Board, query: &Query, yes: bool, why: &str) -> String;
    /// All that the page shows: the board, and what each protocol says about each node.
    fn board(&self, board: &Board, said: &[Spoken]) -> String;
    /// What verdicts rested on, for `vouch probe replay`.
    fn recording(&self, moments: &[Arc<Moment>]) -> String;
}

/// What one protocol says about one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The node.
    pub node: String,
    /// The protocol, with the question.
    pub protocol: &'static str,
    /// What is said.
    pub said: Said,
}

/// What every request may use.
struct Inner {
    watch: Arc<Watch>,
    wire: Arc<dyn Wire>,
    events: channel::Receiver<Arc<String>>,
    /// How many pages listen to the events.
    pages: Arc<AtomicUsize>,
    stop: channel::Receiver<bool>,
}

type Context = Arc<Inner>;

/// An HTTP server that answers until it is dropped.
pub struct Http {
    stop: channel::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    /// Answers on `listener` in a thread of its own.
    ///
    /// # Errors
    /// The listener cannot be used, or no thread can be started.
    pub fn start(listener: TcpListener, watch: Arc<Watch>, wire: Arc<dyn Wire>) -> io::Result<Http> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = channel::channel(false);
        let (sender, events) = channel::channel(Arc::new(String::new()));
        let pages = Arc::new(AtomicUsize::new(0));
        page::publish(Arc::downgrade(&watch), Arc::clone(&wire), Arc::clone(&pages), sender);
        let context = Arc::new(Inner { watch, wire, events, pages, stop: stopped.clone() });
        let thread = thread::Builder::new().name("http".to_owned()).spawn(move || {
            // What ends it is that the process stops, or that the port is taken away.
            let _ = runtime.block_on(door::serve(listener, router(context), stopped));
        })?;
        Ok(Http { stop, thread: Some(thread) })
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(page::html))
        .route("/page.css", get(page::css))
        .route("/page.js", get(page::script))
        .route("/events", get(page::events))
        .route("/board", get(page::board))
        .route("/facts", get(facts))
        .route("/metrics", get(prometheus))
        .route("/liveness", get(liveness))
        .route("/maintenance", post(maintenance))
        .route("/node/{node}/{ask}", any(about_node))
        .route("/{ask}", any(about))
        .with_state(context)
}

async fn about(
    shared: Shared<Context>,
    method: Method,
    Path(ask): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    judge(&shared.0, &method, None, &ask, query.as_deref(), &headers)
}

async fn about_node(
    shared: Shared<Context>,
    method: Method,
    Path((node, ask)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    judge(&shared.0, &method, Some(node), &ask, query.as_deref(), &headers)
}

fn judge(
    context: &Inner,
    method: &Method,
    node: Option<String>,
    ask: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Response {
    let Some(ask) = Ask::named(ask) else {
        return plain(StatusCode::NOT_FOUND, "no such question\n");
    };
    if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "ask with GET, HEAD or OPTIONS\n");
    }
    let state = headers.get("x-haproxy-server-state").and_then(|value| value.to_str().ok());
    let asked = match ask::query(ask, node, query, state) {
        Ok(asked) => asked,
        Err(problem) => return plain(StatusCode::BAD_REQUEST, &format!("{problem}\n")),
    };
    let board = context.watch.board();
    let (yes, why) = ask::answer(ask, &board, &asked, state);
    let body = context.wire.answer(&board, &asked, yes, &why);
    let status = StatusCode::from_u16(ask::status(yes)).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    with_type(status, "application/json", body)
}

async fn liveness(shared: Shared<Context>) -> Response {
    let alive = shared.0.watch.idle() < std::time::Duration::from_secs(5);
    let status = if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    plain(status, if alive { "alive\n" } else { "the judge has stopped\n" })
}

async fn facts(shared: Shared<Context>) -> Response {
    let recording = shared.0.wire.recording(&shared.0.watch.moments());
    with_type(StatusCode::OK, "application/json", recording)
}

async fn prometheus(shared: Shared<Context>) -> Response {
    with_type(StatusCode::OK, metrics::CONTENT_TYPE, metrics::text(&shared.0.watch.board()))
}

/// What a proxy adds to a request that it passes on.
const PASSED_ON: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Whether a request that changes something comes from somebody on this machine: not from a page of
/// another site, whose name may have been made to lead here, and not through a proxy that stands here.
fn is_of_this_machine(client: SocketAddr, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").filter(|host| is_local_name(host));
    let origin = match headers.contains_key("origin") {
        true => text("origin").is_some_and(|origin| host.is_some_and(|host| origin == format!("http://{host}"))),
        false => true,
    };
    let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    client.ip().is_loopback() && host.is_some() && origin && !passed_on
}

/// `localhost` or a loopback address, with or without a port.
fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Takes a node out with `?node=NAME&reason=WHY`, and puts it back with `?node=NAME&end`. Only from this
/// machine, and with a header that no page of another site can send.
async fn maintenance(
    shared: Shared<Context>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_of_this_machine(client, &headers) || !headers.contains_key("x-vouch-maintenance") {
        let text = "maintenance is set from this machine alone, not through a proxy, with the header \
                    X-Vouch-Maintenance: yes\n";
        return plain(StatusCode::FORBIDDEN, text);
    }
    let parts = ask::pairs(query.as_deref());
    let find = |name: &str| parts.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let Some(node) = find("node") else { return plain(StatusCode::BAD_REQUEST, "name a node: ?node=NAME\n") };
    let why = find("end").is_none().then(|| find("reason").unwrap_or_else(|| "taken out by hand".to_owned()));
    match shared.0.watch.maintain(&node, why) {
        true => plain(StatusCode::OK, "done\n"),
        false => plain(StatusCode::NOT_FOUND, "no node is called that\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    with_type(status, "text/plain; charset=utf-8", text.to_owned())
}

fn with_type(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn allowed(client: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        is_of_this_machine(client.parse().unwrap(), &headers.collect())
    }

    #[test]
    fn only_this_machine_changes_anything() {
        for host in ["localhost:8008", "127.0.0.1:8008", "127.0.0.1", "[::1]:8008", "LOCALHOST"] {
            let headers: HeaderMap = [("host".parse().unwrap(), host.parse().unwrap())].into_iter().collect();
            assert!(is_of_this_machine("127.0.0.1:4".parse().unwrap(), &headers), "{host}");
        }
        assert!(allowed("127.0.0.1:4", &[("host", "127.0.0.1:8008"), ("origin", "http://127.0.0.1:8008")]));
        for headers in [
            &[][..],
            &[("host", "evil.example")],
            &[("host", "localhost.evil.example:8008")],
            &[("host", "127.0.0.1:8008"), ("origin", "http://evil.example")],
            &[("host", "127.0.0.1:8008"), ("origin", "null")],
            &[("host", "127.0.0.1:8008"), ("x-forwarded-for", "10.0.0.9")],
            &[("host", "127.0.0.1:8008"), ("via", "1.1 proxy")],
        ] {
            assert!(!allowed("127.0.0.1:4", headers), "{headers:?}");
        }
        assert!(!allowed("10.0.0.9:4", &[("host", "127.0.0.1:8008")]));
    }
}
