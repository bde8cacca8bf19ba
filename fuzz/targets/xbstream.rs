//! Streams of chunks: some with right sums, so that what is inside them is reached, some of any bytes.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use vouch_fuzz::standard_input;

#[derive(Arbitrary, Debug)]
struct Chunk {
    kind: Kind,
    flags: u8,
    file: u8,
    offset: Option<u64>,
    /// What is added to the sum.
    wrong: u32,
    holes: Vec<(u32, u32)>,
    contents: Vec<u8>,
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Payload,
    Sparse,
    End,
}

#[derive(Arbitrary, Debug)]
struct Stream {
    chunks: Vec<Chunk>,
    rest: Vec<u8>,
}

const NAMES: [&str; 10] = [
    "d/a.ibd",
    "ibdata1",
    "ibdata2",
    "undo001",
    "xtrabackup_checkpoints",
    "d/b.ibd.qp",
    "d/c.ibd.zst",
    "ib_logfile0",
    "d/e.ibd.delta",
    "d/e.ibd.meta",
];

fn write(chunk: &Chunk, lengths: &mut [u64; 10], out: &mut Vec<u8>) {
    let file = usize::from(chunk.file) % NAMES.len();
    out.extend_from_slice(b"XBSTCK01");
    out.extend([chunk.flags & 1, [b'P', b'S', b'E'][chunk.kind as usize]]);
    out.extend((NAMES[file].len() as u32).to_le_bytes());
    out.extend(NAMES[file].as_bytes());
    if chunk.kind == Kind::End {
        return;
    }
    let map: Vec<u8> =
        chunk.holes.iter().flat_map(|(skip, write)| [skip.to_le_bytes(), write.to_le_bytes()]).flatten().collect();
    if chunk.kind == Kind::Sparse {
        out.extend((chunk.holes.len() as u32).to_le_bytes());
    }
    out.extend((chunk.contents.len() as u64).to_le_bytes());
    out.extend(chunk.offset.unwrap_or(lengths[file]).to_le_bytes());
    lengths[file] += chunk.contents.len() as u64;
    out.extend(crc32fast::hash(&chunk.contents).wrapping_add(chunk.wrong).to_le_bytes());
    if chunk.kind == Kind::Sparse {
        out.extend(map);
    }
    out.extend(&chunk.contents);
}

fuzz_target!(|stream: Stream| {
    let mut out = Vec::new();
    let mut lengths = [0; 10];
    stream.chunks.iter().for_each(|chunk| write(chunk, &mut lengths, &mut out));
    out.extend(&stream.rest);
    standard_input(&out);
});
