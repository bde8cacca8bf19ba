//! Events as lines of JSON, as they happen: [`Jsonl`].
//!
//! Invariant: a line is written whole and flushed, and lines of several
//! threads never mix.

use super::event;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use vouch_report::{Event, Sink};

/// Writes one JSON object per event. Clones write to the same place.
#[derive(Clone)]
pub struct Jsonl {
    out: Arc<Mutex<Out>>,
}

struct Out {
    writer: Box<dyn Write + Send>,
    failed: Option<io::Error>,
    /// Set for good by the first failure: a reader must not see a gap between lines.
    closed: bool,
}

impl Jsonl {
    /// Lines go to `writer`.
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Jsonl { out: Arc::new(Mutex::new(Out { writer, failed: None, closed: false })) }
    }

    /// The error that ended the writing, once: after it, events are dropped.
    pub fn take_error(&self) -> Option<io::Error> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).failed.take()
    }
}

impl Sink for Jsonl {
    fn emit(&self, event: &Event) {
        let Some(mut line) = event::line(event) else { return };
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.closed {
            return;
        }
        let written = out.writer.write_all(line.as_bytes()).and_then(|()| out.writer.flush());
        if let Err(error) = written {
            out.failed = Some(error);
            out.closed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Takes a number of bytes, then fails for a while.
    struct Pipe {
        taken: Arc<Mutex<Vec<u8>>>,
        fail_at: usize,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.taken.lock().unwrap();
            if self.fail_at > 0 && taken.len() >= self.fail_at {
                self.fail_at = 0;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_failed_write_nothing_more_is_written_and_the_error_is_kept() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sink = Jsonl::new(Box::new(Pipe { taken: taken.clone(), fail_at: 1 }));
        let other = sink.clone();
        for _ in 0..3 {
            other.emit(&Event::TableFinished { table: "a.b".to_owned() });
        }
        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "{\"schema\":1,\"event\":\"table-finished\",\"table\":\"a.b\"}\n");
        assert_eq!(sink.take_error().unwrap().kind(), io::ErrorKind::BrokenPipe);
        assert!(sink.take_error().is_none());
    }
}
