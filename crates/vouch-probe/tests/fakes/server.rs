//! What answers at a server's address and is none: [`fake`], in the [`Manner`] that is asked for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use vouch_probe::NodeFacts;
use vouch_probe::collect::{Collector, NodeSpec};
use vouch_server::{Defaults, DefaultsRequest, Target};

/// A greeting as a server sends it.
pub fn greeting() -> Vec<u8> {
    let mut body = vec![10];
    body.extend_from_slice(b"9.7.0\0");
    body.extend_from_slice(&[7, 0, 0, 0]);
    body.extend_from_slice(b"12345678\0");
    body.extend_from_slice(&[0xff, 0xf7, 45, 2, 0, 0xff, 0xdf, 21]);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(b"123456789012\0caching_sha2_password\0");
    let mut packet = vec![body.len() as u8, 0, 0, 0];
    packet.extend(body);
    packet
}

/// What a fake does with a connection.
#[derive(Clone)]
pub enum Manner {
    /// Sends this and then nothing.
    Stall(Vec<u8>),
    /// Sends this and closes.
    Close(Vec<u8>),
    /// Sends a byte now and then, for ever.
    Trickle(Vec<u8>),
}

/// A port that behaves like that until the process ends.
pub fn fake(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let manner = manner.clone();
            thread::spawn(move || behave(stream, manner));
        }
    });
    port
}

fn behave(mut stream: TcpStream, manner: Manner) {
    let until_closed = |mut stream: TcpStream| while matches!(stream.read(&mut [0; 64]), Ok(1..)) {};
    match manner {
        Manner::Close(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Manner::Stall(bytes) => {
            let _ = stream.write_all(&bytes);
            until_closed(stream);
        }
        Manner::Trickle(bytes) => {
            for byte in bytes.into_iter().cycle() {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

pub fn spec(port: u16) -> NodeSpec {
    let defaults = Defaults::load(&DefaultsRequest::default()).unwrap();
    let target = Target::parse(&format!("mysql://u:p@127.0.0.1:{port}/?ssl-mode=disabled"), &defaults).unwrap();
    NodeSpec { name: "fake".into(), target, admin_port: None, heartbeat: None, lastcheck: false }
}

pub fn look(port: u16, deadline: Duration) -> (NodeFacts, Duration) {
    let from = Instant::now();
    let facts = Collector::new(spec(port), deadline).look(&NodeFacts::default(), &|_| ());
    (facts, from.elapsed())
}
