//! What has come from the outside so far, and why it stopped: [`Meter`], [`Tap`].

use crate::books::Books;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use vouch_convert::widen;
use vouch_report::Event;

/// Bytes between two words about progress.
const STEP: u64 = 4 << 20;

/// Counts the bytes of an input.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read: AtomicU64,
    refused: Mutex<Refused>,
}

/// Why the system gave no more.
#[derive(Debug, Default)]
enum Refused {
    #[default]
    Never,
    Unreported(io::Error),
    Reported,
}

/// What the system has to do with a failure.
#[derive(Debug)]
pub(super) enum InputEnd {
    /// Nothing: the bytes themselves are at fault.
    None,
    /// It gave no more, for this reason.
    Now(io::Error),
    /// The same, and that was reported before.
    Before,
}

impl Meter {
    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether the system gave no more. Each reason is handed out once.
    pub(super) fn refusal(&self) -> InputEnd {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *refused, Refused::Reported) {
            Refused::Never => {
                *refused = Refused::Never;
                InputEnd::None
            }
            Refused::Unreported(error) => InputEnd::Now(error),
            Refused::Reported => InputEnd::Before,
        }
    }

    fn refuse(&self, error: &io::Error) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*refused, Refused::Never) {
            *refused = Refused::Unreported(io::Error::new(error.kind(), error.to_string()));
        }
    }
}

/// An input that is measured, and ends when the run is to stop.
pub(super) struct Tap<'a, R> {
    pub input: R,
    pub file: &'a str,
    pub meter: &'a Meter,
    pub books: &'a Books<'a>,
    pub reported: u64,
}

impl<R: Read> Read for Tap<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.books.is_stopped() {
            return Err(io::Error::other("stopped"));
        }
        match self.input.read(buffer) {
            Ok(read) => {
                self.books.wait(widen(read));
                let bytes = self.meter.read.fetch_add(widen(read), Ordering::Relaxed) + widen(read);
                if bytes - self.reported >= STEP || read == 0 && bytes > self.reported {
                    let part = bytes - self.reported;
                    self.books.emit(&Event::FileRead { file: self.file.to_owned(), bytes: part });
                    self.reported = bytes;
                }
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.meter.refuse(&error);
                Err(error)
            }
        }
    }
}
