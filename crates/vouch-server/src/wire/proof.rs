//! Proofs of a password: what each plugin of an account wants to see.
//!
//! A password goes out in full only where nobody on the way can read it, or encrypted with a key that the user
//! named or allowed ([`ServerKey`]).

use crate::wire::error::{Result, WireError};
use crate::wire::greeting::NONCE;
use crate::wire::public_key;
use mysql_common::packets::AuthPlugin;
use std::path::PathBuf;

/// The plugin of accounts of MySQL since 8.0.
pub const CACHING_SHA2: &[u8] = b"caching_sha2_password";
/// The plugin of older accounts, and of most of MariaDB.
pub const NATIVE: &[u8] = b"mysql_native_password";
const SHA256: &[u8] = b"sha256_password";
const ED25519: &[u8] = b"client_ed25519";

/// Bytes of the nonce of MariaDB's ed25519.
const NONCE_ED25519: usize = 32;

/// What `caching_sha2_password` and `sha256_password` send and are sent besides (MySQL Internals, "Caching_sha2").
const KNOWN: u8 = 3;
const WANTS_PASSWORD: u8 = 4;
const WANTS_KEY: u8 = 2;
const WANTS_KEY_SHA256: u8 = 1;

/// The key that encrypts a password where the connection does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerKey {
    /// None: the password is not sent then.
    None,
    /// In a file, in PEM.
    File(PathBuf),
    /// Whatever the server sends.
    Any,
}

/// How an account proves its password on a connection.
pub struct Prover<'a> {
    /// The password; empty for none.
    pub password: &'a str,
    /// The key, where the connection is not private.
    pub key: &'a ServerKey,
    /// Whether nobody on the way can read.
    pub private: bool,
    /// The plugin that is used.
    pub plugin: Vec<u8>,
    /// What the server sent to be mixed in.
    pub nonce: Vec<u8>,
    /// A key was asked for, and comes next.
    pub awaits_key: bool,
}

impl Prover<'_> {
    /// What is sent first.
    ///
    /// # Errors
    /// [`WireError::Plugin`] for plugins that are not known here, or would send the password for anybody to read.
    pub fn first(&mut self) -> Result<Vec<u8>> {
        let nonce = |bytes: usize| self.nonce.get(..bytes).unwrap_or(&self.nonce);
        let (plugin, nonce) = match self.plugin.as_slice() {
            NATIVE => (AuthPlugin::MysqlNativePassword, nonce(NONCE)),
            CACHING_SHA2 => (AuthPlugin::CachingSha2Password, nonce(NONCE)),
            ED25519 => (AuthPlugin::Ed25519, nonce(NONCE_ED25519)),
            SHA256 if self.private || self.password.is_empty() => return Ok(self.in_full()),
            SHA256 => return self.encrypted_or_key(WANTS_KEY_SHA256),
            other => return Err(WireError::Plugin(String::from_utf8_lossy(other).into_owned())),
        };
        // Nothing is sent where there is no password.
        Ok(plugin.gen_data(Some(self.password), nonce).map(|proof| proof.to_vec()).unwrap_or_default())
    }

    /// What is sent after `more`, which the server sent; `None` when it is the server's turn again.
    ///
    /// # Errors
    /// [`WireError::NoServerKey`], [`WireError::KeyFile`]; [`WireError::Nonsense`] for what the plugin does not send.
    pub fn next(&mut self, more: &[u8]) -> Result<Option<Vec<u8>>> {
        if std::mem::take(&mut self.awaits_key) {
            return self.encrypted(more).map(Some);
        }
        match (self.plugin.as_slice(), more) {
            (CACHING_SHA2, [KNOWN]) => Ok(None),
            (CACHING_SHA2, [WANTS_PASSWORD]) if self.private => Ok(Some(self.in_full())),
            (CACHING_SHA2, [WANTS_PASSWORD]) => self.encrypted_or_key(WANTS_KEY).map(Some),
            _ => Err(WireError::Nonsense("the server asks for a proof of the password that its plugin does not have")),
        }
    }

    fn in_full(&self) -> Vec<u8> {
        [self.password.as_bytes(), &[0]].concat()
    }

    /// The password encrypted with the key that is at hand, or the question for one.
    fn encrypted_or_key(&mut self, question: u8) -> Result<Vec<u8>> {
        match self.key {
            ServerKey::None => Err(WireError::NoServerKey),
            ServerKey::Any => {
                self.awaits_key = true;
                Ok(vec![question])
            }
            ServerKey::File(path) => {
                let pem = std::fs::read(path).map_err(|error| WireError::KeyFile(path.clone(), error.to_string()))?;
                self.encrypted(&pem)
            }
        }
    }

    fn encrypted(&self, pem: &[u8]) -> Result<Vec<u8>> {
        let nonce = self.nonce.get(..NONCE).unwrap_or(&self.nonce);
        let mixed: Vec<u8> = self.in_full().iter().zip(nonce.iter().cycle()).map(|(byte, mix)| byte ^ mix).collect();
        public_key::encrypt(pem, &mixed)
            .ok_or(WireError::Nonsense("the server's key is no RSA key that fits a password"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn prover<'a>(plugin: &[u8], key: &'a ServerKey, private: bool) -> Prover<'a> {
        Prover { password: "s3cret", key, private, plugin: plugin.to_vec(), nonce: vec![7; 32], awaits_key: false }
    }

    #[test]
    fn a_password_only_goes_out_in_full_where_nobody_can_read_it() {
        assert_eq!(prover(SHA256, &ServerKey::None, true).first().unwrap(), b"s3cret\0");
        assert!(matches!(prover(SHA256, &ServerKey::None, false).first(), Err(WireError::NoServerKey)));
        let mut prover = prover(CACHING_SHA2, &ServerKey::None, false);
        assert_eq!(prover.first().unwrap().len(), 32);
        assert_eq!(prover.next(&[KNOWN]).unwrap(), None);
        assert!(matches!(prover.next(&[WANTS_PASSWORD]), Err(WireError::NoServerKey)));
        prover.private = true;
        assert_eq!(prover.next(&[WANTS_PASSWORD]).unwrap().unwrap(), b"s3cret\0");
        assert!(matches!(prover.next(&[9]), Err(WireError::Nonsense(_))));
    }

    #[test]
    fn a_key_that_is_none_is_an_error() {
        let mut prover = prover(CACHING_SHA2, &ServerKey::Any, false);
        prover.first().unwrap();
        assert_eq!(prover.next(&[WANTS_PASSWORD]).unwrap().unwrap(), [WANTS_KEY]);
        assert!(matches!(prover.next(b"-----BEGIN PUBLIC KEY-----\nAAAA\n"), Err(WireError::Nonsense(_))));
    }

    #[test]
    fn plugins_that_send_the_password_for_anybody_to_read_are_refused() {
        for plugin in ["mysql_clear_password", "mysql_old_password", "dialog", "parsec", ""] {
            assert!(matches!(prover(plugin.as_bytes(), &ServerKey::Any, true).first(), Err(WireError::Plugin(_))));
        }
        assert_eq!(prover(ED25519, &ServerKey::None, false).first().unwrap().len(), 64);
        assert_eq!(prover(NATIVE, &ServerKey::None, false).first().unwrap().len(), 20);
    }
}
