//! The ways in which a file is packed: [`Layer`].

use super::fault::unsupported;
use super::frames::Frames;
use super::memory::Memory;
use super::qpress::Qpress;
use super::source::Source;
use super::xbcrypt::{self, Xbcrypt};
use crate::keyring::BackupKey;
use crate::kind::{Wrapping, wrapping};
use std::cell::RefCell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;
use vouch_convert::{array, widen};

/// Bytes that are enough to recognise anything.
pub(super) const HEAD: usize = 1024;
/// Files are not packed more often than this.
const MOST: usize = 4;

/// Bytes that come from somewhere.
pub(super) type Input<'a> = Box<dyn Read + 'a>;

/// A way in which a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Gzip,
    Zstd,
    Lz4,
    Xz,
    Bzip2,
    Qpress,
    Xbcrypt,
}

/// Formats of one or more frames. Those of zstd and lz4 may follow each other, and share the frames that are
/// passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Gzip,
    Bzip2,
    Xz,
    ZstdOrLz4,
}

/// How the frames of each family begin.
const MAGICS: [(&[u8], Family); 5] = [
    (&[0x1f, 0x8b], Family::Gzip),
    (b"BZh", Family::Bzip2),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Family::Xz),
    (&[0x28, 0xb5, 0x2f, 0xfd], Family::ZstdOrLz4),
    (&[0x04, 0x22, 0x4d, 0x18], Family::ZstdOrLz4),
];

/// A frame that is passed over, of zstd and lz4 alike: 0x184D2A50 to 0x184D2A5F, least significant byte first,
/// and four bytes of length.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
const SKIPPABLE_HEAD: usize = 8;

/// Formats that are known and not read.
const FOREIGN: [(&[u8], &str); 17] = [
    (&[0x02, 0x21, 0x4c, 0x18], "legacy file of lz4"),
    (&[0x22, 0xb5, 0x2f, 0xfd], "file of zstd 0.2"),
    (&[0x23, 0xb5, 0x2f, 0xfd], "file of zstd 0.3"),
    (&[0x24, 0xb5, 0x2f, 0xfd], "file of zstd 0.4"),
    (&[0x25, 0xb5, 0x2f, 0xfd], "file of zstd 0.5"),
    (&[0x26, 0xb5, 0x2f, 0xfd], "file of zstd 0.6"),
    (&[0x27, 0xb5, 0x2f, 0xfd], "file of zstd 0.7"),
    (&[0x89, b'L', b'Z', b'O', 0, b'\r', b'\n', 0x1a, b'\n'], "file of lzop"),
    (b"LZIP", "file of lzip"),
    (&[0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y'], "file of Snappy"),
    (b"PK\x03\x04", "zip archive"),
    (&[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c], "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"070701", "cpio archive"),
    (b"Salted__", "file encrypted by OpenSSL"),
    (b"-----BEGIN PGP MESSAGE-----", "file encrypted by PGP"),
    (b"age-encryption.org/v1", "file encrypted by age"),
];

/// What a file that begins so is, where it is known not to be read.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

impl Family {
    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Gzip => "gzip",
            Family::Bzip2 => "bzip2",
            Family::Xz => "xz",
            Family::ZstdOrLz4 => "zstd or lz4",
        }
    }

    /// Whether a frame with contents begins so.
    pub(super) fn begins(self, head: &[u8]) -> bool {
        MAGICS.iter().any(|(magic, family)| *family == self && head.starts_with(magic))
    }

    /// Whether this is a part of what a frame begins with.
    pub(super) fn may_begin(self, head: &[u8]) -> bool {
        let is_part = |magic: &[u8]| !head.is_empty() && head.len() < magic.len() && magic.starts_with(head);
        let of_skippable = self == Family::ZstdOrLz4 && head.len() < SKIPPABLE_HEAD && may_be_skippable(head);
        of_skippable || MAGICS.iter().any(|(magic, family)| *family == self && is_part(magic))
    }

    /// The length of a frame that is passed over.
    pub(super) fn skippable(self, head: &[u8]) -> Option<u64> {
        if self == Family::ZstdOrLz4 { skippable(head) } else { None }
    }
}

/// The size of blocks in a digit, and then the first block or the end.
fn is_bzip2(head: &[u8]) -> bool {
    const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    let is_sized = head.get(3).is_some_and(|digit| (b'1'..=b'9').contains(digit));
    head.starts_with(b"BZh") && is_sized && head.get(4..10).is_some_and(|next| next == BLOCK || next == END)
}

fn is_skippable(head: &[u8]) -> bool {
    head.first().is_some_and(|byte| byte >> 4 == 5) && head.get(1..4) == Some(&SKIPPABLE)
}

/// Whether what there is of a head could be of a frame that is passed over.
fn may_be_skippable(head: &[u8]) -> bool {
    let rest = head.get(1..).unwrap_or_default();
    head.first().is_some_and(|byte| byte >> 4 == 5) && rest.iter().zip(SKIPPABLE).all(|(byte, known)| *byte == known)
}

fn skippable(head: &[u8]) -> Option<u64> {
    let length = head.get(4..SKIPPABLE_HEAD).filter(|_| is_skippable(head))?;
    Some(u64::from(u32::from_le_bytes(array(length)?)) + widen(SKIPPABLE_HEAD))
}

/// What there is to say of a stream that is no fault of what was asked for: bytes after its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside(Rc<RefCell<Vec<String>>>);

impl Aside {
    pub(super) fn say(&self, what: String) {
        self.0.borrow_mut().push(what);
    }

    pub(super) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// What unpacking needs.
pub(super) struct Opening<'a> {
    pub key: Option<&'a BackupKey>,
    pub memory: &'a Memory,
    pub aside: Aside,
}

impl Layer {
    /// The layer of a file that begins so.
    fn of(head: &[u8]) -> Option<Layer> {
        // A page begins with a checksum, which may be anything: two bytes would not be enough to tell.
        let magics: [(&[u8], Layer); 6] = [
            (&[0x1f, 0x8b, 8], Layer::Gzip),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Layer::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Layer::Zstd),
            (&[0x04, 0x22, 0x4d, 0x18], Layer::Lz4),
            (b"qpress10", Layer::Qpress),
            (xbcrypt::MAGIC, Layer::Xbcrypt),
        ];
        if is_skippable(head) {
            return Some(Layer::Zstd);
        }
        if is_bzip2(head) {
            return Some(Layer::Bzip2);
        }
        magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, layer)| layer)
    }

    /// What is inside.
    pub(super) fn open<'a>(self, from: Input<'a>, with: &Opening<'a>) -> Input<'a> {
        let source = Source::new(from);
        let family = match self {
            Layer::Gzip => Family::Gzip,
            Layer::Bzip2 => Family::Bzip2,
            Layer::Xz => Family::Xz,
            Layer::Zstd | Layer::Lz4 => Family::ZstdOrLz4,
            Layer::Qpress => return Box::new(Qpress::new(source, with.aside.clone())),
            Layer::Xbcrypt => return Box::new(Xbcrypt::new(source, with.key.cloned())),
        };
        Box::new(Frames::new(family, source, with))
    }
}

/// A name without what tells how often the file is packed.
pub(crate) fn bare(name: &str) -> &str {
    layers(name).1
}

/// The layers that a name tells, the outermost first, and the name without them.
pub(super) fn layers(name: &str) -> (Vec<Layer>, &str) {
    let (mut layers, mut bare) = (Vec::new(), name);
    while let (Some(layer), inner) = stripped(bare) {
        layers.push(layer);
        bare = inner;
    }
    layers.truncate(MOST);
    (layers, bare)
}

/// Whether a file of this name holds several files.
pub(crate) fn is_image(name: &str) -> bool {
    container(name).is_some()
}

/// The outermost layer that a name tells, and the name without it.
fn stripped(name: &str) -> (Option<Layer>, &str) {
    match wrapping(name) {
        Some((Wrapping::Layer(layer), inner)) => (Some(layer), inner),
        _ => (None, name),
    }
}

/// What holds several files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Xbstream,
    Tar,
}

/// What a name says to hold several files.
pub(super) fn container(name: &str) -> Option<Container> {
    match bare(name).rsplit_once('.')?.1 {
        "xbstream" | "mbstream" | "xbs" => Some(Container::Xbstream),
        "tar" | "tgz" | "tbz" | "tbz2" | "txz" | "tzst" | "tlz4" => Some(Container::Tar),
        _ => None,
    }
}

impl Container {
    fn of(head: &[u8]) -> Option<Container> {
        let tar = head.get(257..262) == Some(b"ustar");
        let xbstream = head.starts_with(super::xbstream::MAGIC);
        if xbstream { Some(Container::Xbstream) } else { tar.then_some(Container::Tar) }
    }
}

/// What a file that begins so is, in a word, where that is known.
pub(super) fn recognised(head: &[u8]) -> Option<&'static str> {
    let layer = Layer::of(head).map(|layer| match layer {
        Layer::Gzip => "gzip",
        Layer::Zstd => "zstd",
        Layer::Lz4 => "lz4",
        Layer::Xz => "xz",
        Layer::Bzip2 => "bzip2",
        Layer::Qpress => "qpress",
        Layer::Xbcrypt => "xbcrypt",
    });
    layer.or_else(|| foreign(head))
}

/// Whether a file that begins so is packed.
pub(crate) fn is_packed_so(head: &[u8]) -> bool {
    Layer::of(head).is_some() || Container::of(head).is_some() || foreign(head).is_some()
}

/// An input without its layers.
pub(super) struct Opened<'a> {
    pub input: Input<'a>,
    pub container: Option<Container>,
}

/// Takes off all layers that the bytes themselves show.
///
/// # Errors
/// The input cannot be read, is damaged, or is of a format that is not read.
pub(super) fn open<'a>(mut input: Input<'a>, with: &Opening<'a>) -> io::Result<Opened<'a>> {
    for _ in 0..MOST {
        let head = head(&mut input, HEAD)?;
        let whole: Input = Box::new(Cursor::new(head.clone()).chain(input));
        match Layer::of(&head) {
            Some(layer) => input = layer.open(whole, with),
            None => return refuse_foreign(&head).map(|()| Opened { input: whole, container: Container::of(&head) }),
        }
    }
    Err(unsupported("it is packed more often than is read"))
}

fn refuse_foreign(head: &[u8]) -> io::Result<()> {
    foreign(head).map_or(Ok(()), |what| Err(unsupported(format!("it is a {what}, which is not read"))))
}

/// Up to `bytes` first bytes.
pub(super) fn head(input: &mut dyn Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(widen(bytes)).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_layers() {
        assert_eq!(stripped("t.ibd.qp"), (Some(Layer::Qpress), "t.ibd"));
        assert_eq!(stripped("t.ibd"), (None, "t.ibd"));
        assert_eq!(layers("t.ibd.zst.xbcrypt"), (vec![Layer::Xbcrypt, Layer::Zstd], "t.ibd"));
        assert_eq!(container("b.xbstream.zst.xbcrypt"), Some(Container::Xbstream));
        assert_eq!(container("b.xbstream.zst"), Some(Container::Xbstream));
        assert_eq!(container("b.tar"), Some(Container::Tar));
        assert_eq!(container("t.ibd"), None);
    }

    #[test]
    fn bytes_tell_layers() {
        let mut packed = Vec::new();
        let mut encoder = zstd::stream::write::Encoder::new(&mut packed, 1).unwrap();
        io::Write::write_all(&mut encoder, b"XBSTCK01 and more").unwrap();
        encoder.finish().unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut encoder, &packed).unwrap();
        let twice = encoder.finish().unwrap();
        let (memory, aside) = (Memory::default(), Aside::default());
        let with = Opening { key: None, memory: &memory, aside };
        let mut opened = open(Box::new(Cursor::new(twice)), &with).unwrap();
        let mut text = String::new();
        opened.input.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), opened.container), ("XBSTCK01 and more", Some(Container::Xbstream)));
    }
}
