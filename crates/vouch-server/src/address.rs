//! The place of a server.

use std::path::PathBuf;

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Host (an IPv6 address without brackets) and port.
    Tcp(String, u16),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Address {
    /// `host:port`, with brackets around an IPv6 address, or the socket's path.
    pub fn name(&self) -> String {
        match self {
            Address::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Address::Tcp(host, port) => format!("{host}:{port}"),
            Address::Socket(path) => path.display().to_string(),
        }
    }
}
