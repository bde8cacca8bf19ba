//! Tools that write what is tested.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

/// What a tool makes of bytes.
#[cfg(test)]
pub(crate) fn through(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut tool = Command::new(command[0]);
    tool.args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let missing = |error| panic!("{}: {error}; script/servers backup installs it", command[0]);
    let mut tool = tool.spawn().unwrap_or_else(missing);
    let mut stdin = tool.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = tool.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}
