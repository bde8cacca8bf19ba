//! The files of a system tablespace that has come as a stream: [`join`] makes
//! one tablespace of them.
//!
//! Page numbers run on from one file to the next, and how long a file is shows
//! at its end; files may take turns. So each is judged by itself, by the numbers
//! that its pages bear, and is put in its place afterwards. Invariant: a file
//! whose pages begin elsewhere than the one before it has ended is not joined.

use super::outcome::Streamed;
use crate::discover::Found;
use crate::kind::Kind;
use crate::unit::Job;
use std::path::{Path, PathBuf};
use vouch_report::{Code, FilePlace, Finding};

/// Joins the files of each system tablespace.
pub(super) fn join(streamed: &mut Streamed) {
    let (parts, rest): (Vec<Job>, Vec<Job>) =
        std::mem::take(&mut streamed.jobs).into_iter().partition(|job| number(job.space.kind).is_some());
    streamed.jobs = rest;
    let mut joined: Vec<Job> = Vec::new();
    for copy in copies(parts) {
        joined.extend(joined_copy(copy, streamed));
    }
    for job in &mut joined {
        while let Some(at) = streamed.formless.iter().position(|(found, zero)| *zero && is_next(job, found)) {
            let (found, _) = streamed.formless.swap_remove(at);
            job.append_zeros(found);
        }
    }
    streamed.jobs.extend(joined);
}

/// The files of one copy of each system tablespace, of which archives that follow each other may have several.
fn joined_copy(parts: Vec<Job>, streamed: &mut Streamed) -> Vec<Job> {
    let mut joined: Vec<Job> = Vec::new();
    for job in parts {
        let before = joined.last_mut().filter(|before| follows(before, &job));
        let Some(before) = before else {
            joined.push(job);
            continue;
        };
        take_zeros(before, &job, &mut streamed.formless);
        if before.space.behind() == job.space.first() {
            before.append(job);
        } else {
            streamed.findings.extend(contradiction(before, &job));
            joined.push(job);
        }
    }
    joined
}

/// The first file of each name, then the second ones, and so on; each copy in the order of its names.
fn copies(mut parts: Vec<Job>) -> Vec<Vec<Job>> {
    parts.sort_by_key(|job| (place(job), number(job.space.kind)));
    let mut copies: Vec<Vec<Job>> = Vec::new();
    let mut last = None;
    let mut copy = 0;
    for job in parts {
        let name = Some((place(&job), number(job.space.kind)));
        copy = if name == last { copy + 1 } else { 0 };
        last = name;
        if copy == copies.len() {
            copies.push(Vec::new());
        }
        if let Some(jobs) = copies.get_mut(copy) {
            jobs.push(job);
        }
    }
    copies
}

fn number(kind: Kind) -> Option<u32> {
    if let Kind::System(number) = kind { Some(number) } else { None }
}

fn folder(found: &Found) -> PathBuf {
    found.path.parent().map(Path::to_owned).unwrap_or_default()
}

fn place(job: &Job) -> (PathBuf, PathBuf) {
    (job.space.root.clone(), job.space.parts.first().map(|part| folder(&part.found)).unwrap_or_default())
}

/// Whether `job` is of the same tablespace as what was joined before.
fn follows(before: &Job, job: &Job) -> bool {
    place(before) == place(job) && before.space.first() == 0
}

/// Files between the two that are all zero bear no numbers.
fn take_zeros(before: &mut Job, job: &Job, formless: &mut Vec<(Found, bool)>) {
    let until = number(job.space.kind).unwrap_or_default();
    let between =
        |before: &Job, found: &Found| is_next(before, found) && number(found.kind).is_some_and(|number| number < until);
    while let Some(at) = formless.iter().position(|(found, zero)| *zero && between(before, found)) {
        let (found, _) = formless.swap_remove(at);
        before.append_zeros(found);
    }
}

/// Whether the file comes next by its name.
fn is_next(before: &Job, found: &Found) -> bool {
    let last = before.space.parts.last().and_then(|part| number(part.found.kind)).unwrap_or_default();
    number(found.kind) == Some(last.saturating_add(1)) && place(before) == (found.root.clone(), folder(found))
}

fn contradiction(before: &Job, job: &Job) -> Option<Finding> {
    let (last, first) = (before.space.parts.last()?, job.space.parts.first()?);
    if before.space.broken_off {
        return None;
    }
    let (end, begin) = (before.space.behind(), first.first);
    let message = format!("it ends in front of page {end}, and {} begins with page {begin}", first.found.label);
    let mut finding = Finding::new(Code::FileTruncated, message);
    let place = FilePlace { file: last.found.label.clone(), space: Some(0), ..FilePlace::default() };
    finding.location.file = Some(place);
    Some(finding)
}
