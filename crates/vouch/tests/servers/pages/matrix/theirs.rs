//! What the server's own innochecksum makes of a file, in one word.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use vouch_testkit::Dist;

/// What it makes of a healthy file.
pub const PASSES: &str = "passes";

/// `found`, `MISSED`, `refuses` or that it crashed; of `healthy` files that it passes them or does not.
pub fn theirs(dist: &Dist, path: &Path, healthy: bool) -> String {
    let output = dist.innochecksum().arg(path).output().unwrap();
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    // "Fail: page 4 invalid", "Fail; page 4 invalid"
    let accuses = words.contains("invalid");
    match output.status.signal() {
        Some(signal) => format!("CRASHED (signal {signal})"),
        None if output.status.success() && healthy => PASSES.to_owned(),
        None if output.status.success() => "MISSED".to_owned(),
        None if healthy => "accuses healthy files".to_owned(),
        None if accuses => "found".to_owned(),
        None => "refuses".to_owned(),
    }
}
