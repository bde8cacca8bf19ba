//! Manifests and signatures with a changed byte, cut short, or of another: each is refused.

use super::kit::{Desk, last_line};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use vouch_testkit::Server;

/// Bytes of the manifest that are flipped, spread over all of it.
const SAMPLE: usize = 200;
/// Runs at a time.
const RUNS: usize = 4;

/// A manifest and a signature that do not belong together.
struct Forgery {
    what: String,
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    // Every bit of a byte has its turn.
    changed[at] ^= 1 << (at % 8);
    changed
}

fn forgeries(manifest: &[u8], signature: &[u8]) -> Vec<Forgery> {
    let forgery = |what: String, manifest: &[u8], signature: &[u8]| Forgery {
        what,
        manifest: manifest.to_vec(),
        signature: signature.to_vec(),
    };
    let mut all = Vec::new();
    assert!(manifest.len() > SAMPLE && signature.len() == 64);
    for place in 0..SAMPLE {
        let at = place * manifest.len() / SAMPLE;
        all.push(forgery(format!("byte {at} of the manifest"), &flipped(manifest, at), signature));
    }
    for at in 0..signature.len() {
        all.push(forgery(format!("byte {at} of the signature"), manifest, &flipped(signature, at)));
    }
    for length in [0, 1, manifest.len() / 2, manifest.len() - 1] {
        all.push(forgery(format!("{length} bytes of the manifest"), &manifest[..length], signature));
    }
    for length in [0, 1, 32, 63] {
        all.push(forgery(format!("{length} bytes of the signature"), manifest, &signature[..length]));
    }
    all.push(forgery("a longer manifest".to_owned(), &[manifest, b"\n"].concat(), signature));
    all.push(forgery("a longer signature".to_owned(), manifest, &[signature, b"x"].concat()));
    all.push(forgery("no signature in 64 bytes".to_owned(), manifest, &[0; 64]));
    all
}

/// Every forgery ends with 2 and a word about the signature. Several run at once; who asks the server is
/// seen in its log by the caller.
pub fn every_forgery_is_refused(desk: &Desk, name: &str, server: &Server) {
    let all = forgeries(&desk.read(name), &desk.read(&format!("{name}.sig")));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let run = || {
            while let Some(forgery) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let own = format!("{:?}.json", thread::current().id());
                desk.write(&own, &forgery.manifest);
                desk.write(&format!("{own}.sig"), &forgery.signature);
                let outcome = desk.validate(&own, server, &[]);
                let last = last_line(&outcome);
                let about_signature = matches!(last["code"].as_str(), Some("bad-signature" | "unsigned"));
                assert!(outcome.code == 2 && about_signature, "{}: {} {last}", forgery.what, outcome.code);
            }
        };
        for _ in 0..RUNS {
            scope.spawn(run);
        }
    });
    assert!(next.into_inner() >= SAMPLE + 64);
}
