//! The key of encrypted backups, as xtrabackup takes it from the file of --encrypt-key-file: [`BackupKey`].

use super::{read, refusal};
use std::path::Path;
use vouch_innodb::CounterKey;
use vouch_report::Refusal;

/// A key of encrypted backups.
#[derive(Clone, Debug)]
pub struct BackupKey(CounterKey);

impl BackupKey {
    /// A key of 16, 24 or 32 bytes; `None` for any other.
    pub fn new(key: &[u8]) -> Option<BackupKey> {
        CounterKey::new(key).map(BackupKey)
    }

    /// Encrypts or decrypts, which are the same.
    pub(crate) fn apply(&self, counter: [u8; 16], bytes: &mut [u8]) {
        self.0.apply(counter, bytes);
    }
}

/// Reads the key of encrypted backups: all bytes of the file are the key, as xtrabackup has it.
///
/// # Errors
/// The file cannot be read, or is of another length than keys are.
pub fn read_backup_key(path: &Path) -> Result<BackupKey, Refusal> {
    let bytes = read(path)?;
    let length = bytes.len();
    BackupKey::new(&bytes).ok_or_else(|| {
        let hint = "xtrabackup takes every byte of its key file, a newline at its end too: it must have 16, 24 or 32";
        refusal(path, &format!("has {length} bytes"), hint)
    })
}
