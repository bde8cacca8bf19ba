//! The result of `vouch pages` in the lines that `mysqlbackup validate` left behind.

use crate::text::clip;
use vouch_report::{FileCoverage, Finding, Summary, Verdict};

/// Bytes of a name or a message.
const LONGEST: usize = 1_000;

/// A line for each damaged file, what was found beside bad pages, and how it ended.
pub fn lines(summary: &Summary) -> String {
    let files = &summary.coverage.file_list();
    let mut text: String = files.iter().filter_map(corrupt).collect();
    for finding in &summary.findings {
        text.push_str(&beside(finding));
    }
    for error in &summary.errors {
        let file = error.location.file.as_ref().map_or("", |place| place.file.as_str());
        text.push_str(&line("WARNING", file, &error.message));
    }
    text + &last(summary, files)
}

fn corrupt(file: &FileCoverage) -> Option<String> {
    let pages = file.tally.bad;
    (pages > 0).then(|| format!("{} is corrupt and has : {pages} corrupt pages\n", clip(&file.file, LONGEST)))
}

/// What is wrong with a file and not with one of its pages.
fn beside(finding: &Finding) -> String {
    match &finding.location.file {
        Some(place) if place.pages.is_some() => String::new(),
        place => line("ERROR", place.as_ref().map_or("", |place| place.file.as_str()), &finding.message),
    }
}

fn line(mark: &str, file: &str, message: &str) -> String {
    let file = if file.is_empty() { String::new() } else { format!("{}: ", clip(file, LONGEST)) };
    format!("{mark}: {file}{}\n", clip(message, LONGEST))
}

fn last(summary: &Summary, files: &[FileCoverage]) -> String {
    let pages: u64 = files.iter().map(|file| file.tally.seen()).sum();
    let bad: u64 = files.iter().map(|file| file.tally.bad).sum();
    let seen = format!("{} files, {pages} pages, {bad} corrupt pages", files.len());
    match summary.verdict {
        Verdict::Clean(_) => format!("validate completed OK! ({seen})\n"),
        Verdict::Findings => format!("validate failed with errors! ({seen})\n"),
        Verdict::Incomplete => format!("validate found no errors, and could not look at everything ({seen})\n"),
        Verdict::Bug => format!("validate is not reliable: a bug in vouch ({seen})\n"),
        Verdict::Interrupted(signal) => format!("validate was stopped by signal {signal} ({seen})\n"),
    }
}
