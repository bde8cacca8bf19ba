//! What answers at a server's address and is none, or stops in the middle: the right
//! verdict within the deadline.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fakes {
    pub mod server;
}

use fakes::server::{Manner, fake, greeting, look, spec};
use std::thread;
use std::time::{Duration, Instant};
use vouch_probe::maintenance::Maintenance;
use vouch_probe::watch::{Plan, Watch};
use vouch_probe::{Policy, Reach};
use vouch_report::health::State;

#[test]
fn a_stall_at_any_byte_of_the_handshake_is_a_stalled_handshake() {
    let deadline = Duration::from_millis(250);
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
