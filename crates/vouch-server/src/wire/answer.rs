//! What an answer begins and ends with.
//!
//! ```text
//! MySQL Internals, "Generic Response Packets" and "Text Resultset":
//!   00 …  done: rows changed and the last id, each a number that says its own length; 2 status; 2 warnings
//!   FF …  refused: 2 number; '#' and 5 of state; words
//!   FE …  less than 9 bytes: the end of columns or rows; 2 warnings; 2 status
//!   else  so many columns, a number that says its own length; on MariaDB a byte more: whether they are described
//! ```

use crate::wire::error::{Refusal, Result, WireError};
use crate::wire::row::number;

/// The first byte of packets that are no rows.
pub const OK: u8 = 0x00;
/// … of a refusal.
pub const ERR: u8 = 0xFF;
/// … of an end, and of the question for another plugin.
pub const END: u8 = 0xFE;

/// An end is shorter than this; what is longer and begins like one is a row with a value of over 16 MiB.
const END_BELOW: usize = 9;

/// The bit of the status that announces one more answer to the same question, which none of ours has.
const ONE_MORE: u16 = 8;

/// What an answer begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    /// The statement is done, and changed so many rows.
    Done(u64),
    /// Rows of so many columns come.
    Rows {
        /// How many columns.
        columns: usize,
        /// Whether they are described.
        described: bool,
    },
}

impl Head {
    /// Reads the first packet of an answer.
    ///
    /// # Errors
    /// The server's refusal; [`WireError::Nonsense`].
    pub fn read(payload: &[u8]) -> Result<Head> {
        match payload {
            [ERR, ..] => Err(refusal(payload)),
            [OK, rest @ ..] => done(rest).ok_or(NONSENSE)?,
            [first @ 1..=0xFA, rest @ ..] => Ok(rows(usize::from(*first), rest)),
            // More columns than a table has need three bytes.
            [0xFC, low, high, rest @ ..] => Ok(rows(usize::from(u16::from_le_bytes([*low, *high])), rest)),
            _ => Err(NONSENSE),
        }
    }
}

fn rows(columns: usize, rest: &[u8]) -> Head {
    Head::Rows { columns, described: rest.first() != Some(&0) }
}

fn done(rest: &[u8]) -> Option<Result<Head>> {
    let (changed, rest) = number(rest)?;
    let (_last_id, rest) = number(rest)?;
    let status = u16::from_le_bytes(*rest.first_chunk::<2>()?);
    Some(alone(status).map(|()| Head::Done(changed)))
}

/// Whether a packet is the end of columns or rows.
///
/// # Errors
/// [`WireError::Nonsense`] when another answer is to follow it.
pub fn is_end(payload: &[u8]) -> Result<bool> {
    match payload {
        [END, _, _, low, high, ..] if payload.len() < END_BELOW => {
            alone(u16::from_le_bytes([*low, *high]))?;
            Ok(true)
        }
        [END, ..] if payload.len() < END_BELOW => Err(NONSENSE),
        _ => Ok(false),
    }
}

fn alone(status: u16) -> Result<()> {
    if status & ONE_MORE == 0 { Ok(()) } else { Err(WireError::Nonsense("two answers came to one question")) }
}

/// What a prepared statement is known by.
#[derive(Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its number on the connection.
    pub id: u32,
    /// How many columns its rows have.
    pub columns: usize,
    /// How many `?` it has.
    pub params: usize,
}

impl Prepared {
    /// Reads the answer to the text of a statement: 0, number, columns, parameters.
    ///
    /// # Errors
    /// The server's refusal; [`WireError::Nonsense`].
    pub fn read(payload: &[u8]) -> Result<Prepared> {
        match *payload {
            [ERR, ..] => Err(refusal(payload)),
            [OK, a, b, c, d, columns_low, columns_high, params_low, params_high, ..] => Ok(Prepared {
                id: u32::from_le_bytes([a, b, c, d]),
                columns: usize::from(u16::from_le_bytes([columns_low, columns_high])),
                params: usize::from(u16::from_le_bytes([params_low, params_high])),
            }),
            _ => Err(NONSENSE),
        }
    }
}

/// What is no answer to what was asked.
pub const NONSENSE: WireError = WireError::Nonsense("what the server sent is no answer to the question");

/// The error that a server sends; before the handshake it has no state.
pub fn refusal(payload: &[u8]) -> WireError {
    let [_, low, high, rest @ ..] = payload else { return NONSENSE };
    let words = match rest {
        [b'#', _, _, _, _, _, words @ ..] => words,
        words => words,
    };
    let code = u16::from_le_bytes([*low, *high]);
    WireError::Refused(Refusal { code, message: String::from_utf8_lossy(words).into_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_without_sense_are_an_error_at_most(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let _ = (Head::read(&bytes).is_ok(), is_end(&bytes).is_ok(), Prepared::read(&bytes).is_ok(), refusal(&bytes));
        }
    }

    #[test]
    fn an_answer_begins_with_what_was_done_or_columns() {
        assert_eq!(Head::read(&[0, 0xFC, 0, 2, 0, 2, 0, 0, 0]).unwrap(), Head::Done(512));
        assert_eq!(Head::read(&[3]).unwrap(), Head::Rows { columns: 3, described: true });
        assert_eq!(Head::read(&[3, 0]).unwrap(), Head::Rows { columns: 3, described: false });
        assert_eq!(Head::read(&[0xFC, 0, 4, 1]).unwrap(), Head::Rows { columns: 1024, described: true });
        for nonsense in [&[][..], &[0], &[0, 1, 0, 2], &[0xFB, b'/'], &[0xFC, 1], &[0xFE]] {
            assert!(matches!(Head::read(nonsense), Err(WireError::Nonsense(_))), "{nonsense:?}");
        }
    }

    #[test]
    fn a_second_answer_is_not_taken_for_that_to_the_next_question() {
        assert!(matches!(Head::read(&[0, 0, 0, 8, 0, 0, 0]), Err(WireError::Nonsense(_))));
        assert!(matches!(is_end(&[END, 0, 0, 10, 0]), Err(WireError::Nonsense(_))));
        assert!(is_end(&[END, 0, 0, 2, 0]).unwrap());
        assert!(!is_end(&[END, 0, 0, 2, 0, 0, 0, 0, 0, 0]).unwrap(), "a row");
    }

    #[test]
    fn a_refusal_has_a_number_and_words_with_and_without_a_state() {
        for bytes in [b"\xff\x15\x04#28000no".as_slice(), b"\xff\x15\x04no"] {
            let WireError::Refused(refusal) = refusal(bytes) else { panic!("{bytes:?}") };
            assert_eq!((refusal.code, refusal.message.as_str()), (1045, "no"));
        }
        assert!(matches!(refusal(b"\xff\x15"), WireError::Nonsense(_)));
    }
}
