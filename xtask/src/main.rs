//! Chores of the project: `cargo xtask tidy` and `cargo xtask docs [--check]`.
//!
//! Invariant: a chore writes nothing outside `docs/reference/`, and fails with
//! status 1 after it has said everything it has to say.

// A chore talks to the person at the terminal; it is no library.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod docs;
mod function;
mod lexer;
mod metadata;
mod source;
mod tidy;
mod tree;

use std::process::ExitCode;

/// What can go wrong with a chore, as a sentence for the person who ran it.
pub type Fault = String;

const USAGE: &str = "usage: cargo xtask tidy | cargo xtask docs [--check]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["docs"] => docs::run(docs::Mode::Write),
        ["docs", "--check"] => docs::run(docs::Mode::Check),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}
