//! What was changed since the stream of a compressed node was made: [`apply`].

use super::directory::EXTRA;
use super::image::ZipFault;
use super::shape::Shape;
use crate::bytes::Field;

const TWO_BYTES: u8 = 0x80;
const LEAVES: ZipFault = ZipFault("the log of changes of a compressed page does not end where it should");
const RECORD: ZipFault = ZipFault("the log of changes of a compressed page names a record that there is not");

/// Writes the changes to the image, and returns how many bytes the log has. `heap` has the places of the
/// records by their numbers.
pub(super) fn apply(log: &[u8], heap: &[usize], shape: &Shape, image: &mut [u8]) -> Result<usize, ZipFault> {
    let mut at = 0;
    loop {
        let first = log.byte(at).ok_or(LEAVES)?;
        at += 1;
        if first == 0 {
            return Ok(at - 1);
        }
        let mut number = usize::from(first);
        if first & TWO_BYTES != 0 {
            number = usize::from(first & !TWO_BYTES) << 8 | usize::from(log.byte(at).ok_or(LEAVES)?);
            at += 1;
        }
        let record = *(number >> 1).checked_sub(1).and_then(|rank| heap.get(rank)).ok_or(RECORD)?;
        if number & 1 == 1 {
            clear(record, shape, image)?;
        } else {
            at += rewrite(log.get(at..).ok_or(LEAVES)?, record, shape, image)?;
        }
    }
}

fn clear(record: usize, shape: &Shape, image: &mut [u8]) -> Result<(), ZipFault> {
    let spread = shape.spread(|byte| image.byte(record.checked_sub(EXTRA + 1 + byte)?)).ok_or(RECORD)?;
    image.get_mut(record..record + spread.data).ok_or(RECORD)?.fill(0);
    Ok(())
}

/// A record as it is since then: what stands in front of it backwards, then its bytes.
fn rewrite(log: &[u8], record: usize, shape: &Shape, image: &mut [u8]) -> Result<usize, ZipFault> {
    let spread = shape.spread(|byte| log.byte(byte)).ok_or(LEAVES)?;
    for byte in 0..spread.extra {
        let slot = record.checked_sub(EXTRA + 1 + byte).and_then(|at| image.get_mut(at)).ok_or(RECORD)?;
        *slot = log.byte(byte).ok_or(LEAVES)?;
    }
    let mut at = spread.extra;
    for (from, to) in spread.runs() {
        let bytes = log.get(at..at + (to - from)).ok_or(LEAVES)?;
        image.get_mut(record + from..record + to).ok_or(RECORD)?.copy_from_slice(bytes);
        at += to - from;
    }
    Ok(at)
}
