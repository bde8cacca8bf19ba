//! Thousands of looks at what stalls, lies or closes early leave nothing behind.
//!
//! The only test of its program, so that nothing else opens files or takes memory meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fakes {
    #[allow(dead_code)]
    pub mod server;
}

use fakes::server::{Manner, fake, greeting, look};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use vouch_probe::Reach;

/// Threads that look at the same time.
const LOOKERS: usize = 8;
/// What an allocator may keep of its own accord, in KiB.
const SLACK: u64 = 4096;

/// Open files and resident memory, in KiB, of this process.
fn footprint() -> (usize, u64) {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    (files, line.split_whitespace().nth(1).unwrap().parse().unwrap())
}

/// The footprint once the fakes have noticed that nobody is there any more.
fn settled(limit: (usize, u64)) -> (usize, u64) {
    for _ in 0..200 {
        let now = footprint();
        if now.0 <= limit.0 && now.1 <= limit.1 {
            return now;
        }
        thread::sleep(Duration::from_millis(50));
    }
    footprint()
}

fn look_at_all(ports: &[u16], count: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..LOOKERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (facts, _) = look(ports[number % ports.len()], Duration::from_millis(5));
                    assert_ne!(facts.reach, Reach::Answers);
                }
            });
        }
    });
}

#[test]
fn ten_thousand_bad_looks_leave_nothing_behind() {
    let ports = [
        fake(Manner::Close(Vec::new())),
        fake(Manner::Close(vec![0xff; 300])),
        fake(Manner::Close(greeting()[..20].to_vec())),
        fake(Manner::Stall(greeting()[..30].to_vec())),
    ];
    let idle = footprint().0;
    look_at_all(&ports, 1_000);
    let (files, memory) = settled((idle, u64::MAX));
    assert_eq!(files, idle, "files stay open");
    look_at_all(&ports, 10_000);
    let after = settled((files, memory + SLACK));
    assert_eq!(after.0, files, "files stay open");
    assert!(after.1 <= memory + SLACK, "{} KiB, {memory} KiB before", after.1);
}
