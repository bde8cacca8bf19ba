//! Files of gzip, zstd, lz4, xz and bzip2: any bytes behind a head of each, with frames that are passed over.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use vouch_fuzz::standard_input;

#[derive(Arbitrary, Debug)]
struct Frame {
    format: u8,
    skipped: Option<Vec<u8>>,
    zeros: u8,
    rest: Vec<u8>,
}

const HEADS: [&[u8]; 5] = [
    &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0],
    &[0x28, 0xb5, 0x2f, 0xfd],
    &[0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0],
    &[0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1, 0x69, 0x22, 0xde, 0x36],
    b"BZh91AY&SY",
];

fuzz_target!(|frames: Vec<Frame>| {
    let mut out = Vec::new();
    for frame in &frames {
        if let Some(skipped) = &frame.skipped {
            out.extend([0x50 | frame.format & 15, 0x2a, 0x4d, 0x18]);
            out.extend((skipped.len() as u32).to_le_bytes());
            out.extend(skipped);
        }
        out.extend(HEADS[usize::from(frame.format) % HEADS.len()]);
        out.extend(&frame.rest);
        out.resize(out.len() + usize::from(frame.zeros & 15), 0);
    }
    standard_input(&out);
});
