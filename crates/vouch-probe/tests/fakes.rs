//! What answers at a server's address and is none, or stops in the middle: the right
//! verdict within the deadline, and nothing is left behind after thousands of looks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vouch_probe::collect::{Collector, NodeSpec};
use vouch_probe::maintenance::Maintenance;
use vouch_probe::watch::{Plan, Watch};
use vouch_probe::{NodeFacts, Policy, Reach};
use vouch_report::health::State;
use vouch_server::{Defaults, DefaultsRequest, Target};

/// A greeting as a server sends it.
fn greeting() -> Vec<u8> {
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
enum Manner {
    /// Sends this and then nothing.
    Stall(Vec<u8>),
    /// Sends this and closes.
    Close(Vec<u8>),
    /// Sends a byte now and then, for ever.
    Trickle(Vec<u8>),
}

/// A port that behaves like that until the process ends.
fn fake(manner: Manner) -> u16 {
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

fn spec(port: u16) -> NodeSpec {
    let defaults = Defaults::load(&DefaultsRequest::default()).unwrap();
    let target = Target::parse(&format!("mysql://u:p@127.0.0.1:{port}/?ssl-mode=disabled"), &defaults).unwrap();
    NodeSpec { name: "fake".into(), target, admin_port: None, heartbeat: None, lastcheck: false }
}

fn look(port: u16, deadline: Duration) -> (NodeFacts, Duration) {
    let from = Instant::now();
    let facts = Collector::new(spec(port), deadline).look(&NodeFacts::default(), &|_| ());
    (facts, from.elapsed())
}

#[test]
fn a_stall_at_any_byte_of_the_handshake_is_a_stalled_handshake() {
    let deadline = Duration::from_millis(150);
    thread::scope(|scope| {
        for length in 0..=greeting().len() {
            scope.spawn(move || {
                let (facts, took) = look(fake(Manner::Stall(greeting()[..length].to_vec())), deadline);
                assert_eq!(facts.reach, Reach::HandshakeStalled, "after {length} bytes: {}", facts.error);
                assert!(took < deadline * 8, "after {length} bytes: {took:?}");
            });
        }
    });
}

#[test]
fn a_close_at_any_byte_and_garbage_are_a_broken_handshake() {
    let deadline = Duration::from_secs(5);
    let mut manners: Vec<Vec<u8>> = (0..greeting().len()).map(|length| greeting()[..length].to_vec()).collect();
    manners.push(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    manners.push(vec![0xff; 2000]);
    manners.push(vec![0; 2000]);
    for bytes in manners {
        let (facts, _) = look(fake(Manner::Close(bytes.clone())), deadline);
        assert!(
            matches!(facts.reach, Reach::HandshakeBroken | Reach::Refused),
            "{:?} {} {bytes:?}",
            facts.reach,
            facts.error
        );
    }
}

#[test]
fn a_trickle_is_judged_by_the_deadline_not_by_its_bytes() {
    let plan = Plan {
        nodes: vec![spec(fake(Manner::Trickle(vec![200, 0, 0, 0, 10])))],
        policy: Policy { fall: 1, ..Policy::default() },
        interval: Duration::from_millis(100),
        deadline: Duration::from_millis(400),
        own: None,
        maintenance: Maintenance::default(),
        drift: None,
    };
    let from = Instant::now();
    let watch = Watch::start(plan);
    let board = watch.first(Duration::from_secs(5));
    assert!(from.elapsed() < Duration::from_secs(2), "{:?}", from.elapsed());
    let answer = &board.nodes[0].read;
    assert_eq!((answer.state, answer.tag()), (State::Down, "handshake_stalled".to_owned()));
}

/// Open files and resident memory, in KiB, of this process.
fn footprint() -> (usize, u64) {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    (files, line.split_whitespace().nth(1).unwrap().parse().unwrap())
}

#[test]
fn ten_thousand_bad_looks_leave_nothing_behind() {
    let ports = [
        fake(Manner::Close(Vec::new())),
        fake(Manner::Close(vec![0xff; 300])),
        fake(Manner::Close(greeting()[..20].to_vec())),
        fake(Manner::Stall(greeting()[..30].to_vec())),
    ];
    let rounds = |count: usize| {
        let next = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::Relaxed) < count {
                        let port = ports[next.load(Ordering::Relaxed) % ports.len()];
                        let (facts, _) = look(port, Duration::from_millis(5));
                        assert_ne!(facts.reach, Reach::Answers);
                    }
                });
            }
        });
    };
    rounds(1_000);
    let (files, memory) = footprint();
    rounds(10_000);
    let settled = |limit: usize| {
        (0..100).any(|_| {
            thread::sleep(Duration::from_millis(50));
            footprint().0 <= limit
        })
    };
    // Other tests of this file run beside it and hold some files of their own.
    assert!(settled(files + 150), "{files} files before, {} after", footprint().0);
    let grown = footprint().1.saturating_sub(memory);
    assert!(grown < 20_000, "{grown} KiB more than before");
}
