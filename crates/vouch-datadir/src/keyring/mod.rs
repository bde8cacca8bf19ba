//! Files that servers keep their keys in: [`read_keyring`].
//!
//! Invariant: no message has a part of a key or of a password, and what was read
//! is wiped from memory.

mod backup;
mod openssl;
mod plugin;

pub use backup::{BackupKey, read_backup_key};

use serde::Deserialize;
use std::fs;
use std::path::Path;
use vouch_convert::narrow;
use vouch_innodb::Keyring;
use vouch_report::Refusal;
use zeroize::Zeroizing;

/// Files of keys are shorter.
const MOST_BYTES: u64 = 16 << 20;
const FORMS: &str =
    "it takes the file of component_keyring_file or keyring_file (MySQL), or of file_key_management (MariaDB)";

/// Reads keys: of MySQL's component_keyring_file or keyring_file, or of MariaDB's file_key_management, in plain text or
/// encrypted by `openssl enc` with the password in a file of its own.
///
/// # Errors
/// A file cannot be read, has no key in it, or does not decrypt.
pub fn read_keyring(path: &Path, password: Option<&Path>) -> Result<Keyring, Refusal> {
    let bytes = read(path)?;
    let plain = match (openssl::Salted::of(&bytes), password) {
        (None, _) => bytes,
        (Some(_), None) => {
            let hint = "name the file that has its password by --keyring-password-file";
            return Err(refusal(path, "is encrypted", hint));
        }
        (Some(salted), Some(file)) => {
            let password = read(file)?;
            let opened = salted.open(password.trim_ascii_end(), |plain| parse(plain).is_ok());
            opened.ok_or_else(|| refusal(path, "does not decrypt with that password", FORMS))?
        }
    };
    parse(&plain).map_err(|what| refusal(path, &what, FORMS))
}

fn refusal(path: &Path, what: &str, hint: &str) -> Refusal {
    Refusal::usage(format!("the keyring {} {what}", path.display()), hint)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let unreadable = |error: std::io::Error| {
        let said = error.to_string();
        let cause = said.split(" (os error").next().unwrap_or_default();
        Refusal::usage(format!("{} could not be read: {cause}", path.display()), "")
    };
    let data = fs::metadata(path).map_err(unreadable)?;
    if data.is_file() && data.len() > MOST_BYTES {
        return Err(refusal(path, "is too long for a file of keys", FORMS));
    }
    fs::read(path).map(Zeroizing::new).map_err(unreadable)
}

/// The keys of a file in plain text; an error says what is wrong with it.
fn parse(bytes: &[u8]) -> Result<Keyring, String> {
    let text = || std::str::from_utf8(bytes).map_err(|_| "is no text".to_owned());
    let keyring = if plugin::is_one(bytes) {
        plugin::keys(bytes)?
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        component(text()?)?
    } else {
        lines(text()?)?
    };
    if keyring.is_empty() { Err("has no key in it".to_owned()) } else { Ok(keyring) }
}

#[derive(Deserialize)]
struct Component {
    elements: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    data_id: String,
    data: Hidden,
}

/// Text that is wiped from memory.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Hidden(Zeroizing<String>);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Hidden(Zeroizing::new(text))
    }
}

fn component(text: &str) -> Result<Keyring, String> {
    // What serde says might quote a key.
    let known: Component = serde_json::from_str(text).map_err(|error| {
        format!("is not as component_keyring_file writes it (line {}, column {})", error.line(), error.column())
    })?;
    let mut keyring = Keyring::default();
    for element in &known.elements {
        let key = hex(&element.data.0).ok_or_else(|| format!("has no hexadecimal key for {}", element.data_id))?;
        keyring.add_mysql(&element.data_id, &key);
    }
    Ok(keyring)
}

/// `number;key` a line.
fn lines(text: &str) -> Result<Keyring, String> {
    let mut keyring = Keyring::default();
    let kept = |line: &&str| !line.is_empty() && !line.starts_with('#');
    for (number, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| kept(line)) {
        let wrong = || format!("has no number and key in line {}", number + 1);
        let (id, key) = line.split_once(';').ok_or_else(wrong)?;
        let id = id.trim().parse().map_err(|_| wrong())?;
        let key = hex(key.trim()).ok_or_else(wrong)?;
        if !keyring.add_mariadb(id, &key) {
            return Err(format!(
                "has a key of {} bits in line {}: there are 128, 192 and 256",
                key.len() * 8,
                number + 1
            ));
        }
    }
    Ok(keyring)
}

fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(narrow::<u8, _>);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect::<Option<Vec<u8>>>().map(Zeroizing::new) } else { None }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
