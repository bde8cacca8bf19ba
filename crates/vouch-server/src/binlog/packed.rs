//! Compressed events, unpacked within limits: a few bytes of an event must not take all memory.

use flate2::read::ZlibDecoder;
use std::io::Read;
use vouch_convert::{narrow, widen};

/// Largest part of an event, or event of a compressed transaction, that is unpacked. Servers split
/// row events at 8 KiB (`binlog_row_event_max_size`), so that only a single huge row comes near.
const LARGEST: u64 = 64 << 20;

/// All of a compressed transaction, unpacked piece by piece. More than a window may hold is not read.
const LARGEST_TRANSACTION: u64 = 4 << 30;

/// Bytes of an event's header: time 4, type 1, server id 4, size 4, end position 4, flags 2
/// (MySQL: `libs/mysql/binlog/event/binlog_event.h`).
pub const HEADER: usize = 19;

/// Unpacks what MariaDB compressed (`sql/log_event.cc`, `binlog_buf_compress`):
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | bit 7: set; bits 4-6: algorithm, 0 is zlib; bits 0-2: bytes of the length, L |
/// | 1 | L | length of what is unpacked, the highest byte first |
/// | 1+L | | zlib stream |
///
/// `None` when it is none of that, or larger than is allowed.
pub fn record(packed: &[u8]) -> Option<Vec<u8>> {
    let (&head, rest) = packed.split_first()?;
    if head & 0xF0 != 0x80 {
        return None;
    }
    let (length, stream) = rest.split_at_checked(usize::from(head & 0x07))?;
    let length = length.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))?;
    if length > LARGEST {
        return None;
    }
    let mut unpacked = Vec::new();
    ZlibDecoder::new(stream).take(length.saturating_add(1)).read_to_end(&mut unpacked).ok()?;
    (widen(unpacked.len()) == length).then_some(unpacked)
}

/// Hands each event of a compressed transaction of MySQL to `take`: type, flags and what follows its header.
///
/// The event is a list of fields (`libs/mysql/binlog/event/codecs/binary.cpp`): type, length and value, each
/// number in MySQL's packed form; 0 ends the list, 1 is the size of the payload, 2 the compression (0: Zstandard,
/// 255: none), 3 the size of what is unpacked. The payload follows: events without checksums, one after another.
///
/// `None` when it is none of that, or larger than is allowed; events before that were handed over.
pub fn transaction(data: &[u8], mut take: impl FnMut(u8, u16, &[u8])) -> Option<()> {
    let (packing, payload) = fields(data)?;
    match packing {
        Packing::None => events(payload, &mut take),
        Packing::Zstandard => events(zstd::Decoder::with_buffer(payload).ok()?, &mut take),
    }
}

#[derive(Clone, Copy)]
enum Packing {
    Zstandard,
    None,
}

fn fields(data: &[u8]) -> Option<(Packing, &[u8])> {
    let (mut rest, mut packing) = (data, Packing::None);
    loop {
        let (field, after) = packed_number(rest)?;
        if field == 0 {
            return Some((packing, after));
        }
        let (length, after) = packed_number(after)?;
        let (value, after) = after.split_at_checked(narrow::<usize, _>(length)?)?;
        if field == 2 {
            packing = match packed_number(value)?.0 {
                0 => Packing::Zstandard,
                255 => Packing::None,
                _ => return None,
            };
        }
        rest = after;
    }
}

/// MySQL's packed number: one byte below 251, or a mark and 2, 3 or 8 bytes, the lowest first.
pub fn packed_number(data: &[u8]) -> Option<(u64, &[u8])> {
    let (&head, rest) = data.split_first()?;
    let bytes = match head {
        0..=250 => return Some((u64::from(head), rest)),
        252 => 2,
        253 => 3,
        254 => 8,
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(bytes)?;
    Some((number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), rest))
}

fn events(mut from: impl Read, take: &mut impl FnMut(u8, u16, &[u8])) -> Option<()> {
    let mut left = LARGEST_TRANSACTION;
    let mut body = Vec::new();
    loop {
        let mut header = [0; HEADER];
        match fill(&mut from, &mut header)? {
            0 => return Some(()),
            HEADER => {}
            _ => return None,
        }
        let [_, _, _, _, kind, _, _, _, _, a, b, c, d, _, _, _, _, e, f] = header;
        let size = u64::from(u32::from_le_bytes([a, b, c, d])).checked_sub(widen(HEADER))?;
        left = left.checked_sub(size).filter(|_| size <= LARGEST)?;
        body.clear();
        from.by_ref().take(size).read_to_end(&mut body).ok()?;
        if widen(body.len()) != size {
            return None;
        }
        take(kind, u16::from_le_bytes([e, f]), &body);
    }
}

/// Reads until `buffer` is full or there is no more; returns how much that was.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match from.read(free) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_record_is_unpacked_to_the_length_that_it_names() {
        let packed = [&[0x82, 1, 0][..], &zlib(&[7; 256])].concat();
        assert_eq!(record(&packed), Some(vec![7; 256]));
        for wrong in [&[0x82, 1, 1][..], &[0x82, 0, 9], &[0x92, 1, 0], &[0x02, 1, 0]] {
            assert_eq!(record(&[wrong, &zlib(&[7; 256])].concat()), None, "{wrong:?}");
        }
    }

    /// A kilobyte that claims to unpack to gigabytes, or does, takes no more memory than the limit.
    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let bomb = zlib(&vec![0; 80 << 20]);
        assert!(bomb.len() < 200_000);
        let claimed = [&[0x84, 0x05, 0, 0, 0][..], &bomb].concat();
        assert_eq!(record(&claimed), None);
        let understated = [&[0x82, 1, 0][..], &bomb].concat();
        assert_eq!(record(&understated), None);
        let mut event = Vec::from([0; HEADER]);
        event[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        let payload = zstd::encode_all(&event[..], 3).unwrap();
        let data = [&[2, 1, 0, 0][..], &payload].concat();
        assert_eq!(transaction(&data, |_, _, _| panic!("no event")), None);
    }

    #[test]
    fn a_transaction_is_a_list_of_events() {
        let mut event = vec![0; HEADER + 3];
        event[4] = 16;
        event[9] = 22;
        event[HEADER..].copy_from_slice(b"abc");
        let two = [event.clone(), event].concat();
        for (packing, payload) in [(&[0][..], zstd::encode_all(&two[..], 3).unwrap()), (&[252, 255, 0], two.clone())] {
            let fields = [&[1, 1, 9, 2, u8::try_from(packing.len()).unwrap()][..], packing, &[0]].concat();
            let mut seen = Vec::new();
            let read = transaction(&[fields, payload].concat(), |kind, _, body| seen.push((kind, body.to_vec())));
            assert_eq!((read, seen), (Some(()), vec![(16, b"abc".to_vec()); 2]));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            record(&bytes);
            transaction(&bytes, |_, _, _| {});
        }
    }
}
