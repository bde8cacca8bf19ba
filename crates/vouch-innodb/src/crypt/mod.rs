//! Encrypted pages made readable: [`Keyring`] opens a tablespace's [`SpaceKey`],
//! and [`Access`] is what a checker may do.
//!
//! Invariant: no key is ever printed, and each is wiped from memory when it is
//! dropped.

mod cipher;
mod mariadb;
mod mysql;

pub use cipher::CounterKey;
use cipher::{Aes, BLOCK};

use crate::{Checker, Layout, PageNo, SpaceFormat, SpaceId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of a key that are not to be left in memory.
type Secret = Zeroizing<Vec<u8>>;

/// Keys that servers keep apart from their files.
#[derive(Clone, Default)]
pub struct Keyring {
    mysql: Vec<(String, Secret)>,
    mariadb: BTreeMap<u32, Secret>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.len())
    }
}

impl Keyring {
    /// Adds a key of MySQL by its name, such as `INNODBKey-<server uuid>-1`.
    pub fn add_mysql(&mut self, name: &str, key: &[u8]) {
        self.mysql.push((name.to_owned(), Zeroizing::new(key.to_vec())));
    }

    /// Adds a key of MariaDB by its number. False for a length that AES does not have.
    pub fn add_mariadb(&mut self, id: u32, key: &[u8]) -> bool {
        let fits = Aes::new(key).is_some();
        if fits {
            self.mariadb.insert(id, Zeroizing::new(key.to_vec()));
        }
        fits
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.mysql.len() + self.mariadb.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over the keys of another one.
    pub fn merge(&mut self, other: Keyring) {
        self.mysql.extend(other.mysql);
        self.mariadb.extend(other.mariadb);
    }

    /// Opens the key of the tablespace whose page 0 this is; `None` when page 0 tells of no encryption.
    /// `sample` is the beginning of the file: a key of MariaDB is known to be right only by its pages.
    pub fn open(
        &self,
        page: &[u8],
        format: &SpaceFormat,
        space: SpaceId,
        sample: &[u8],
    ) -> Option<Result<SpaceKey, LockedOut>> {
        if let Some(opened) = mysql::open(self, page, format) {
            return Some(opened.map(|key| SpaceKey { kind: Kind::Mysql(key), proven: true }));
        }
        Some(mariadb::open(self, page, format, space)?.and_then(|key| tried(key, format, space, sample)))
    }
}

/// Decrypts whole blocks of AES that are chained (CBC), in place. False for a key of a length that AES does
/// not have.
pub fn decrypt_chain(key: &[u8], iv: [u8; BLOCK], bytes: &mut [u8]) -> bool {
    Aes::new(key).is_some_and(|aes| {
        aes.decrypt_chain(iv, bytes);
        true
    })
}

/// Whether page 0 tells that the tablespace is encrypted.
pub fn tells_of_key(page: &[u8], format: &SpaceFormat) -> bool {
    Keyring::default().open(page, format, SpaceId(0), &[]).is_some()
}

/// Why a tablespace cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedOut {
    /// The keyring does not have this key.
    Missing(String),
    /// The key of this name is another one.
    Wrong(String),
}

impl fmt::Display for LockedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockedOut::Missing(name) => write!(f, "the keyring does not have {name}"),
            LockedOut::Wrong(name) => write!(f, "{name} of the keyring is not the one that it was encrypted with"),
        }
    }
}

/// What a checker may do about encrypted pages.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Nobody gave a key: what can be verified without one is.
    #[default]
    Unasked,
    /// A keyring was given, and it does not open the tablespace.
    Locked,
    /// The key is here.
    Open(Arc<SpaceKey>),
}

/// The key of one tablespace.
#[derive(Clone, Debug)]
pub struct SpaceKey {
    kind: Kind,
    /// It has decrypted something that bears a checksum.
    proven: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Mysql(mysql::MysqlKey),
    Mariadb(mariadb::MariadbKey),
}

impl SpaceKey {
    /// Whether the key is known to be right, so that a page that it does not decrypt is damaged.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// The page without its encryption, in the ways that it may have been encrypted.
    pub(crate) fn decrypted(&self, page: &[u8], layout: Layout) -> Vec<Vec<u8>> {
        match &self.kind {
            Kind::Mysql(key) => key.candidates(page).collect(),
            Kind::Mariadb(key) => key.decrypted(page, layout).into_iter().collect(),
        }
    }

    pub(crate) fn is_of_mysql(&self) -> bool {
        matches!(self.kind, Kind::Mysql(_))
    }
}

/// A key of MariaDB, as the pages of `sample` show it to be right or wrong.
fn tried(key: mariadb::MariadbKey, format: &SpaceFormat, space: SpaceId, sample: &[u8]) -> Result<SpaceKey, LockedOut> {
    let mut unknown = None;
    for counted in [false, true] {
        let kind = Kind::Mariadb(key.in_mode(counted));
        let key = SpaceKey { kind, proven: false };
        match fits(&key, format, space, sample) {
            Some(true) => return Ok(SpaceKey { proven: true, ..key }),
            Some(false) => {}
            None => unknown = unknown.or(Some(key)),
        }
    }
    unknown.ok_or_else(|| LockedOut::Wrong(key.name()))
}

/// Whether the key decrypts a page of the sample; `None` when none of them is encrypted.
fn fits(key: &SpaceKey, format: &SpaceFormat, space: SpaceId, sample: &[u8]) -> Option<bool> {
    let mut checker = Checker::new(*format, Some(space)).with_access(Access::Open(Arc::new(key.clone())));
    let mut met = None;
    for (page, no) in sample.chunks_exact(format.physical.bytes()).zip(0..) {
        match checker.opens(PageNo(no), page) {
            Some(true) => return Some(true),
            Some(false) => met = Some(false),
            None => {}
        }
    }
    met
}
