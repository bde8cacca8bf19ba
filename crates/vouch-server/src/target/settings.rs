//! What an address may leave open: the layers that a target is made of.
//!
//! [`Settings`] of the environment, of option files and of the address itself
//! are laid over each other; [`Settings::finish`] makes the target's parts.

use super::TargetError;
use crate::address::Address;
use crate::option_file::{FileOption, reason};
use crate::tls::{Tls, TlsMode};
use std::fmt;
use std::path::PathBuf;
use vouch_convert::parse;

/// The parameters of a URL or DSN, beside its own parts.
pub(super) const PARAMETERS: [&str; 7] =
    ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket", "server-public-key-path", "get-server-public-key"];

const PORT_DEFAULT: u16 = 3306;
const HOST_DEFAULT: &str = "127.0.0.1";
const MODES: &str = "disabled, preferred, required, verify-ca or verify-identity";

/// A password, which never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One layer of settings; `None` is left to the layer below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) tls_mode: Option<TlsMode>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) server_key: Option<PathBuf>,
    /// Whether a key that the server sends may encrypt the password.
    pub(super) get_server_key: Option<bool>,
    pub(super) warnings: Vec<String>,
}

impl Settings {
    /// Takes a parameter of a URL or DSN; false when it is not known.
    pub(super) fn set_parameter(&mut self, name: &str, value: &str) -> Result<bool, TargetError> {
        let path = || Some(PathBuf::from(value));
        match name.replace('_', "-").as_str() {
            "ssl-mode" => self.tls_mode = Some(tls_mode(value)?),
            "ssl-ca" => self.tls_ca = path(),
            "ssl-cert" => self.tls_cert = path(),
            "ssl-key" => self.tls_key = path(),
            "socket" => self.socket = path(),
            "server-public-key-path" => self.server_key = path(),
            "get-server-public-key" => self.get_server_key = Some(switch("get-server-public-key", value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes an option of an option file. Options that say nothing about a
    /// connection are passed over: a group is shared with other clients.
    pub(super) fn set_option(&mut self, option: &FileOption) -> Result<(), TargetError> {
        let text = option.value.as_deref();
        match (option.name.as_str(), text) {
            ("ssl", None | Some("1" | "ON" | "on" | "TRUE" | "true")) => self.tls_mode = Some(TlsMode::Required),
            ("ssl", Some(_)) | ("skip-ssl" | "disable-ssl", None) => self.tls_mode = Some(TlsMode::Disabled),
            ("ssl-verify-server-cert", None | Some("1" | "ON" | "on" | "TRUE" | "true")) => {
                self.tls_mode = Some(TlsMode::VerifyIdentity);
            }
            ("get-server-public-key", None) => self.get_server_key = Some(true),
            ("ssl-capath", _) => self.warnings.push(format!("ssl-capath is not supported ({})", option.place)),
            ("user", Some(value)) => self.user = Some(value.to_owned()),
            ("password", Some(value)) => self.password = Some(Secret(value.to_owned())),
            ("host", Some(value)) => self.host = Some(value.to_owned()),
            ("port", Some(value)) => self.port = Some(port(value)?),
            (name, Some(value)) => {
                self.set_parameter(name, value)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// `self` with what `upper` says instead, where it says anything.
    pub(super) fn overlaid(mut self, upper: Settings) -> Settings {
        self.overlay_address(&upper);
        self.user = upper.user.or(self.user);
        self.password = upper.password.or(self.password);
        self.tls_mode = upper.tls_mode.or(self.tls_mode);
        self.tls_ca = upper.tls_ca.or(self.tls_ca);
        self.tls_cert = upper.tls_cert.or(self.tls_cert);
        self.tls_key = upper.tls_key.or(self.tls_key);
        self.server_key = upper.server_key.or(self.server_key);
        self.get_server_key = upper.get_server_key.or(self.get_server_key);
        self.warnings.extend(upper.warnings);
        self
    }

    /// A host or port that is named takes the place of a socket further down,
    /// but for `localhost` alone, which has always meant the socket.
    fn overlay_address(&mut self, upper: &Settings) {
        if upper.socket.is_some() {
            self.host.clone_from(&upper.host);
            self.socket.clone_from(&upper.socket);
        } else if upper.host.is_some() || upper.port.is_some() {
            let keeps_socket = upper.port.is_none() && upper.host.as_deref() == Some("localhost");
            self.socket = self.socket.take().filter(|_| keeps_socket);
            self.host = upper.host.clone().or(self.host.take());
        }
        self.port = upper.port.or(self.port);
    }

    /// The address and TLS that the layers come to.
    pub(super) fn finish(&self) -> Result<(Address, Tls), TargetError> {
        let local = self.host.as_deref().is_none_or(|host| host == "localhost");
        let address = match &self.socket {
            Some(path) if local => Address::Socket(path.clone()),
            _ => {
                let host = host(self.host.as_deref().unwrap_or(HOST_DEFAULT))?;
                Address::Tcp(host, self.port.unwrap_or(PORT_DEFAULT))
            }
        };
        Ok((address, self.tls()?))
    }

    fn tls(&self) -> Result<Tls, TargetError> {
        // A CA is given to be used, so it implies that it is verified against.
        let implied = if self.tls_ca.is_some() { TlsMode::VerifyCa } else { TlsMode::Preferred };
        let mode = self.tls_mode.unwrap_or(implied);
        if mode == TlsMode::VerifyCa && self.tls_ca.is_none() {
            return Err(TargetError::NoCa);
        }
        let identity = match (self.tls_cert.clone(), self.tls_key.clone()) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            _ => return Err(TargetError::HalfIdentity),
        };
        self.check_files(mode)?;
        Ok(Tls { mode, ca: self.tls_ca.clone(), identity })
    }

    /// A file that is missing is named before anything is asked.
    fn check_files(&self, mode: TlsMode) -> Result<(), TargetError> {
        let (used, verifies) = (mode != TlsMode::Disabled, mode.verifies());
        let files = [
            ("ssl-ca", &self.tls_ca, verifies),
            ("ssl-cert", &self.tls_cert, used),
            ("ssl-key", &self.tls_key, used),
            ("server-public-key-path", &self.server_key, true),
        ];
        for (name, path, _) in files.into_iter().filter(|(_, _, used)| *used) {
            let Some(path) = path else { continue };
            if let Err(error) = std::fs::File::open(path) {
                return Err(TargetError::KeyFile { name, path: path.clone(), cause: reason(&error) });
            }
        }
        Ok(())
    }
}

fn tls_mode(value: &str) -> Result<TlsMode, TargetError> {
    let unknown = || TargetError::Value { name: "ssl-mode".into(), value: value.into(), takes: MODES };
    TlsMode::from_name(value).ok_or_else(unknown)
}

/// A value that says yes or no.
fn switch(name: &str, value: &str) -> Result<bool, TargetError> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "true" => Ok(true),
        "0" | "off" | "false" => Ok(false),
        _ => Err(TargetError::Value { name: name.into(), value: value.into(), takes: "1 or 0" }),
    }
}

/// A TCP port.
pub(super) fn port(text: &str) -> Result<u16, TargetError> {
    parse(text).filter(|&port| port != 0).ok_or(TargetError::Port)
}

/// A host name or address; brackets of an IPv6 address are taken off.
pub(super) fn host(text: &str) -> Result<String, TargetError> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let usable = |c: char| !c.is_whitespace() && !c.is_control() && !"[]/@?#\\,=`'\"<>".contains(c);
    if bare.is_empty() || !bare.chars().all(usable) {
        return Err(TargetError::Host);
    }
    if bare.contains(':') && bare.split('%').next().is_none_or(|ip| ip.parse::<std::net::Ipv6Addr>().is_err()) {
        return Err(TargetError::Host);
    }
    Ok(bare.to_owned())
}
