//! The ways in which a file is compressed: [`Layer`].

use super::qpress::Qpress;
use super::xbcrypt::{self, Xbcrypt};
use crate::keyring::BackupKey;
use std::io::{self, BufReader, Cursor, Read};

/// Bytes that are enough to recognise anything.
pub(super) const HEAD: usize = 1024;
/// Files are not packed more often than this.
const MOST: usize = 4;
const BUFFER: usize = 128 << 10;

/// Bytes that come from somewhere.
pub(super) type Input<'a> = Box<dyn Read + 'a>;

/// A way in which a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Gzip,
    Zstd,
    Lz4,
    Qpress,
    Xbcrypt,
}

/// Suffixes, and what they stand for.
const SUFFIXES: [(&str, Layer); 5] = [
    ("gz", Layer::Gzip),
    ("zst", Layer::Zstd),
    ("lz4", Layer::Lz4),
    ("qp", Layer::Qpress),
    ("xbcrypt", Layer::Xbcrypt),
];

impl Layer {
    /// The layer of a file that begins so.
    fn of(head: &[u8]) -> Option<Layer> {
        let magics: [(&[u8], Layer); 5] = [
            (&[0x1f, 0x8b, 8], Layer::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Layer::Zstd),
            (&[0x04, 0x22, 0x4d, 0x18], Layer::Lz4),
            (b"qpress10", Layer::Qpress),
            (xbcrypt::MAGIC, Layer::Xbcrypt),
        ];
        magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, layer)| layer)
    }

    /// What is inside.
    ///
    /// # Errors
    /// The decoder does not start.
    pub(super) fn open<'a>(self, from: Input<'a>, key: Option<&BackupKey>) -> io::Result<Input<'a>> {
        let from = BufReader::with_capacity(BUFFER, from);
        Ok(match self {
            Layer::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(from)),
            Layer::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(from)?),
            Layer::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(from)),
            Layer::Qpress => Box::new(Qpress::new(from)),
            Layer::Xbcrypt => Box::new(Xbcrypt::new(from, key.cloned())),
        })
    }
}

/// The name of what is compressed in a file of this name; `None` for a file that is not compressed.
pub(crate) fn inner(name: &str) -> Option<&str> {
    let (layer, inner) = stripped(name);
    layer.map(|_| inner)
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
pub(super) fn stripped(name: &str) -> (Option<Layer>, &str) {
    let found = name.rsplit_once('.').and_then(|(inner, suffix)| {
        let layer = SUFFIXES.into_iter().find(|(known, _)| *known == suffix)?.1;
        Some((Some(layer), inner))
    });
    found.unwrap_or((None, name))
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
        "tar" => Some(Container::Tar),
        "tgz" => Some(Container::Tar),
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

/// Whether a file that begins so is packed.
pub(crate) fn is_packed_so(head: &[u8]) -> bool {
    Layer::of(head).is_some() || Container::of(head).is_some()
}

/// An input without its layers.
pub(super) struct Opened<'a> {
    pub input: Input<'a>,
    pub container: Option<Container>,
}

/// Takes off all layers that the bytes themselves show.
///
/// # Errors
/// The input cannot be read, or is damaged.
pub(super) fn open<'a>(mut input: Input<'a>, key: Option<&BackupKey>) -> io::Result<Opened<'a>> {
    for _ in 0..MOST {
        let head = head(&mut input, HEAD)?;
        let whole: Input = Box::new(Cursor::new(head.clone()).chain(input));
        match Layer::of(&head) {
            Some(layer) => input = layer.open(whole, key)?,
            None => return Ok(Opened { input: whole, container: Container::of(&head) }),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is packed too often"))
}

/// Up to `bytes` first bytes.
pub(super) fn head(input: &mut dyn Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(bytes as u64).read_to_end(&mut head)?;
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
        let mut opened = open(Box::new(Cursor::new(twice)), None).unwrap();
        let mut text = String::new();
        opened.input.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), opened.container), ("XBSTCK01 and more", Some(Container::Xbstream)));
    }
}
