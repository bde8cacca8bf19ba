//! The sentences about files and pages.
//!
//! Invariant: "no damage" is never said without how many pages were verified, by what, and how many were not.

use super::{NextStep, explain_step};
use crate::text::{bytes, clip, counted, grouped};
use crate::time::span;
use std::collections::BTreeSet;
use vouch_convert::widen;
use vouch_report::{Code, FileCoverage, FilePlace, FileState, PageTally, Severity, Summary, Verdict};

/// The longest name of a file that is shown.
const FILE_CHARS: usize = 160;

/// The sums over all files that have pages.
pub(crate) fn total(summary: &Summary) -> PageTally {
    sum(summary.coverage.file_list().iter().filter(|file| !file.is_log()))
}

fn sum<'a>(files: impl Iterator<Item = &'a FileCoverage>) -> PageTally {
    files.fold(PageTally::default(), |mut sum, file| {
        sum.add(&file.tally);
        sum
    })
}

/// The result in one sentence.
pub(super) fn headline(summary: &Summary) -> String {
    let seen = sum(summary.coverage.file_list().iter()).seen();
    match summary.verdict {
        Verdict::Clean(_) if seen == 0 => "Nothing was verified: there was no page to look at.".to_owned(),
        Verdict::Clean(_) => "No damage found.".to_owned(),
        Verdict::Findings => damage(summary),
        Verdict::Incomplete => format!(
            "Not proven: no damage was found in what was looked at, but {} could not be verified.",
            counted(widen(summary.errors.len()), "thing", "things")
        ),
        Verdict::Bug => super::BUG.to_owned(),
        Verdict::Interrupted(signal) => {
            let so_far = if summary.findings.is_empty() { "no damage so far.".to_owned() } else { damage(summary) };
            format!("Interrupted by signal {signal} before the end: {so_far}")
        }
    }
}

fn damage(summary: &Summary) -> String {
    let grave = || summary.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    let pages: u64 =
        grave().filter(|finding| has_pages(finding.location.file.as_ref())).map(|finding| finding.count).sum();
    let whole = widen(grave().filter(|finding| !has_pages(finding.location.file.as_ref())).count());
    let files: BTreeSet<&str> =
        grave().filter_map(|finding| finding.location.file.as_ref().map(|place| place.file.as_str())).collect();
    let mut parts = Vec::new();
    if pages > 0 {
        parts.push(counted(pages, "page is damaged", "pages are damaged"));
    }
    if whole > 0 {
        parts.push(format!("{} with whole files", counted(whole, "thing is wrong", "things are wrong")));
    }
    format!("{} in {}.", parts.join("; "), counted(widen(files.len()), "file", "files"))
}

fn has_pages(place: Option<&FilePlace>) -> bool {
    place.is_some_and(|place| place.pages.is_some())
}

/// What the headline rests on.
pub(super) fn looked_at(summary: &Summary) -> Vec<String> {
    let Some(files) = summary.coverage.files() else { return Vec::new() };
    let tally = total(summary);
    // What is in an image is counted by itself.
    let size: u64 = files.files.iter().filter(|file| file.kind != FileCoverage::IMAGE).map(|file| file.bytes).sum();
    let took_ms = summary.finished_ms.saturating_sub(summary.started_ms);
    let mut sentences = vec![format!(
        "Looked at {} of {} with {} in {}, level {}.",
        counted(tally.seen(), "page", "pages"),
        counted(widen(files.files.len()), "file", "files"),
        bytes(size),
        span(took_ms),
        files.level,
    )];
    sentences.push(classes(&tally));
    sentences.extend(formulas(&files.files));
    sentences.extend(logs(summary));
    if !files.state.is_empty() {
        sentences.push(format!("The files are as of: {}.", clip(&files.state, 2 * FILE_CHARS)));
    }
    let partly = widen(files.files.iter().filter(|file| file.state == FileState::NotRun).count());
    if partly > 0 {
        sentences.push(format!("Not, or not fully, looked at: {}.", counted(partly, "file", "files")));
    }
    if summary.verdict == Verdict::Findings && !summary.errors.is_empty() {
        let count = counted(widen(summary.errors.len()), "thing", "things");
        sentences.push(format!("Besides, {count} could not be verified."));
    }
    if !summary.skips.is_empty() {
        sentences.push(format!("{} left out.", counted(widen(summary.skips.len()), "file was", "files were")));
    }
    sentences
}

/// `Checksums: 1,024 full_crc32, 12 crc32.`, where there is more than one formula: that is normal, and good to know.
fn formulas(files: &[FileCoverage]) -> Option<String> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    let mut system: Vec<&[(String, u64)]> = Vec::new();
    for file in files.iter().filter(|file| !file.is_log()) {
        // The files of the system tablespace have the counts of all of it.
        if file.space == Some(0) {
            if system.contains(&file.methods.as_slice()) {
                continue;
            }
            system.push(&file.methods);
        }
        for (name, count) in &file.methods {
            match counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += count,
                None => counts.push((name, *count)),
            }
        }
    }
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{} {name}", grouped(*count))).collect();
    (parts.len() > 1).then(|| format!("Checksums: {}.", parts.join(", ")))
}

/// What was seen in logs, whose parts are no pages.
fn logs(summary: &Summary) -> Option<String> {
    let logs: Vec<&FileCoverage> = summary.coverage.file_list().iter().filter(|file| file.is_log()).collect();
    let tally = sum(logs.iter().copied());
    let files = counted(widen(logs.len()), "log", "logs");
    let parts = counted(tally.seen(), "block or event", "blocks and events");
    let bad = if tally.bad > 0 { format!(", {} bad", grouped(tally.bad)) } else { String::new() };
    (!logs.is_empty()).then(|| format!("Besides, {parts} of {files}{bad}."))
}

/// `1,024 sound, 3 bad, 12 empty.`
fn classes(tally: &PageTally) -> String {
    let named = [
        (tally.sound, "sound"),
        (tally.bad, "bad"),
        (tally.unverified, "not verified"),
        (tally.unprotected, "without a checksum"),
        (tally.empty, "empty"),
        (tally.copies, "slots of doublewrite copies"),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{} {name}", grouped(*count)))
        .collect();
    if parts.is_empty() { "No page was looked at.".to_owned() } else { format!("Pages: {}.", parts.join(", ")) }
}

/// The commands to run next.
pub(super) fn next_steps(summary: &Summary) -> Vec<NextStep> {
    let codes =
        summary.findings.iter().filter(|finding| finding.severity > Severity::Notice).map(|finding| finding.code);
    let mut codes: Vec<Code> = codes.take(1).collect();
    codes.extend(summary.errors.first().map(|error| error.code));
    codes.into_iter().map(explain_step).collect()
}

/// The file's name, for a heading.
pub(crate) fn file(place: &FilePlace) -> String {
    clip(&place.file, FILE_CHARS)
}

/// `page 12 at byte 0x30000, index 153`, or `byte 0x30000`: the place in the file; empty for the whole of it.
pub(crate) fn spot(place: &FilePlace) -> String {
    let byte = place.offset.map(|offset| format!("byte 0x{offset:x}"));
    let Some((first, last)) = place.pages else { return byte.unwrap_or_default() };
    let pages = if first == last { format!("page {first}") } else { format!("pages {first}–{last}") };
    let at = byte.map(|byte| format!(" at {byte}")).unwrap_or_default();
    let index = place.index.as_ref().map(|index| format!(", {}", clip(index, FILE_CHARS))).unwrap_or_default();
    format!("{pages}{at}{index}")
}
