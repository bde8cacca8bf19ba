//! How far a run is, for a person who watches: [`Progress`].
//!
//! Invariant: an engine thread never waits for the terminal. An event changes
//! the [`board::Board`] under a lock that is held for well under a microsecond;
//! one thread of the renderer looks at it ten times a second and draws.

mod board;
mod painter;
mod plain;

use crate::style::Paint;
use board::Shared;
use indicatif::ProgressDrawTarget;
use painter::Painter;
use plain::Plain;
use std::io::Write;
use vouch_report::{Event, Sink};

/// Shows the course of a run. Made for a terminal or for plain lines; which, its maker decides.
pub struct Progress {
    view: View,
}

enum View {
    Terminal { shared: std::sync::Arc<Shared>, painter: Painter },
    Plain(Plain),
}

impl Progress {
    /// A bar on stderr, which must be a terminal; it disappears with the run. Findings scroll above it.
    /// Coloured when `colour`.
    pub fn terminal(colour: bool) -> Self {
        Progress::on(ProgressDrawTarget::stderr(), colour)
    }

    /// One plain line for each finished table to `writer`, and nothing else.
    pub fn plain(writer: Box<dyn Write + Send>) -> Self {
        Progress { view: View::Plain(Plain::new(writer)) }
    }

    fn on(target: ProgressDrawTarget, colour: bool) -> Self {
        let shared = std::sync::Arc::new(Shared::default());
        let painter = Painter::start(target, Paint { colour }, shared.clone());
        Progress { view: View::Terminal { shared, painter } }
    }
}

impl Sink for Progress {
    fn emit(&self, event: &Event) {
        match &self.view {
            View::Plain(plain) => plain.take(event),
            View::Terminal { shared, painter } => {
                shared.lock().take(event);
                if matches!(event, Event::RunFinished(_)) {
                    painter.stop();
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let View::Terminal { painter, .. } = &self.view {
            painter.stop();
        }
    }
}

#[cfg(test)]
mod tests;
