//! Where a server is, and with which account and TLS it is asked.
//!
//! A [`Target`] is made from one of five forms of address over [`Defaults`] and
//! is complete: nothing about a connection is decided later. Its password never
//! shows itself.

mod defaults;
mod dsn;
mod error;
mod settings;
mod url;

pub use crate::tls::{Tls, TlsMode};
pub use defaults::{Defaults, DefaultsRequest};
pub use error::TargetError;

use crate::session::PACKET_MAX_AT_FIRST;
use crate::sql::discovery::ReplicaAddress;
use mysql::OptsBuilder;
use settings::{Secret, Settings};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// Host (an IPv6 address without brackets) and port.
    Tcp(String, u16),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Address {
    fn name(&self) -> String {
        match self {
            Address::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Address::Tcp(host, port) => format!("{host}:{port}"),
            Address::Socket(path) => path.display().to_string(),
        }
    }
}

/// A server to connect to.
#[derive(Clone, Debug)]
pub struct Target {
    name: String,
    address: Address,
    user: Option<String>,
    password: Option<Secret>,
    inline_password: bool,
    tls: Tls,
    server_key: Option<PathBuf>,
    get_server_key: bool,
    offers_no_tls: Arc<AtomicBool>,
    /// The longest packet that is taken from it, in bytes.
    packet_max: Arc<AtomicUsize>,
    warnings: Vec<String>,
}

impl Target {
    /// Makes a target from a URL (`mysql://user@host:3306/?ssl-mode=required`), a DSN
    /// (`h=host,P=3306,u=user`), `[group]` of an option file, `user@host:port`, or the
    /// path of a socket. What it leaves open is taken from `defaults`.
    ///
    /// # Errors
    /// A [`TargetError`] with a hint; it never quotes a password.
    pub fn parse(text: &str, defaults: &Defaults) -> Result<Target, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if let Some(name) = group_name(text) {
            return Target::new(defaults.base().overlaid(defaults.named_group(name)?), false);
        }
        let (lower, upper) = if let Some((scheme, rest)) = text.split_once("://") {
            (defaults.base(), url::parse(scheme, rest)?)
        } else if text.starts_with(['/', '.']) {
            (defaults.base(), Settings { socket: Some(text.into()), ..Settings::default() })
        } else if dsn::is_dsn(text) {
            let dsn = dsn::parse(text)?;
            let file = dsn.file.as_deref().map(|path| defaults.of_file(path)).transpose()?;
            (defaults.base().overlaid(file.unwrap_or_default()), dsn.settings)
        } else {
            (defaults.base(), bare(text)?)
        };
        let inline_password = upper.password.as_ref().is_some_and(|secret| !secret.0.is_empty());
        Target::new(lower.overlaid(upper), inline_password)
    }

    fn new(settings: Settings, inline_password: bool) -> Result<Target, TargetError> {
        let (address, tls) = settings.finish()?;
        let mut warnings = settings.warnings;
        if tls.mode == TlsMode::VerifyCa {
            warnings.push(
                "verify-ca takes a certificate of any public authority too, not of ssl-ca alone; \
                 verify-identity also checks the name"
                    .to_owned(),
            );
        }
        let name = address.name();
        let (user, password) = (settings.user, settings.password);
        Ok(Target {
            name,
            address,
            user,
            password,
            inline_password,
            tls,
            server_key: settings.server_key,
            get_server_key: settings.get_server_key.unwrap_or(false),
            offers_no_tls: Arc::default(),
            packet_max: Arc::new(AtomicUsize::new(PACKET_MAX_AT_FIRST)),
            warnings,
        })
    }

    /// `host:port`, or the socket's path: the server's name in every report.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account's name; `None` when none was given anywhere.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether it is the same server, account, password and TLS.
    pub fn same_as(&self, other: &Target) -> bool {
        let secret = |target: &Target| target.password.as_ref().map(|secret| secret.0.clone());
        let same = self.address == other.address && self.user == other.user;
        same && secret(self) == secret(other) && self.tls == other.tls
    }

    /// Whether a password is known, be it empty.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Whether the address itself spells out a password, which a command line shows to everybody.
    pub fn has_inline_password(&self) -> bool {
        self.inline_password
    }

    /// How much TLS is asked for.
    pub fn tls_mode(&self) -> TlsMode {
        self.tls.mode
    }

    /// What the user should know about how the address was taken.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same server and account with another password.
    pub fn with_password(mut self, password: impl Into<String>) -> Target {
        self.password = Some(Secret(password.into()));
        self.inline_password = false;
        self
    }

    /// The same account with another user name, where none is known.
    pub fn with_default_user(mut self, user: impl Into<String>) -> Target {
        self.user.get_or_insert_with(|| user.into());
        self
    }

    /// The same place, asked with the account and TLS of `other` where this one names no account.
    pub fn with_account_of(mut self, other: &Target) -> Target {
        if self.user.is_none() {
            self.user.clone_from(&other.user);
            self.password.clone_from(&other.password);
            self.tls = other.tls.clone();
        }
        self
    }

    /// The same account and TLS at another address, such as a replica that was discovered.
    ///
    /// # Errors
    /// [`TargetError::Host`] and [`TargetError::Port`]: servers report what they were told to.
    pub fn with_address(&self, host: &str, port: u16) -> Result<Target, TargetError> {
        if port == 0 {
            return Err(TargetError::Port);
        }
        let address = Address::Tcp(settings::host(host)?, port);
        Ok(Target {
            name: address.name(),
            address,
            offers_no_tls: Arc::default(),
            packet_max: Arc::new(AtomicUsize::new(PACKET_MAX_AT_FIRST)),
            ..self.clone()
        })
    }

    /// The host and port in a DSN that a server told.
    ///
    /// # Errors
    /// [`TargetError::Discovered`] when it has anything else of consequence.
    pub fn discovered(text: &str) -> Result<ReplicaAddress, TargetError> {
        dsn::discovered(text).map(|(host, port)| ReplicaAddress { host, port })
    }

    /// Host and port of a target reached by TCP.
    pub fn tcp_address(&self) -> Option<(&str, u16)> {
        match &self.address {
            Address::Tcp(host, port) => Some((host, *port)),
            Address::Socket(_) => None,
        }
    }

    /// The key that encrypts the password where the connection does not; `None` asks the server for one.
    fn key_of_password(&self) -> Option<PathBuf> {
        let none = || (!self.get_server_key).then(|| PathBuf::from(NO_KEY));
        self.server_key.clone().or_else(none)
    }

    /// Takes packets of that many bytes from now on; whether those were too long so far.
    pub(crate) fn learn_packet(&self, bytes: usize) -> bool {
        self.packet_max.fetch_max(bytes, Ordering::Relaxed) < bytes
    }

    /// Options of the wire library, and whether it will encrypt. `tls` false leaves TLS out, which `preferred` falls back to
    /// where the server offers none; from then on this target and its clones leave it out at
    /// once, or each connection would break one off first, which the server logs as aborted.
    pub(crate) fn opts(&self, connect: Duration, read: Duration, write: Duration, tls: bool) -> (OptsBuilder, bool) {
        let preferred = self.tls.mode == TlsMode::Preferred;
        if preferred && !tls {
            self.offers_no_tls.store(true, Ordering::Relaxed);
        }
        let tls =
            tls && self.tls.mode != TlsMode::Disabled && !(preferred && self.offers_no_tls.load(Ordering::Relaxed));
        let opts = OptsBuilder::new()
            .user(self.user.clone())
            .pass(self.password.as_ref().map(|secret| secret.0.clone()))
            // A zero timeout is refused by the system.
            .tcp_connect_timeout(Some(connect.max(Duration::from_millis(1))))
            .read_timeout(Some(read.max(Duration::from_millis(1))))
            .write_timeout(Some(write.max(Duration::from_millis(1))))
            .prefer_socket(false)
            .tcp_nodelay(true)
            .max_allowed_packet(Some(self.packet_max.load(Ordering::Relaxed)))
            .server_key_path(self.key_of_password())
            .connect_attrs(Some([("program_name", "vouch")].into()))
            .ssl_opts(tls.then(|| self.tls.ssl_opts()));
        match &self.address {
            // The library leaves a socket of the system as it is.
            Address::Socket(path) => (opts.socket(Some(path.to_string_lossy())), false),
            Address::Tcp(host, port) if host.contains(':') => {
                (opts.ip_or_hostname(Some(format!("[{host}]"))).tcp_port(*port), tls)
            }
            Address::Tcp(host, port) => (opts.ip_or_hostname(Some(host)).tcp_port(*port), tls),
        }
    }
}

/// Stands for no key. The wire library asks the server for one unless it has a file, and opens the file
/// no sooner than it needs it: that fails in a way in which nothing else that it does can fail.
const NO_KEY: &str = "/dev/null/no key";

/// The name in `[group]`; an IPv6 address in brackets has a colon.
fn group_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('[')?.strip_suffix(']')?;
    (!name.contains([':', '[', ']'])).then_some(name.trim())
}

/// `host`, `host:port`, `user@host:port`, `user:password@host:port`.
fn bare(text: &str) -> Result<Settings, TargetError> {
    let (account, place) = match text.rsplit_once('@') {
        Some((account, place)) => (Some(account), place),
        None => (None, text),
    };
    let (host, number) = url::split_port(place);
    let (host, port) = (settings::host(host)?, number.map(settings::port).transpose()?);
    let mut settings = Settings { host: Some(host), port, ..Settings::default() };
    if let Some(account) = account {
        let (user, password) = account.split_once(':').map_or((account, None), |(user, rest)| (user, Some(rest)));
        settings.user = Some(user.to_owned()).filter(|user| !user.is_empty());
        settings.password = password.map(|password| Secret(password.to_owned()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests;
