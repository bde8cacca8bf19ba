//! A receiver of webhooks on 127.0.0.1 that writes down what is posted, and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// What was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The path.
    pub path: String,
    /// Headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Posted {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// Takes requests until it is dropped with its process.
pub struct Listener {
    port: u16,
    posted: Receiver<Posted>,
}

impl Listener {
    /// On any port; the first requests get these answers, all others 200.
    pub fn start(answers: &[u16]) -> Listener {
        Listener::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    /// On a port that was free a moment ago.
    pub fn on(socket: TcpListener, answers: &[u16]) -> Listener {
        let port = socket.local_addr().unwrap().port();
        let (sender, posted) = channel();
        let mut answers = VecDeque::from(answers.to_vec());
        thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let Some(request) = take(&stream) else { continue };
                let status = answers.pop_front().unwrap_or(200);
                if sender.send(request).is_err() {
                    return;
                }
                let answer = format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                (&stream).write_all(answer.as_bytes()).ok();
            }
        });
        Listener { port, posted }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All that was posted besides; for when the sender has ended.
    pub fn rest(&self) -> Vec<Posted> {
        self.posted.try_iter().collect()
    }
}

/// A port at which nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn take(stream: &TcpStream) -> Option<Posted> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Posted { path, headers, body: String::from_utf8(body).ok()? })
}
