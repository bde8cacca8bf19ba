//! One tablespace that comes as a stream: [`judge`].

use super::outcome::Collected;
use crate::discover::Found;
use crate::judge::{Judge, Run};
use crate::kind::Kind;
use crate::options::PagesOptions;
use crate::space::{self, SAMPLE};
use crate::unit::{Job, Seen, UNIT_BYTES};
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use vouch_convert::{to_size, widen};
use vouch_innodb::SpaceFormat;

/// Bytes that tell the format of a file whose first page is sound.
const FIRST: usize = 65_536;

/// Formats that were met.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Vec<SpaceFormat>>);

impl Known {
    pub(super) fn all(&self) -> Vec<SpaceFormat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, format: SpaceFormat) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&format) {
            known.push(format);
        }
    }
}

/// Judges a tablespace to its end, and keeps what it came to. What was read before an error is kept too.
///
/// # Errors
/// The stream cannot be read to its end.
pub(super) fn judge(
    found: Found,
    input: &mut dyn Read,
    known: &Known,
    options: &PagesOptions,
    out: &Collected,
) -> io::Result<()> {
    let mut head = Vec::new();
    let mut read = fill(input, &mut head, FIRST);
    let zeros = if is_later(&found) { zeros(input, &mut head, &mut read) } else { 0 };
    if read.is_ok() && space::needs_sample(&found, &head, &options.keyring) {
        read = fill(input, &mut head, SAMPLE);
    }
    // Fewer bytes than a page are no reason to accuse the file where its stream is at fault.
    if read.is_err() && !space::tells(&head) {
        return read;
    }
    match space::streamed(found, &head, &known.all(), &options.keyring) {
        Ok(mut space) => {
            known.add(space.format);
            let before = space.precede(zeros);
            let job = Job::new(space);
            job.zeros(job.space.first(), before);
            let (mut job, rest) = pages(job, before, head, input, options);
            let outcome = read.and(rest);
            job.space.broken_off = outcome.is_err();
            out.add().jobs.push(job);
            outcome
        }
        Err(found) => {
            let (bytes, zero) = rest_of(&head, input)?;
            out.add().formless.push((Found { bytes: bytes + zeros, ..found }, zero));
            Ok(())
        }
    }
}

/// A later file of the system tablespace, which tells by its own pages where it begins.
fn is_later(found: &Found) -> bool {
    matches!(found.kind, Kind::System(number) if number > 1)
}

/// Leaves out zeros at the start, in pieces that are whole pages of any size, and returns how many. A file that
/// has nothing else keeps the last piece.
fn zeros(input: &mut dyn Read, head: &mut Vec<u8>, read: &mut io::Result<()>) -> u64 {
    let mut zeros = 0;
    while read.is_ok() && head.len() == FIRST && head.iter().all(|byte| *byte == 0) {
        let mut next = Vec::new();
        *read = fill(input, &mut next, FIRST);
        if next.is_empty() {
            break;
        }
        zeros += widen(FIRST);
        *head = next;
    }
    zeros
}

/// Judges what is in `buffer` and what follows, behind so many pages.
fn pages(
    mut job: Job,
    before: u32,
    mut buffer: Vec<u8>,
    input: &mut dyn Read,
    options: &PagesOptions,
) -> (Job, io::Result<()>) {
    let unit = to_size(UNIT_BYTES);
    let size = job.space.page_size().bytes();
    let mut bytes = u64::from(before) * job.space.page_size().bytes_u64();
    let (mut first, mut judge) = (job.space.first().saturating_add(before), Judge::new(options));
    let outcome = loop {
        let whole = buffer.len() - buffer.len() % size;
        let seen = look(&job, &mut judge, first, buffer.get(..whole).unwrap_or_default(), options);
        job.absorb(first, seen);
        bytes += widen(buffer.len());
        first = first.saturating_add(u32::try_from(whole / size).unwrap_or(u32::MAX));
        buffer.drain(..whole);
        let left = buffer.len();
        let read = fill(input, &mut buffer, unit);
        if read.is_err() && buffer.len() < size || buffer.len() == left {
            break read;
        }
        bytes -= widen(left);
    };
    job.space.ended(bytes);
    (job, outcome)
}

fn look(job: &Job, judge: &mut Judge, first: u32, pages: &[u8], options: &PagesOptions) -> Seen {
    let bad_before = job.bad_pages();
    if options.max_bad_pages.is_some_and(|limit| bad_before > limit) {
        return Seen { abandoned: true, ..Seen::default() };
    }
    let mut seen = Seen::default();
    judge.pages(0, &Run { space: &job.space, bad_before }, first, pages, &mut seen);
    seen
}

/// Reads until there are `bytes` bytes, or no more.
fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, bytes: usize) -> io::Result<()> {
    let wanted = bytes.saturating_sub(buffer.len());
    buffer.reserve(wanted);
    input.take(widen(wanted)).read_to_end(buffer).map(drop)
}

/// The bytes of a file without pages, and whether they are all zero.
fn rest_of(head: &[u8], input: &mut dyn Read) -> io::Result<(u64, bool)> {
    let mut buffer = vec![0; FIRST];
    let (mut bytes, mut zero) = (widen(head.len()), head.iter().all(|byte| *byte == 0));
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok((bytes, zero && bytes > 0)),
            Ok(read) => {
                bytes += widen(read);
                zero &= buffer.iter().take(read).all(|byte| *byte == 0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
