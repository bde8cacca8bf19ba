//! Ids of manifests: UUIDs of version 7, which sort by the time of their making.

use ring::rand::{SecureRandom, SystemRandom};

/// A new id, made at `now_ms`; `None` when the system has no randomness.
pub fn fresh(now_ms: u64) -> Option<String> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let random = u128::from_be_bytes(bytes);
    let time = u128::from(now_ms & 0xffff_ffff_ffff) << 80;
    let rest = random & 0x0fff_3fff_ffff_ffff_ffff;
    Some(spelled(time | (7 << 76) | (2 << 62) | rest))
}

fn spelled(number: u128) -> String {
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Whether a text is the id of a UUID of version 7, in lower case.
pub fn is_id(text: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            14 => byte == b'7',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ if dash(at) => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_sort_by_time() {
        let (old, new) = (fresh(1_740_830_400_250).unwrap(), fresh(1_740_830_400_251).unwrap());
        assert!(is_id(&old) && is_id(&new) && old < new, "{old} {new}");
        assert!(old.starts_with("01955193-defa-7"), "{old}");
        assert!(!is_id("01955197-0000-4000-8000-000000000000") && !is_id("x"));
    }
}
