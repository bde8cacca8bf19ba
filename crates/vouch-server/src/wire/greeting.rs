//! The first packets of a connection: what the server greets with, and what is answered.
//!
//! ```text
//! The greeting (MySQL Internals, "Protocol::HandshakeV10"), numbers little endian:
//!   1         10, the version of the protocol
//!   n         version of the server, up to a 0
//!   4         number of the connection
//!   8         nonce, first part
//!   1         0
//!   2         what the server can do, low half
//!   1 + 2     collation, status
//!   2         what the server can do, high half
//!   1         length of the whole nonce with its 0
//!   6         nothing
//!   4         what MariaDB can do besides; 0 from MySQL
//!   13 or so  nonce, second part, up to a 0 (the length less 8, at least 13)
//!   n         plugin of the account, up to a 0 or the end
//!
//! The answer ("Protocol::HandshakeResponse41"); before TLS its first 32 bytes are sent alone:
//!   4         what we use of it
//!   4         the longest packet that is taken
//!   1         collation
//!   19        nothing
//!   4         what we use of MariaDB's own
//!   n         user, up to a 0
//!   1 + n     length and proof of the password
//!   n         plugin that made the proof, up to a 0
//!   n         length of the attributes, and name and value of each with their lengths
//! ```

use crate::wire::error::{Result, WireError};
use vouch_convert::narrow;

/// What a connection can use; numbers of the protocol.
pub mod can {
    /// Passwords have no limit in length; on MariaDB, this is MySQL's own.
    pub const LONG_PASSWORD: u32 = 1;
    /// Columns have all their flags.
    pub const LONG_FLAG: u32 = 1 << 2;
    /// The protocol since 4.1.
    pub const PROTOCOL_41: u32 = 1 << 9;
    /// TLS.
    pub const TLS: u32 = 1 << 11;
    /// Answers say the state of the transaction.
    pub const TRANSACTIONS: u32 = 1 << 13;
    /// Passwords are proven by a nonce.
    pub const NONCE: u32 = 1 << 15;
    /// Accounts have plugins.
    pub const PLUGINS: u32 = 1 << 19;
    /// The client says who it is.
    pub const ATTRIBUTES: u32 = 1 << 20;
    /// MariaDB: the columns of a prepared statement are told once.
    pub const CACHED_COLUMNS: u32 = 1 << 4;
}

/// What we use where the server can. Neither local files nor several statements at once are among it: a server
/// that asks for a file, or a statement that smuggles a second one, is refused.
const OURS: u32 = can::LONG_PASSWORD
    | can::LONG_FLAG
    | can::PROTOCOL_41
    | can::TLS
    | can::TRANSACTIONS
    | can::NONCE
    | can::PLUGINS
    | can::ATTRIBUTES;

/// utf8mb4_general_ci, which all versions know.
const COLLATION: u8 = 45;

/// Bytes of a nonce, without the 0 behind it.
pub const NONCE: usize = 20;

/// What a server greets with.
#[derive(Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Number of the connection.
    pub connection: u32,
    /// What server and we can do.
    pub shared: u32,
    /// The same of what is MariaDB's own.
    pub shared_own: u32,
    /// The nonce, of [`NONCE`] bytes.
    pub nonce: Vec<u8>,
    /// The plugin that most accounts have; empty where the server knows none.
    pub plugin: Vec<u8>,
}

impl Greeting {
    /// Reads a greeting.
    ///
    /// # Errors
    /// [`WireError::Nonsense`] for anything else, or of a server before 4.1.
    pub fn read(payload: &[u8]) -> Result<Greeting> {
        read(payload).ok_or(WireError::Nonsense("what answers does not greet as a server of MySQL or MariaDB does"))
    }

    /// The answer, without which TLS can begin.
    pub fn tls_request(&self, longest: usize) -> Vec<u8> {
        self.head(self.shared, longest)
    }

    /// The answer of an account; `tls` where TLS has begun.
    pub fn answer(&self, user: &str, plugin: &[u8], proof: &[u8], tls: bool, longest: usize) -> Vec<u8> {
        let shared = if tls { self.shared } else { self.shared & !can::TLS };
        let mut answer = self.head(shared, longest);
        answer.extend(user.bytes().filter(|byte| *byte != 0));
        answer.push(0);
        // No proof is longer than 64 bytes.
        answer.push(narrow(proof.len()).unwrap_or(0));
        answer.extend_from_slice(proof);
        if shared & can::PLUGINS != 0 {
            answer.extend_from_slice(plugin);
            answer.push(0);
        }
        if shared & can::ATTRIBUTES != 0 {
            let attributes = attributes();
            put_text(&mut answer, &attributes);
        }
        answer
    }

    fn head(&self, shared: u32, longest: usize) -> Vec<u8> {
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(&shared.to_le_bytes());
        head.extend_from_slice(&u32::try_from(longest).unwrap_or(u32::MAX).to_le_bytes());
        head.push(COLLATION);
        head.extend_from_slice(&[0; 19]);
        head.extend_from_slice(&self.shared_own.to_le_bytes());
        head
    }
}

fn read(payload: &[u8]) -> Option<Greeting> {
    let rest = payload.strip_prefix(&[10])?;
    let (_version, rest) = up_to_zero(rest)?;
    let (connection, rest) = rest.split_first_chunk::<4>()?;
    let (first, rest) = rest.split_first_chunk::<8>()?;
    let (&[_, low_0, low_1, _, _, _, high_0, high_1, length], rest) = rest.split_first_chunk::<9>()?;
    let theirs = u32::from_le_bytes([low_0, low_1, high_0, high_1]);
    let (_, rest) = rest.split_first_chunk::<6>()?;
    let (own, rest) = rest.split_first_chunk::<4>()?;
    let (second, rest) = rest.split_at_checked(usize::from(length.saturating_sub(8)).max(13))?;
    let shared = theirs & OURS;
    if shared & can::PROTOCOL_41 == 0 || shared & can::NONCE == 0 {
        return None;
    }
    let mut nonce = [first, second].concat();
    nonce.resize(NONCE, 0);
    let plugin = if shared & can::PLUGINS != 0 { up_to_zero(rest).map_or(rest, |(plugin, _)| plugin) } else { &[] };
    // MySQL fills the place of MariaDB's own with zeros; MariaDB does not have what is MySQL's own.
    let own = if theirs & can::LONG_PASSWORD == 0 { u32::from_le_bytes(*own) } else { 0 };
    Some(Greeting {
        connection: u32::from_le_bytes(*connection),
        shared,
        shared_own: own & can::CACHED_COLUMNS,
        nonce,
        plugin: plugin.to_vec(),
    })
}

/// What stands before the first 0, and what behind it.
pub fn up_to_zero(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end.saturating_add(1)..)?))
}

/// Who we are, for those who look at the server's list of connections.
fn attributes() -> Vec<u8> {
    let id = std::process::id().to_string();
    let list = [
        ("program_name", "vouch"),
        ("_client_name", "vouch"),
        ("_client_version", env!("CARGO_PKG_VERSION")),
        ("_pid", id.as_str()),
    ];
    let mut attributes = Vec::new();
    for (name, value) in list {
        put_text(&mut attributes, name.as_bytes());
        put_text(&mut attributes, value.as_bytes());
    }
    attributes
}

/// Text behind its length, which is less than 65,536.
fn put_text(to: &mut Vec<u8>, text: &[u8]) {
    match narrow::<u8, _>(text.len()).filter(|length| *length < 0xFB) {
        Some(length) => to.push(length),
        None => {
            to.push(0xFC);
            to.extend_from_slice(&narrow::<u16, _>(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        }
    }
    to.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// As MySQL 8.4 and MariaDB 10.11 send it, but for the nonce.
    fn greeting(version: &str, theirs: u32, own: u32, plugin: &str) -> Vec<u8> {
        let [low_0, low_1, high_0, high_1] = theirs.to_le_bytes();
        let mut bytes = vec![10];
        bytes.extend_from_slice(version.as_bytes());
        bytes.extend_from_slice(&[0, 7, 1, 0, 0]);
        bytes.extend_from_slice(b"01234567\0");
        bytes.extend_from_slice(&[low_0, low_1, 255, 2, 0, high_0, high_1, 21]);
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&own.to_le_bytes());
        bytes.extend_from_slice(b"89abcdefghij\0");
        bytes.extend_from_slice(plugin.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn both_vendors_greet() {
        let mysql = Greeting::read(&greeting("8.4.5", 0xdfff_ffff, 0, "caching_sha2_password")).unwrap();
        assert_eq!((mysql.connection, mysql.shared, mysql.shared_own), (263, OURS, 0));
        assert_eq!(mysql.nonce, b"0123456789abcdefghij");
        assert_eq!(mysql.plugin, b"caching_sha2_password");
        let theirs = 0xdfff_ffff & !can::LONG_PASSWORD;
        let maria = Greeting::read(&greeting("5.5.5-10.11.6-MariaDB", theirs, 0x1d, "mysql_native_password")).unwrap();
        assert_eq!((maria.shared, maria.shared_own), (OURS & !can::LONG_PASSWORD, can::CACHED_COLUMNS));
    }

    #[test]
    fn of_another_protocol_nothing_is_read() {
        assert!(Greeting::read(b"SSH-2.0-OpenSSH_9.2p1\r\n").is_err());
        let whole = greeting("8.4.5", 0xdfff_ffff, 0, "caching_sha2_password");
        for cut in 0..whole.len() - "caching_sha2_password0".len() {
            assert!(Greeting::read(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(Greeting::read(&greeting("3.23", 0, 0, "")).is_err());
    }

    #[test]
    fn the_answer_has_its_parts_in_order() {
        let greeting = Greeting::read(&greeting("8.4.5", 0xdfff_ffff, 0, "caching_sha2_password")).unwrap();
        let answer = greeting.answer("ann\0", b"mysql_native_password", &[7; 20], true, 1 << 24);
        assert_eq!(answer[..32], greeting.tls_request(1 << 24));
        let expected = [b"ann\0\x14".as_slice(), &[7; 20], b"mysql_native_password\0"].concat();
        assert!(answer[32..].starts_with(&expected), "{answer:?}");
        let rest = &answer[32 + expected.len()..];
        assert_eq!(usize::from(rest[0]), rest.len() - 1);
        assert!(rest[1..].starts_with(b"\x0cprogram_name\x05vouch"));
        let plain = greeting.answer("ann", b"", &[], false, 1 << 24);
        assert_eq!(u32::from_le_bytes(plain[..4].try_into().unwrap()) & can::TLS, 0);
    }

    proptest! {
        #[test]
        fn bytes_without_sense_are_an_error_at_most(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let mut greeting = vec![10];
            greeting.extend(bytes);
            let _ = Greeting::read(&greeting);
        }
    }
}
