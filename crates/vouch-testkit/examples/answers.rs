//! Asks a daemon as fast as it answers and says how fast that is: for `script/bench probe`.
//!
//! `answers http|agent ADDRESS CLIENTS SECONDS` prints answers a second and the 99th
//! percentile of their time in ms. HTTP connections stay open, agent-checks do not.
#![allow(clippy::print_stdout)]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, address, clients, seconds] = arguments.as_slice() else {
        return Err("answers http|agent ADDRESS CLIENTS SECONDS".into());
    };
    let (clients, seconds): (usize, u64) = (clients.parse()?, seconds.parse()?);
    let asks = if kind == "http" { http } else { agent };
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut times: Vec<Duration> = Vec::new();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let address = address.clone();
            thread::spawn(move || asks(&address, until))
        })
        .collect();
    for thread in threads {
        times.extend(thread.join().map_err(|_| "a client panicked")??);
    }
    times.sort_unstable();
    let p99 = times.get(times.len().saturating_mul(99) / 100).copied().unwrap_or_default();
    println!("{} {:.2}", times.len() as u64 / seconds.max(1), p99.as_secs_f64() * 1000.0);
    Ok(())
}

fn http(address: &str, until: Instant) -> Outcome<Vec<Duration>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    while Instant::now() < until {
        let from = Instant::now();
        stream.write_all(b"GET /node/n1/read-only HTTP/1.1\r\nHost: b\r\n\r\n")?;
        read_response(&mut stream)?;
        times.push(from.elapsed());
    }
    Ok(times)
}

/// Reads the head, then as much as it says.
fn read_response(stream: &mut TcpStream) -> io::Result<()> {
    let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.extend_from_slice(&buffer[..length]);
        let head = String::from_utf8_lossy(&text);
        let Some((head, _)) = head.split_once("\r\n\r\n") else { continue };
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"));
        let body: usize = line.and_then(|line| line.split(':').nth(1)?.trim().parse().ok()).unwrap_or(0);
        if text.len() >= head.len() + 4 + body {
            return Ok(());
        }
    }
}

fn agent(address: &str, until: Instant) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let from = Instant::now();
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"ro n1\n")?;
        stream.read_to_end(&mut Vec::new())?;
        times.push(from.elapsed());
    }
    Ok(times)
}
