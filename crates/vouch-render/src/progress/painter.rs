//! The thread that draws a board on a terminal: [`Painter`].
//!
//! Invariant: it alone touches the terminal, and never while it holds the board's lock.

use super::board::{Scroll, Shared};
use crate::style::{Paint, Tone};
use crate::text::brief;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use vouch_convert::whole;

/// The time between two looks at the board.
const FRAME: Duration = Duration::from_millis(100);

/// Fits into 80 columns: rows and rate are written briefly.
const BAR: &str = "{bar:24.cyan/dim} {percent:>3} %  {rows} rows  {rate} rows/s  eta {eta}";
const BAR_PLAIN: &str = "{bar:24} {percent:>3} %  {rows} rows  {rate} rows/s  eta {eta}";
/// The same for bytes.
const BYTES: &str =
    "{bar:24.cyan/dim} {percent:>3} %  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  eta {eta}";
const BYTES_PLAIN: &str =
    "{bar:24} {percent:>3} %  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  eta {eta}";
/// While nothing is planned yet there is nothing to be a share of.
const START: &str = "{spinner} {msg}";

/// The longest that the end of a run waits for the terminal to take what is left.
const PATIENCE: Duration = Duration::from_millis(500);

/// The handle of the drawing thread.
pub(super) struct Painter {
    shared: Arc<Shared>,
}

impl Painter {
    /// Begins to draw `shared` on `target`. Where no thread can be had, nothing is drawn.
    pub(super) fn start(target: ProgressDrawTarget, paint: Paint, shared: Arc<Shared>) -> Self {
        let board = shared.clone();
        let draw = move || {
            Canvas::new(target, paint).run(&board);
            board.lock().left = true;
            board.bell.notify_all();
        };
        if std::thread::Builder::new().name("progress".to_owned()).spawn(draw).is_err() {
            shared.lock().left = true;
        }
        Painter { shared }
    }

    /// Draws what is left and takes the bar away. A terminal that takes nothing is
    /// given up, so that a run ends even then. Harmless when called again.
    pub(super) fn stop(&self) {
        let mut board = self.shared.lock();
        board.finished = true;
        self.shared.bell.notify_all();
        drop(self.shared.bell.wait_timeout_while(board, PATIENCE, |board| !board.left));
    }
}

/// The bar and the lines below it.
struct Canvas {
    paint: Paint,
    all: MultiProgress,
    bar: ProgressBar,
    status: Vec<ProgressBar>,
    planned: bool,
}

impl Canvas {
    fn new(target: ProgressDrawTarget, paint: Paint) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let bar = all.add(ProgressBar::new(0).with_style(style(START)));
        bar.set_message("looking around");
        Canvas { paint, all, bar, status: Vec::new(), planned: false }
    }

    fn run(mut self, shared: &Shared) {
        loop {
            let mut board = shared.lock();
            if !board.finished {
                board = shared.bell.wait_timeout(board, FRAME).unwrap_or_else(PoisonError::into_inner).0;
            }
            let finished = board.finished;
            let lines = board.take_lines();
            let (position, length) = board.position();
            let status = board.status();
            let bytes = board.counts_bytes();
            drop(board);
            self.scroll(&lines);
            if finished {
                break;
            }
            self.draw_status(&status);
            self.draw_bar(position, length, bytes);
        }
        for line in &self.status {
            line.finish_and_clear();
        }
        self.bar.finish_and_clear();
        // A terminal that is gone is no reason to fail.
        drop(self.all.clear());
    }

    fn scroll(&self, lines: &[Scroll]) {
        for line in lines {
            let tone = if line.damage { Tone::Bad } else { Tone::Warn };
            let code = self.paint.paint(tone, &format!("{:<18}", line.code));
            drop(self.all.println(format!("{code} {}", line.text)));
        }
    }

    fn draw_bar(&mut self, position: u64, length: u64, bytes: bool) {
        if length > 0 && !self.planned {
            self.planned = true;
            let template = match (bytes, self.paint.colour) {
                (false, true) => BAR,
                (false, false) => BAR_PLAIN,
                (true, true) => BYTES,
                (true, false) => BYTES_PLAIN,
            };
            self.bar.set_style(style(template).progress_chars("━━─"));
            self.bar.reset_eta();
        }
        if self.planned {
            self.bar.set_length(length);
            self.bar.set_position(position);
        }
        self.bar.tick();
    }

    fn draw_status(&mut self, lines: &[String]) {
        while self.status.len() > lines.len() {
            if let Some(line) = self.status.pop() {
                line.finish_and_clear();
                self.all.remove(&line);
            }
        }
        while self.status.len() < lines.len() {
            let line = self.all.add(ProgressBar::new(0).with_style(style("{wide_msg}")));
            self.status.push(line);
        }
        for (line, text) in self.status.iter().zip(lines) {
            line.set_message(self.paint.paint(Tone::Dim, text));
        }
    }
}

/// A style of a template of our own; the default style where it cannot be read.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rows", rows).with_key("rate", rate)
}

// A line that cannot be written is drawn again with the next frame.

fn rows(state: &ProgressState, out: &mut dyn Write) {
    let _ = write!(out, "{}/{}", brief(state.pos()), brief(state.len().unwrap_or_default()));
}

fn rate(state: &ProgressState, out: &mut dyn Write) {
    let _ = out.write_str(&brief(whole(state.per_sec())));
}
