//! `cargo xtask docs [--check]`: the generated pages of `docs/reference/`.
//!
//! [`PAGES`] is the list of them. With `--check` nothing is written, and a
//! page that is not what would be written is a fault.

mod cli;
mod codes;
mod exit_codes;

use crate::{Fault, tree};
use std::path::Path;

/// Whether pages are written or looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write what is stale.
    Write,
    /// Fail when a page is stale.
    Check,
}

type Page = fn() -> Result<String, Fault>;

const PAGES: &[(&str, Page)] = &[
    ("docs/reference/codes.md", || Ok(codes::page())),
    ("docs/reference/exit-codes.md", || Ok(exit_codes::page())),
    ("docs/reference/cli.md", cli::page),
];

/// Brings every page up to date, or says which are not.
pub fn run(mode: Mode) -> Result<(), Fault> {
    let root = tree::root();
    let mut stale = Vec::new();
    for (path, page) in PAGES {
        let wanted = page()?;
        if std::fs::read_to_string(root.join(path)).ok().as_deref() != Some(&wanted) {
            stale.push(*path);
            if mode == Mode::Write {
                write(&root.join(path), &wanted)?;
            }
        }
    }
    if mode == Mode::Check && !stale.is_empty() {
        return Err(format!("stale: {}: run `cargo xtask docs`", stale.join(", ")));
    }
    for path in stale {
        println!("wrote {path}");
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(fault)?;
    std::fs::write(path, text).map_err(fault)
}
