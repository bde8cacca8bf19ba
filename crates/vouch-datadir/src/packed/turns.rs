//! The files of an xbstream, which take turns: [`Turns`] hands the bytes of each
//! to a thread of its own.

use super::contents::{Image, Role};
use super::fault::{Fault, damaged};
use super::layer::Layer;
use super::note::MOST as MOST_NOTE;
use super::outcome::Fate;
use super::pipe::{self, BrokenOff, PIECE, Piece, Pool};
use super::xbstream::{Body, Chunk, ChunkError, Chunks, Payload, Sum};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::thread::Scope;
use vouch_convert::widen;
use vouch_report::Code;

/// Files that take turns; backup tools have one for each of their threads.
const MOST_OPEN: usize = 64;

/// What there is of a file that others need at once: it is read when it is complete.
#[derive(Debug)]
struct Kept {
    role: Role,
    layers: Vec<Layer>,
    bytes: Vec<u8>,
}

/// A file that is not complete yet.
#[derive(Debug, Default)]
struct Open {
    /// To the thread that judges it; `None` for a file that nobody looks at.
    sender: Option<SyncSender<Piece>>,
    kept: Option<Kept>,
    /// Where its next chunk belongs.
    next: u64,
    broken: bool,
}

impl Open {
    fn send(&mut self, piece: Piece) {
        // A judge that has given up has said why.
        if self.sender.as_ref().is_some_and(|sender| sender.send(piece).is_err()) {
            self.sender = None;
        }
    }

    /// Keeps what is kept of the file, which is no longer than notes are.
    fn keep(&mut self, piece: &[u8]) {
        if let Some(kept) = &mut self.kept {
            let room = MOST_NOTE.saturating_sub(kept.bytes.len());
            kept.bytes.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        }
    }

    fn break_off(&mut self, why: BrokenOff) {
        self.broken = true;
        self.send(Piece::Broken(why));
    }
}

/// The files of an xbstream.
pub(super) struct Turns<'scope, 'env> {
    image: &'env Image<'env>,
    scope: &'scope Scope<'scope, 'env>,
    pool: &'env Pool,
    open: BTreeMap<String, Open>,
    crowded: bool,
}

impl<'scope, 'env> Turns<'scope, 'env> {
    pub(super) fn new(image: &'env Image<'env>, scope: &'scope Scope<'scope, 'env>, pool: &'env Pool) -> Self {
        Turns { image, scope, pool, open: BTreeMap::new(), crowded: false }
    }

    /// Reads the stream to its end.
    ///
    /// # Errors
    /// It cannot be read, or ends inside a chunk.
    pub(super) fn run<R: Read>(mut self, mut chunks: Chunks<R>) -> io::Result<()> {
        let outcome = self.read(&mut chunks);
        self.finish(chunks.at());
        outcome
    }

    /// Ends all files, of which none should be open any more where the stream ends at `at`.
    fn finish(&mut self, at: u64) {
        for (path, mut open) in std::mem::take(&mut self.open) {
            let message = format!("{path} is not complete: {} bytes of it are there, and no end", open.next);
            if !self.image.one.is_stopped() && !open.broken {
                self.image.one.damage(Code::ImageCut, Some(at), message);
            }
            if open.kept.is_some() {
                self.image.one.member(&self.image.label(&path), Fate::Damaged);
            }
            open.break_off(BrokenOff::Damaged);
        }
    }

    fn read<R: Read>(&mut self, chunks: &mut Chunks<R>) -> io::Result<()> {
        loop {
            let at = chunks.at();
            let chunk = match chunks.next() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(()),
                Err(ChunkError::Input(error)) => return Err(error),
                Err(ChunkError::Damaged(what)) => match self.behind_damage(at, what, chunks)? {
                    Some(chunk) => chunk,
                    None => return Ok(()),
                },
            };
            self.chunk(&chunk, chunks)?;
        }
    }

    fn chunk<R: Read>(&mut self, chunk: &Chunk, chunks: &mut Chunks<R>) -> io::Result<()> {
        match &chunk.body {
            Body::End => self.end(&chunk.path),
            Body::Payload(payload) if payload.ignorable => self.ignore(chunk, payload, chunks)?,
            Body::Payload(payload) => self.payload(chunk, payload, chunks)?,
        }
        Ok(())
    }

    /// Tells of bytes that are no chunk, and goes on with the next one. Tapes are padded with zeros.
    fn behind_damage<R: Read>(&self, at: u64, what: &str, chunks: &mut Chunks<R>) -> io::Result<Option<Chunk>> {
        let next = chunks.find_next()?;
        let (end, one) = (next.as_ref().map_or(chunks.at(), |chunk| chunk.at), self.image.one);
        let bytes = end - at;
        if next.is_some() || !self.open.is_empty() {
            let message = format!("the chunk at byte {at} is damaged: {what}; {bytes} bytes are no chunk");
            one.damage(Code::ImageDamaged, Some(at), message);
        } else if !chunks.only_zeros() {
            let label = one.label();
            let message = format!("{label}: {bytes} bytes at byte {at}, after the last file, are no chunk");
            one.unproven(label, Code::ImageTrailing, message);
        }
        Ok(next)
    }

    /// One object of a bucket, which has chunks of one file.
    ///
    /// # Errors
    /// It cannot be read, or ends inside a chunk.
    pub(super) fn object<R: Read>(&mut self, label: &str, path: &str, mut chunks: Chunks<R>) -> io::Result<()> {
        loop {
            match chunks.next() {
                Ok(Some(chunk)) if chunk.path == path => self.chunk(&chunk, &mut chunks)?,
                Ok(Some(chunk)) => return Err(damaged(format!("{label} has a chunk of {}", chunk.path))),
                Ok(None) if chunks.at() == 0 => return Err(Fault::Cut.into()),
                Ok(None) => return Ok(()),
                Err(ChunkError::Input(error)) => return Err(error),
                Err(ChunkError::Damaged(what)) => return Err(damaged(format!("{label} is damaged: {what}"))),
            }
        }
    }

    /// The rest of a file is missing, which was told.
    pub(super) fn break_off(&mut self, path: &str, why: BrokenOff) {
        let mut open = self.open.remove(path).unwrap_or_else(|| self.start(path));
        open.break_off(why);
        self.open.insert(path.to_owned(), open);
    }

    /// No more of a file follows.
    pub(super) fn close(&mut self) {
        self.finish(0);
    }

    /// A chunk of a kind that readers may leave out: its checksum is verified, and it is no part of a file.
    fn ignore<R: Read>(&mut self, chunk: &Chunk, payload: &Payload, chunks: &mut Chunks<R>) -> io::Result<()> {
        let mut sum = Sum::new(payload);
        self.contents(payload, chunks, &mut Open::default(), &mut sum)?;
        self.compare(chunk, payload, &sum);
        Ok(())
    }

    fn compare(&self, chunk: &Chunk, payload: &Payload, sum: &Sum) {
        if let Some(computed) = sum.contradiction(payload.sum) {
            let message = format!(
                "the chunk of {} at byte {}: its checksum is 0x{:08x}, its contents have 0x{computed:08x}",
                chunk.path, chunk.at, payload.sum
            );
            self.image.one.damage(Code::ImageChunk, Some(chunk.at), message);
        }
    }

    fn end(&mut self, path: &str) {
        // A file without contents has no other chunk.
        let open = match self.open.remove(path) {
            Some(open) => open,
            None => self.start(path),
        };
        match open.kept {
            Some(_) if open.broken => self.image.one.member(&self.image.label(path), Fate::Damaged),
            Some(Kept { role, layers, bytes }) => self.image.kept(path, role, &layers, &bytes),
            None => {}
        }
    }

    fn start(&mut self, path: &str) -> Open {
        let (role, layers) = self.image.role(path);
        if role.is_passed() {
            return Open::default();
        }
        if self.open.len() >= MOST_OPEN {
            self.crowd();
            self.image.one.member(&self.image.label(path), Fate::Unproven(Code::FileUnreadable));
            return Open::default();
        }
        if role == Role::Meta {
            return Open { kept: Some(Kept { role, layers, bytes: Vec::new() }), ..Open::default() };
        }
        let (sender, mut intake) = pipe::pipe(self.pool);
        let (image, path) = (self.image, path.to_owned());
        self.scope.spawn(move || {
            image.member(&path, role, &layers, &mut intake, None);
        });
        Open { sender: Some(sender), ..Open::default() }
    }

    /// Said once: no backup tool writes such a stream.
    fn crowd(&mut self) {
        if !std::mem::replace(&mut self.crowded, true) {
            let label = self.image.one.label();
            let message = format!("{label} has more than {MOST_OPEN} files that take turns; the others are left out");
            self.image.one.unproven(label, Code::FileUnreadable, message);
        }
    }

    /// The contents of a chunk: to its file, and against their checksum.
    fn payload<R: Read>(&mut self, chunk: &Chunk, payload: &Payload, chunks: &mut Chunks<R>) -> io::Result<()> {
        let mut open = match self.open.remove(&chunk.path) {
            Some(open) => open,
            None => self.start(&chunk.path),
        };
        if payload.offset != open.next && !open.broken {
            let (path, expected, found) = (&chunk.path, open.next, payload.offset);
            let message = format!("{path} goes on at its byte {found} where byte {expected} should follow");
            self.image.one.damage(Code::ImageDamaged, Some(chunk.at), message);
            open.break_off(BrokenOff::Damaged);
        }
        let mut sum = Sum::new(payload);
        let outcome = self.contents(payload, chunks, &mut open, &mut sum);
        let skipped: u64 = payload.holes.iter().map(|(skip, _)| u64::from(*skip)).sum();
        open.next = payload.offset.saturating_add(payload.length).saturating_add(skipped);
        self.open.insert(chunk.path.clone(), open);
        outcome?;
        self.compare(chunk, payload, &sum);
        Ok(())
    }

    fn contents<R: Read>(
        &self,
        payload: &Payload,
        chunks: &mut Chunks<R>,
        open: &mut Open,
        sum: &mut Sum,
    ) -> io::Result<()> {
        let whole = [(0, payload.length)];
        let holes = payload.holes.iter().map(|(skip, take)| (u64::from(*skip), u64::from(*take)));
        let parts = holes.chain(whole.into_iter().filter(|_| payload.holes.is_empty()));
        for (skip, take) in parts {
            if skip > 0 && !open.broken {
                open.send(Piece::Zeros(skip));
            }
            let mut left = take;
            while left > 0 {
                let limit = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                let mut piece = self.pool.take();
                let read = chunks.piece(&mut piece, limit);
                left -= widen(limit);
                sum.update(&piece);
                open.keep(&piece);
                if open.sender.is_none() || open.broken {
                    self.pool.give(piece);
                } else {
                    open.send(Piece::Bytes(piece));
                }
                read?;
            }
        }
        Ok(())
    }
}
