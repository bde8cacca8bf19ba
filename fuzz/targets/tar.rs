//! tar archives: headers with right sums, so that what is behind them is reached, some with any bytes.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use vouch_fuzz::standard_input;

#[derive(Arbitrary, Debug)]
struct Member {
    name: u8,
    kind: u8,
    /// The length that the header names, where it is not that of the contents.
    length: Option<u64>,
    /// What is in the rest of the header.
    rest: [u8; 32],
    sparse: Vec<(u16, u16)>,
    wrong: bool,
    contents: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Archive {
    members: Vec<Member>,
    zeros: u8,
    again: Vec<Member>,
    junk: Vec<u8>,
}

const NAMES: [&str; 9] = [
    "d/a.ibd",
    "ibdata1",
    "ibdata2",
    "xtrabackup_checkpoints",
    "d/b.ibd.gz",
    "d/c.ibd.zst",
    "d/d.ibd.xz",
    "ib_logfile0",
    "d/e.ibd.lz4",
];
const KINDS: &[u8] = b"0LKxgS12M5q";

fn write(member: &Member, out: &mut Vec<u8>) {
    let mut block = [0; 512];
    let name = NAMES[usize::from(member.name) % NAMES.len()];
    block[..name.len()].copy_from_slice(name.as_bytes());
    let length = member.length.unwrap_or(member.contents.len() as u64) & 0o77_777_777_777;
    block[124..135].copy_from_slice(format!("{length:011o}").as_bytes());
    block[156] = KINDS[usize::from(member.kind) % KINDS.len()];
    block[257..265].copy_from_slice(b"ustar  \0");
    for (at, (offset, bytes)) in member.sparse.iter().take(4).enumerate() {
        let part = format!("{offset:011o}\0{bytes:011o}\0");
        block[386 + 24 * at..][..24].copy_from_slice(part.as_bytes());
    }
    block[482] = member.rest[0] & 1;
    block[483..494].copy_from_slice(format!("{:011o}", length.saturating_mul(3) & 0o7_777_777).as_bytes());
    block[157..189].copy_from_slice(&member.rest);
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum::<u64>() + u64::from(member.wrong);
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend(block);
    out.extend(&member.contents);
    out.resize(out.len().next_multiple_of(512), 0);
}

fuzz_target!(|archive: Archive| {
    let mut out = Vec::new();
    archive.members.iter().for_each(|member| write(member, &mut out));
    out.resize(out.len() + 512 * usize::from(archive.zeros & 3), 0);
    archive.again.iter().for_each(|member| write(member, &mut out));
    out.extend(&archive.junk);
    standard_input(&out);
});
