//! The bytes of a connection: by TCP, by TCP inside TLS, or by a socket of the system.

use crate::address::Address;
use crate::wire::error::{Result, WireError};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that TLS asks of the system at once. By itself it asks for 4 KiB, a quarter of one of its records.
const TLS_BUFFER: usize = 128 << 10;

/// The time that a connection gives the other side; each at least a millisecond, since none is no limit.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To take the connection.
    pub connect: Duration,
    /// To send or to take some bytes.
    pub bytes: Duration,
}

/// Where the bytes go.
pub enum Stream {
    /// To a host, readable on the way.
    Tcp(TcpStream),
    /// To a process of this machine.
    Socket(UnixStream),
    /// To a host, encrypted.
    Tls(Box<StreamOwned<ClientConnection, Buffered>>),
}

impl Stream {
    /// Connects.
    ///
    /// # Errors
    /// [`WireError::UnknownHost`], [`WireError::NoConnection`], [`WireError::ConnectTimeout`]; those of the system.
    pub fn connect(address: &Address, timeouts: Timeouts) -> Result<Stream> {
        let bytes = Some(timeouts.bytes.max(SHORTEST));
        match address {
            Address::Socket(path) => {
                let socket = UnixStream::connect(path).map_err(WireError::NoConnection)?;
                socket.set_read_timeout(bytes)?;
                socket.set_write_timeout(bytes)?;
                Ok(Stream::Socket(socket))
            }
            Address::Tcp(host, port) => {
                let found = (host.as_str(), *port).to_socket_addrs().map_err(WireError::UnknownHost)?;
                let socket = first_that_answers(found, timeouts.connect.max(SHORTEST))?;
                socket.set_read_timeout(bytes)?;
                socket.set_write_timeout(bytes)?;
                socket.set_nodelay(true)?;
                Ok(Stream::Tcp(socket))
            }
        }
    }

    /// The same connection inside TLS; a socket of the system stays as it is.
    ///
    /// # Errors
    /// [`WireError::Tls`]; those of the connection.
    pub fn encrypted(self, host: &str, config: &Arc<ClientConfig>) -> Result<Stream> {
        let Stream::Tcp(socket) = self else { return Ok(self) };
        // The zone of an IPv6 address is no part of a name.
        let host = host.split('%').next().unwrap_or(host).to_owned();
        let unusable = |_| WireError::Tls(rustls::Error::General(format!("{host:?} is no name for a certificate")));
        let name = ServerName::try_from(host.clone()).map_err(unusable)?;
        let client = ClientConnection::new(Arc::clone(config), name).map_err(WireError::Tls)?;
        let mut stream = StreamOwned::new(client, Buffered(BufReader::with_capacity(TLS_BUFFER, socket)));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// Whether nobody on the way can read a password.
    pub fn is_private(&self) -> bool {
        !matches!(self, Stream::Tcp(_))
    }

    /// A second handle of the socket, for limits and for shutting it down. What kind of socket it is makes no
    /// difference to that.
    ///
    /// # Errors
    /// When the process may not have more descriptors.
    pub fn handle(&self) -> io::Result<TcpStream> {
        match self {
            Stream::Tcp(socket) => socket.try_clone(),
            Stream::Socket(socket) => Ok(TcpStream::from(OwnedFd::from(socket.try_clone()?))),
            Stream::Tls(stream) => stream.sock.0.get_ref().try_clone(),
        }
    }
}

/// No limit is refused by the system, and means none.
const SHORTEST: Duration = Duration::from_millis(1);

fn first_that_answers(found: impl Iterator<Item = SocketAddr>, within: Duration) -> Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
    for address in found {
        match TcpStream::connect_timeout(&address, within) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(match failed.kind() {
        io::ErrorKind::TimedOut => WireError::ConnectTimeout,
        _ => WireError::NoConnection(failed),
    })
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(socket) => socket.read(room),
            Stream::Socket(socket) => socket.read(room),
            Stream::Tls(stream) => stream.read(room),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(socket) => socket.write(bytes),
            Stream::Socket(socket) => socket.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(socket) => socket.flush(),
            Stream::Socket(socket) => socket.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

/// A socket of which much is read at once.
pub struct Buffered(BufReader<TcpStream>);

impl Read for Buffered {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}
