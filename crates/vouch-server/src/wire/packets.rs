//! Packets of the client/server protocol, cut out of a buffer in place.
//!
//! A packet is three bytes of length, one of sequence, and a payload; a payload
//! of 0xFFFFFF bytes goes on in the next packet (MySQL Internals, "Protocol Basics").

use std::io::{Error, ErrorKind, Read, Result, Write};

/// The most bytes that are asked for at once: what a socket of the system holds.
const BUFFER: usize = 256 << 10;

/// Bytes that are asked for at first: most answers are short.
const BUFFER_AT_FIRST: usize = 16 << 10;

/// Payload of a packet that goes on in the next one.
const FULL: usize = 0xFF_FFFF;

const HEADER: usize = 4;

/// The packets of a connection.
pub struct Packets<S> {
    stream: S,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    joined: Vec<u8>,
    /// The longest payload that is joined, in bytes.
    longest: usize,
    sequence: u8,
}

impl<S: Read + Write> Packets<S> {
    /// Packets of a new connection, with payloads of up to `longest` bytes.
    pub fn new(stream: S, longest: usize) -> Self {
        let buffer = vec![0; BUFFER_AT_FIRST];
        Packets { stream, buffer, start: 0, end: 0, joined: Vec::new(), longest, sequence: 0 }
    }

    /// Takes payloads of up to `longest` bytes from now on.
    pub fn allow(&mut self, longest: usize) {
        self.longest = longest;
    }

    /// The connection.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The same packets through `wrap`.
    ///
    /// # Errors
    /// Those of `wrap`; `InvalidData` when bytes came that belong to neither side of it.
    pub fn through<E: From<Error>>(
        mut self,
        wrap: impl FnOnce(S) -> std::result::Result<S, E>,
    ) -> std::result::Result<Self, E> {
        if self.start != self.end {
            return Err(Error::new(ErrorKind::InvalidData, "bytes came before TLS began").into());
        }
        self.stream = wrap(self.stream)?;
        Ok(self)
    }

    /// Sends a command, whose answer comes next.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(&mut self, command: &[u8]) -> Result<()> {
        (self.start, self.end, self.sequence) = (0, 0, 0);
        self.reply(command)
    }

    /// Sends a payload in answer to the last one.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn reply(&mut self, payload: &[u8]) -> Result<()> {
        let mut bytes = Vec::with_capacity(payload.len().saturating_add(HEADER));
        let mut rest = payload;
        loop {
            let (part, after) = rest.split_at_checked(FULL).unwrap_or((rest, &[]));
            let [low, middle, high, ..] = u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
            bytes.extend_from_slice(&[low, middle, high, self.sequence]);
            bytes.extend_from_slice(part);
            self.sequence = self.sequence.wrapping_add(1);
            rest = after;
            // A payload of whole packets ends with an empty one.
            if part.len() < FULL {
                break;
            }
        }
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    /// The payload of the next packet.
    ///
    /// # Errors
    /// Those of the connection; `UnexpectedEof` when it was closed, `InvalidData` when packets are out of order,
    /// `FileTooLarge` when a payload has no end.
    pub fn next(&mut self) -> Result<&[u8]> {
        let length = self.header()?;
        self.at_hand(length)?;
        if length < FULL {
            return Ok(self.take(length));
        }
        self.joined.clear();
        let mut length = length;
        loop {
            if self.joined.len() + length > self.longest {
                return Err(ErrorKind::FileTooLarge.into());
            }
            self.at_hand(length)?;
            self.joined.extend_from_slice(self.buffer.get(self.start..self.start + length).unwrap_or_default());
            self.start += length;
            if length < FULL {
                return Ok(&self.joined);
            }
            length = self.header()?;
        }
    }

    fn header(&mut self) -> Result<usize> {
        self.at_hand(HEADER)?;
        let (expected, header) = (self.sequence, self.take(HEADER));
        let [low, middle, high, sequence] = *header else { return Err(ErrorKind::UnexpectedEof.into()) };
        if sequence != expected {
            return Err(Error::new(ErrorKind::InvalidData, "packets are out of order"));
        }
        self.sequence = sequence.wrapping_add(1);
        Ok(usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16)
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let from = self.start;
        self.start += length;
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    /// Reads until `length` bytes are at hand. The buffer grows with the answer.
    fn at_hand(&mut self, length: usize) -> Result<()> {
        if self.start + length > self.buffer.len() {
            if self.start > 0 && self.buffer.len() < BUFFER {
                self.buffer.resize((self.buffer.len() * 2).min(BUFFER), 0);
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.buffer.resize(self.buffer.len().max(length), 0);
        }
        while self.end - self.start < length {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Gives what a server sent, some bytes at a time.
    struct Sent {
        bytes: Vec<u8>,
        at: usize,
        step: usize,
        /// What was sent to the server.
        sent: Vec<u8>,
    }

    impl Read for Sent {
        fn read(&mut self, room: &mut [u8]) -> Result<usize> {
            let some = self.step.min(room.len()).min(self.bytes.len() - self.at);
            room[..some].copy_from_slice(&self.bytes[self.at..self.at + some]);
            self.at += some;
            Ok(some)
        }
    }

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.sent.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn packets(bytes: Vec<u8>, step: usize) -> Packets<Sent> {
        let mut packets = Packets::new(Sent { bytes, at: 0, step, sent: Vec::new() }, 3 * FULL);
        packets.send(b"?").unwrap();
        packets
    }

    fn wrapped(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut sequence = 0_u8;
        let mut bytes = Vec::new();
        for payload in payloads {
            for part in payload.chunks(FULL).chain(payload.len().is_multiple_of(FULL).then_some(&[][..])) {
                sequence = sequence.wrapping_add(1);
                bytes.extend_from_slice(&u32::try_from(part.len()).unwrap().to_le_bytes()[..3]);
                bytes.push(sequence);
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn payloads_come_as_they_were_sent(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..300),
            step in 1_usize..4000,
        ) {
            let mut packets = packets(wrapped(&payloads), step);
            for payload in &payloads {
                prop_assert_eq!(packets.next().unwrap(), payload.as_slice());
            }
            prop_assert_eq!(packets.next().unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }

        #[test]
        fn bytes_without_sense_end_in_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut packets = packets(bytes, 64);
            while packets.next().is_ok() {}
        }
    }

    #[test]
    fn a_payload_beyond_one_packet_is_joined() {
        let payloads = [vec![7; FULL + 5], vec![8; FULL], vec![1, 2, 3]];
        let mut packets = packets(wrapped(&payloads), 1 << 20);
        for payload in &payloads {
            assert!(packets.next().unwrap() == payload.as_slice());
        }
    }

    #[test]
    fn a_payload_without_an_end_is_refused() {
        let mut packets = packets(wrapped(&[vec![7; 3 * FULL]]), 1 << 20);
        assert_eq!(packets.next().unwrap().len(), 3 * FULL);
        let mut packets = super::tests::packets(wrapped(&[vec![7; 4 * FULL]]), 1 << 20);
        assert_eq!(packets.next().unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(packets.joined.capacity() <= 6 * FULL);
    }

    #[test]
    fn a_packet_out_of_order_is_refused() {
        let mut sent = wrapped(&[vec![1], vec![2]]);
        sent[8] = 9;
        let mut packets = packets(sent, 100);
        assert_eq!(packets.next().unwrap(), [1]);
        assert_eq!(packets.next().unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_long_command_is_sent_in_parts() {
        for length in [0, 3, FULL - 1, FULL, FULL + 7, 2 * FULL] {
            let command = vec![7; length];
            let mut packets = packets(Vec::new(), 1);
            packets.stream.sent.clear();
            packets.send(&command).unwrap();
            let mut expected = wrapped(&[command]);
            // What a server sends in answer begins with 1, a command with 0.
            for at in (0..expected.len()).step_by(FULL + HEADER) {
                expected[at + 3] -= 1;
            }
            assert!(packets.stream.sent == expected, "{length}");
        }
    }

    #[test]
    fn nothing_is_taken_into_tls_that_came_before_it() {
        let mut packets = packets(wrapped(&[vec![1], vec![2]]), 100);
        packets.next().unwrap();
        assert_eq!(packets.through(Ok::<_, Error>).err().map(|error| error.kind()), Some(ErrorKind::InvalidData));
    }
}
