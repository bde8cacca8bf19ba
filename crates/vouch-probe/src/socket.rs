//! The daemon's Unix socket: a line asks, the answer is an exit code, talk and text.
//!
//! `vouch probe` asks here before it looks itself. Invariant: both sides give up
//! within a moment, so that a daemon that hangs is as good as none.

use crate::protocol::{Format, Query, Said, query, say};
use crate::watch::Watch;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use vouch_convert::parse;
use vouch_report::health::Board;

const PATIENCE: Duration = Duration::from_millis(500);
/// The longest question.
const LONGEST: u64 = 1024;

/// Says what only others know how to write: the public JSON.
pub type Json = fn(&Board, &Query) -> Said;

/// A socket that answers until it is dropped, which removes it.
pub struct Socket {
    path: PathBuf,
    /// Device and number of the file, so that only it is ever removed.
    file: (u64, u64),
}

impl Socket {
    /// Answers at `path`. A socket that nobody answers on any more is replaced.
    ///
    /// # Errors
    /// Another daemon answers there, or the path cannot be used.
    pub fn start(path: &Path, watch: &Arc<Watch>, json: Json) -> io::Result<Socket> {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon answers there"));
        }
        match std::fs::symlink_metadata(path) {
            Ok(about) if about.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => {
                let what = "there is a file at that path that is not a socket, and it stays";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        let file = identity(path)?;
        let watch = Arc::downgrade(watch);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(watch) = watch.upgrade() else { return };
                // A client that is slow must not keep others waiting.
                thread::spawn(move || answer(client, &watch, json));
            }
        });
        Ok(Socket { path: path.to_owned(), file })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may have been removed by hand, or another daemon's may stand there by now.
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let about = std::fs::symlink_metadata(path)?;
    Ok((about.dev(), about.ino()))
}

/// A client that goes away in the middle is no fault of ours.
fn answer(client: UnixStream, watch: &Watch, json: Json) {
    let _ = client.set_read_timeout(Some(PATIENCE));
    let _ = client.set_write_timeout(Some(PATIENCE));
    let Ok(reader) = client.try_clone() else { return };
    let mut line = String::new();
    if BufReader::new(reader.take(LONGEST)).read_line(&mut line).is_err() {
        return;
    }
    let said = reply(&line, &watch.board(), json);
    let text = format!("{}\n{}\n{}", said.exit, said.talk.replace('\n', " "), said.text);
    let mut client = client;
    let _ = client.write_all(text.as_bytes());
}

fn reply(line: &str, board: &Board, json: Json) -> Said {
    let (format, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let known = Format::NAMES.iter().find(|(name, _)| *name == format).map(|(_, format)| *format);
    match (query(rest), known) {
        (Ok(query), Some(format)) => say(format, board, &query),
        (Ok(query), None) if format == "json" => json(board, &query),
        _ => Said { exit: 2, talk: "the daemon does not understand the question".to_owned(), ..Said::default() },
    }
}

/// Asks the daemon at `path`: a format's name and a question such as `rw db1`.
///
/// # Errors
/// Nobody answers there in time.
pub fn ask(path: &Path, format: &str, question: &str) -> io::Result<Said> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{format} {question}\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let mut parts = text.splitn(3, '\n');
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no answer");
    let exit = parts.next().and_then(parse).ok_or_else(malformed)?;
    let talk = parts.next().ok_or_else(malformed)?.to_owned();
    Ok(Said { exit, talk, text: parts.next().unwrap_or_default().to_owned() })
}
