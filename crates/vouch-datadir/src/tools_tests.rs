//! Tools that write what is tested.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether a tool is installed.
#[cfg(test)]
#[allow(clippy::print_stderr, reason = "whoever runs the tests without the tools is to know")]
pub(crate) fn has_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        eprintln!("{name} is not installed; what it writes is not tested");
    }
    found
}

/// What a tool makes of bytes.
#[cfg(test)]
pub(crate) fn through(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut tool = Command::new(command[0]);
    tool.args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut tool = tool.spawn().unwrap();
    let mut stdin = tool.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = tool.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}
