//! The file of MySQL's plugin `keyring_file`, which servers had up to 8.4: [`keys`].
//!
//! Invariant: no length is believed before it has been held against the file.

use vouch_convert::narrow;
use vouch_innodb::Keyring;
use zeroize::Zeroizing;

const BEGINS: &[u8] = b"Keyring file version:";
/// Bytes in front of the first key.
const HEAD: usize = 24;
const ENDS: &[u8] = b"EOF";
/// Lengths in front of a key: of all of it, its name, its kind, its user and the key itself.
const LENGTHS: usize = 5;
const WORD: usize = 8;
/// What keys are hidden with; it protects nothing.
const VEIL: &[u8] = b"*305=Ljt0*!@$Hnm(*-9-w;:";

/// Whether a file is one of the plugin.
pub(super) fn is_one(file: &[u8]) -> bool {
    file.starts_with(BEGINS)
}

/// All keys; an error says what is wrong with the file.
pub(super) fn keys(file: &[u8]) -> Result<Keyring, String> {
    let mut keyring = Keyring::default();
    let mut rest = file.get(HEAD..).unwrap_or_default();
    while !rest.starts_with(ENDS) {
        let (name, key, length) = key(rest).ok_or("ends within a key, or is not as keyring_file writes it")?;
        keyring.add_mysql(&name, &key);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(keyring)
}

/// The first key with its name, and how long its entry is.
fn key(entry: &[u8]) -> Option<(String, Zeroizing<Vec<u8>>, usize)> {
    let (words, _) = entry.get(..LENGTHS * WORD)?.as_chunks::<WORD>();
    let length = |at: usize| narrow::<usize, _>(u64::from_le_bytes(*words.get(at)?));
    let (name, kind, user, key) = (length(1)?, length(2)?, length(3)?, length(4)?);
    let name_ends = (LENGTHS * WORD).checked_add(name)?;
    let key_begins = name_ends.checked_add(kind)?.checked_add(user)?;
    let hidden = entry.get(key_begins..key_begins.checked_add(key)?)?;
    let name = String::from_utf8_lossy(entry.get(LENGTHS * WORD..name_ends)?).into_owned();
    let shown = hidden.iter().zip(VEIL.iter().cycle()).map(|(byte, veil)| byte ^ veil).collect();
    let all = length(0)?;
    (all >= key_begins + key).then(|| (name, Zeroizing::new(shown), all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, key: &[u8]) -> Vec<u8> {
        let lengths = [name.len(), 3, 0, key.len()];
        let bare = LENGTHS * WORD + lengths.iter().sum::<usize>();
        let all = bare.next_multiple_of(WORD);
        let mut entry: Vec<u8> = [all].into_iter().chain(lengths).flat_map(|length| length.to_le_bytes()).collect();
        entry.extend(name.bytes().chain(*b"AES"));
        entry.extend(key.iter().zip(VEIL.iter().cycle()).map(|(byte, veil)| byte ^ veil));
        entry.resize(all, 0);
        entry
    }

    fn file() -> Vec<u8> {
        let keys = [entry("INNODBKey-u-1", &[7; 32]), entry("INNODBKey-u-2", &[9; 32])].concat();
        [b"Keyring file version:2.0".as_slice(), &keys, ENDS, &[0; 32]].concat()
    }

    #[test]
    fn all_keys_are_read() {
        assert!(is_one(&file()));
        assert_eq!(keys(&file()).unwrap().len(), 2);
        assert_eq!(
            key(&file()[HEAD..]).map(|(name, key, _)| (name, key.to_vec())),
            Some(("INNODBKey-u-1".into(), vec![7; 32]))
        );
    }

    #[test]
    fn a_file_that_was_cut_is_none() {
        let file = file();
        for length in [HEAD, HEAD + 20, HEAD + 90, file.len() - 40] {
            assert!(keys(&file[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_panics_or_runs_forever(at in 0_usize..200, byte in any::<u8>()) {
            let mut file = file();
            file[at] = byte;
            let _ = keys(&file);
        }
    }
}
