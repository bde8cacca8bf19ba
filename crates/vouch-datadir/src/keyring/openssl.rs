//! Files that `openssl enc -aes-256-cbc` has written: [`Salted`].
//!
//! Such a file does not say how its key was made of the password, so every way
//! that openssl and the servers have is tried.

use ring::{digest, pbkdf2};
use std::num::NonZeroU32;
use vouch_convert::array;
use vouch_innodb::decrypt_chain;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"Salted__";
const SALT: usize = 8;
const BLOCK: usize = 16;
const KEY: usize = 32;
/// What openssl takes when it is not told.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The server's own is the first one.
static DIGESTS: [&digest::Algorithm; 4] =
    [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256, &digest::SHA384, &digest::SHA512];
static SLOW: [pbkdf2::Algorithm; 4] =
    [pbkdf2::PBKDF2_HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA1, pbkdf2::PBKDF2_HMAC_SHA384, pbkdf2::PBKDF2_HMAC_SHA512];

type Secret = Zeroizing<Vec<u8>>;

/// An encrypted file.
pub(super) struct Salted<'a> {
    salt: &'a [u8],
    body: &'a [u8],
}

impl<'a> Salted<'a> {
    /// `None` for a file that is not one.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Salted<'a>> {
        let (salt, body) = bytes.strip_prefix(MAGIC)?.split_at_checked(SALT)?;
        Some(Salted { salt, body })
    }

    /// What was encrypted with this password and `fits`.
    pub(super) fn open(&self, password: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<Secret> {
        let quick = DIGESTS.iter().map(|digest| self.quick(digest, password));
        let slow = SLOW.iter().map(|algorithm| self.slow(*algorithm, password));
        quick.chain(slow).filter_map(|secret| self.decrypted(&secret)).find(|plain| fits(plain))
    }

    /// One round of a digest, again until there is enough.
    fn quick(&self, algorithm: &'static digest::Algorithm, password: &[u8]) -> Secret {
        let mut secret = Zeroizing::new(Vec::with_capacity(KEY + BLOCK + digest::MAX_OUTPUT_LEN));
        let mut last: Secret = Zeroizing::new(Vec::new());
        while secret.len() < KEY + BLOCK {
            let mut context = digest::Context::new(algorithm);
            [last.as_slice(), password, self.salt].iter().for_each(|part| context.update(part));
            last = Zeroizing::new(context.finish().as_ref().to_vec());
            secret.extend_from_slice(&last);
        }
        secret
    }

    fn slow(&self, algorithm: pbkdf2::Algorithm, password: &[u8]) -> Secret {
        let mut secret = Zeroizing::new(vec![0; KEY + BLOCK]);
        pbkdf2::derive(algorithm, ITERATIONS, self.salt, password, &mut secret);
        secret
    }

    fn decrypted(&self, secret: &[u8]) -> Option<Secret> {
        let (key, rest) = secret.split_at_checked(KEY)?;
        let iv = array(rest.get(..BLOCK)?)?;
        let mut plain = Zeroizing::new(self.body.to_vec());
        if !self.body.len().is_multiple_of(BLOCK) || !decrypt_chain(key, iv, &mut plain) {
            return None;
        }
        let padding = usize::from(*plain.last()?);
        let length = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
        plain.truncate(length);
        Some(plain)
    }
}
