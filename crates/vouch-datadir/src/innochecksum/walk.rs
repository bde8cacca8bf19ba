//! The pages of one file in their order: [`PageFile`].

use crate::discover::Found;
use crate::kind::Kind;
use crate::space::{self, SAMPLE, Space};
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;

/// A file with pages, open for reading alone.
pub(super) struct PageFile {
    /// Its format, and where its doublewrite area is.
    pub space: Space,
    /// Its bytes; `None` for a stream.
    pub bytes: Option<u64>,
    head: Vec<u8>,
    file: File,
}

/// Takes a page, by its place in the file, and says whether it is content.
pub(super) type Each<'a, E> = &'a mut dyn FnMut(u32, &[u8]) -> Result<(), E>;

/// Why there are no pages.
pub(super) enum Refused {
    /// It does not exist.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// So few bytes are no page.
    Short(usize),
    /// Nothing in it is a page.
    Formless,
}

impl PageFile {
    /// Opens the file, or takes the one that is open.
    pub(super) fn open(path: &Path, input: Option<File>) -> Result<PageFile, Refused> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Refused::Missing,
            _ => Refused::Unreadable(error),
        };
        let data = if input.is_some() { None } else { Some(fs::metadata(path).map_err(unreadable)?) };
        if data.as_ref().is_some_and(|data| !data.is_file()) {
            return Err(Refused::Unreadable(io::Error::other("it is not a file")));
        }
        let mut file = input.map_or_else(|| File::open(path), Ok).map_err(unreadable)?;
        let mut head = Vec::new();
        let wanted = vouch_convert::widen(SAMPLE);
        (&mut file).take(wanted).read_to_end(&mut head).map_err(Refused::Unreadable)?;
        let least = 1024;
        if head.len() < least {
            return Err(Refused::Short(head.len()));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = if let system @ Kind::System(_) = Kind::of(&name) { system } else { Kind::Tablespace };
        let (label, bytes) = (path.to_string_lossy().into_owned(), data.map(|data| data.len()));
        let found = Found { path: path.to_owned(), label, kind, bytes: bytes.unwrap_or(0), root: PathBuf::new() };
        let space =
            space::streamed(found, &head, &[], &vouch_innodb::Keyring::default()).map_err(|_| Refused::Formless)?;
        Ok(PageFile { space, bytes, head, file })
    }

    /// Page 0 as it is, or what there is of it.
    pub(super) fn first_page(&self) -> &[u8] {
        self.head.get(..self.page_bytes()).unwrap_or(&self.head)
    }

    /// Bytes of a page.
    pub(super) fn page_bytes(&self) -> usize {
        self.space.page_size().bytes()
    }

    /// Whole pages; `None` for a stream.
    pub(super) fn pages(&self) -> Option<u64> {
        self.bytes.map(|bytes| bytes / self.space.page_size().bytes_u64())
    }

    /// Hands over the pages from `start` to `end`, each with its place in the file and its bytes; the last one
    /// may be cut off. Goes on while `each` is content.
    ///
    /// # Errors
    /// The file cannot be read; or what `each` says.
    pub(super) fn each<E>(&self, start: u32, end: Option<u32>, each: Each<'_, E>) -> io::Result<Result<(), E>> {
        let size = self.page_bytes();
        let mut reader = self.reader(u64::from(start) * self.space.page_size().bytes_u64())?;
        let mut buffer = vec![0; CHUNK.max(size)];
        let mut place = start;
        loop {
            let read = fill(&mut reader, &mut buffer)?;
            for page in buffer.get(..read).unwrap_or_default().chunks(size) {
                if end.is_some_and(|end| place > end) {
                    return Ok(Ok(()));
                }
                if let Err(why) = each(place, page) {
                    return Ok(Err(why));
                }
                place = place.saturating_add(1);
            }
            if read < buffer.len() {
                return Ok(Ok(()));
            }
        }
    }

    /// Reads from `offset` on. What has been read of a stream already is at hand.
    fn reader(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut file = &self.file;
        if self.bytes.is_some() {
            file.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(file));
        }
        let mut stream = Cursor::new(self.head.as_slice()).chain(file);
        io::copy(&mut (&mut stream).take(offset), &mut io::sink())?;
        Ok(Box::new(stream))
    }

    /// The page at a place once more, where it can be read again.
    pub(super) fn again(&self, place: u32, page: &mut [u8]) -> bool {
        let offset = u64::from(place) * self.space.page_size().bytes_u64();
        self.bytes.is_some() && self.file.read_exact_at(page, offset).is_ok()
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
