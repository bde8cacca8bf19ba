//! `cargo xtask tidy`: holds the invariants that ARCHITECTURE.md states.
//!
//! [`Project`] is what there is to look at, [`RULES`] the one list of what is
//! looked for; all rules run and everything is reported. A rule is a pure
//! function in a file of its own, tested with a small sample that breaks it.

mod allow;
mod exceptions;
mod rule;

use crate::metadata::Package;
use crate::source::Source;
use crate::tree::TextFile;
use crate::{Fault, function, metadata, tree};
use allow::Allow;
use std::fmt;

/// All that the rules look at.
#[derive(Debug, Default)]
struct Project {
    sources: Vec<Source>,
    texts: Vec<TextFile>,
    packages: Vec<Package>,
    allow: Allow,
}

/// A place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    path: String,
    /// Line, from 1; 0 when the whole file or crate is meant.
    line: usize,
    message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

fn complaint(path: &str, line: usize, message: impl Into<String>) -> Complaint {
    Complaint { path: path.to_owned(), line, message: message.into() }
}

type Rule = fn(&Project) -> Vec<Complaint>;

const RULES: &[Rule] = &[
    rule::imports::check,
    rule::offline::check,
    rule::sql::check,
    rule::writes::check,
    rule::serialize::check,
    rule::process::check,
    rule::results::check,
    rule::casts::check,
    rule::verdicts::check,
    rule::printing::check,
    rule::opening::check,
    rule::file_length::check,
    rule::function_length::check,
    rule::markers::check,
    rule::dead_code::check,
    rule::machine_paths::check,
    rule::manifest::check,
];

/// Runs every rule, prints what they found and how long functions are.
pub fn run() -> Result<(), Fault> {
    let project = load()?;
    let mut complaints: Vec<Complaint> = RULES.iter().flat_map(|rule| rule(&project)).collect();
    complaints.sort();
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("{}", sizes(&project));
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("tidy: {count} complaint(s)")),
    }
}

fn load() -> Result<Project, Fault> {
    let root = tree::root();
    let texts = tree::text_files(&root)?;
    let rust = texts.iter().filter(|file| file.path.ends_with(".rs"));
    let sources = rust.map(|file| Source::new(&file.path, &file.text)).collect();
    let list = texts.iter().find(|file| file.path == allow::PATH).map(|file| file.text.as_str());
    let allow = Allow::parse(list.unwrap_or_default())?;
    Ok(Project { sources, packages: metadata::read(&root)?.packages, texts, allow })
}

/// The sizes that the habits are about, as one line.
fn sizes(project: &Project) -> String {
    let lengths = rule::function_length::shipped_lengths(project);
    let large = project.sources.iter().filter(|source| source.length() > 250).count();
    format!(
        "tidy: {} files ({large} over 250 lines), {} functions outside tests: median {} lines, p90 {}, longest {}",
        project.sources.len(),
        lengths.len(),
        function::percentile(&lengths, 50),
        function::percentile(&lengths, 90),
        function::percentile(&lengths, 100),
    )
}

#[cfg(test)]
impl Project {
    /// A project of one Rust file.
    fn of(path: &str, text: &str) -> Self {
        Project { sources: vec![Source::new(path, text)], ..Project::default() }
    }

    /// A project of one file of any kind.
    fn of_text(path: &str, text: &str) -> Self {
        Project { texts: vec![TextFile { path: path.to_owned(), text: text.to_owned() }], ..Project::default() }
    }
}
