//! The page on `/`: three files in the binary, and events that keep it live.

use super::{Context, Spoken, Wire, with_type};
use crate::protocol::{Format, Query, say};
use crate::watch::Watch;
use axum::extract::State as Shared;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, watch as channel};
use tokio_stream::{Stream, StreamExt};
use vouch_report::health::{Board, Service};

/// A page is told this often at most.
const PACE: Duration = Duration::from_millis(250);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn html() -> Response {
    let mut response = with_type(StatusCode::OK, "text/html; charset=utf-8", include_str!("page.html").to_owned());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

pub async fn css() -> Response {
    with_type(StatusCode::OK, "text/css; charset=utf-8", include_str!("page.css").to_owned())
}

pub async fn script() -> Response {
    with_type(StatusCode::OK, "text/javascript; charset=utf-8", include_str!("page.js").to_owned())
}

pub async fn board(shared: Shared<Context>) -> Response {
    let board = shared.0.watch.board();
    with_type(StatusCode::OK, "application/json", shared.0.wire.board(&board, &spoken(&board)))
}

/// Pages that may listen at a time: each holds a connection for as long as it is open.
const PAGES: usize = 32;

/// Sends the board now and whenever it has changed.
pub async fn events(shared: Shared<Context>) -> Response {
    let context = shared.0;
    if context.pages.load(Ordering::Relaxed) >= PAGES {
        return with_type(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "too many pages listen\n".to_owned());
    }
    let board = context.watch.board();
    let first = context.wire.board(&board, &spoken(&board));
    let (mut events, mut stop) = (context.events.clone(), context.stop.clone());
    let listening = Listening::begin(&context.pages);
    let (sender, receiver) = mpsc::channel::<Event>(2);
    tokio::spawn(async move {
        let _listening = listening;
        let mut text = Arc::new(first);
        while sender.send(Event::default().data(text.as_str())).await.is_ok() {
            tokio::select! {
                changed = events.changed() => if changed.is_err() { break },
                _ = stop.wait_for(|stop| *stop) => break,
            }
            text = Arc::clone(&events.borrow_and_update());
        }
    });
    let keep = KeepAlive::new().interval(Duration::from_secs(10));
    Sse::new(Received(receiver).map(Ok::<_, Infallible>)).keep_alive(keep).into_response()
}

/// A page that listens, as long as this lives.
struct Listening(Arc<AtomicUsize>);

impl Listening {
    fn begin(pages: &Arc<AtomicUsize>) -> Listening {
        pages.fetch_add(1, Ordering::Relaxed);
        Listening(Arc::clone(pages))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The receiving end of a channel as a stream.
struct Received(mpsc::Receiver<Event>);

impl Stream for Received {
    type Item = Event;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}

/// Renders the board for pages, as long as there are any. Ends with the watch.
pub fn publish(watch: Weak<Watch>, wire: Arc<dyn Wire>, pages: Arc<AtomicUsize>, sender: channel::Sender<Arc<String>>) {
    thread::spawn(move || {
        let mut seen_ms = 0;
        while let Some(watch) = watch.upgrade() {
            let board = watch.next(seen_ms, PACE);
            drop(watch);
            seen_ms = board.at_ms;
            if pages.load(Ordering::Relaxed) > 0 && sender.send(Arc::new(wire.board(&board, &spoken(&board)))).is_err()
            {
                return;
            }
            thread::sleep(PACE);
        }
    });
}

/// What every protocol answers about every node right now.
pub fn spoken(board: &Board) -> Vec<Spoken> {
    const ASKED: [(&str, Format, Service); 6] = [
        ("lb-text rw", Format::LbText, Service::Write),
        ("lb-text ro", Format::LbText, Service::Read),
        ("agent-check rw", Format::Haproxy, Service::Write),
        ("agent-check ro", Format::Haproxy, Service::Read),
        ("nagios rw", Format::Nagios, Service::Write),
        ("nagios ro", Format::Nagios, Service::Read),
    ];
    let of_node = |name: &str| {
        ASKED.map(|(protocol, format, service)| {
            let query = Query { node: Some(name.to_owned()), ..Query::of(service) };
            Spoken { node: name.to_owned(), protocol, said: say(format, board, &query) }
        })
    };
    board.nodes.iter().flat_map(|node| of_node(&node.name)).collect()
}
