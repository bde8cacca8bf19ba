//! qpress archives: blocks with right sums, so that the decoder is reached, and any bytes behind them.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use vouch_fuzz::standard_input;

#[derive(Arbitrary, Debug)]
struct Archive {
    chunk: u32,
    name: Vec<u8>,
    blocks: Vec<Block>,
    ended: bool,
    rest: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Block {
    wrong: u32,
    /// The head of a QuickLZ block: its flags and both lengths.
    flags: u8,
    unpacked: u32,
    contents: Vec<u8>,
}

fn write(block: &Block, written: &mut u64, out: &mut Vec<u8>) {
    let mut packed = vec![block.flags];
    if block.flags & 2 != 0 {
        packed.extend((block.contents.len() as u32 + 9).to_le_bytes());
        packed.extend(block.unpacked.to_le_bytes());
    } else {
        packed.push((block.contents.len() as u8).wrapping_add(3));
        packed.push(block.unpacked as u8);
    }
    packed.extend(&block.contents);
    out.extend_from_slice(b"NEWBNEWB");
    out.extend(written.to_le_bytes());
    out.extend(adler2::adler32_slice(&packed).wrapping_add(block.wrong).to_le_bytes());
    out.extend(&packed);
    *written += u64::from(block.unpacked);
}

fuzz_target!(|archive: Archive| {
    let mut out = b"qpress10".to_vec();
    out.extend(u64::from(archive.chunk).to_le_bytes());
    out.push(b'F');
    out.extend((archive.name.len() as u32).to_le_bytes());
    out.extend(&archive.name);
    out.push(0);
    let mut written = 0;
    archive.blocks.iter().for_each(|block| write(block, &mut written, &mut out));
    if archive.ended {
        out.extend_from_slice(b"ENDSENDS\0\0\0\0\0\0\0\0");
    }
    out.extend(&archive.rest);
    standard_input(&out);
});
