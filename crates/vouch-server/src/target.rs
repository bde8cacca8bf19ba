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

use crate::address::Address;
use crate::sql::discovery::ReplicaAddress;
use crate::wire::{Door, ServerKey, Timeouts};
use settings::{Secret, Settings};

/// A server to connect to.
#[derive(Clone, Debug)]
pub struct Target {
    name: String,
    address: Address,
    user: Option<String>,
    password: Option<Secret>,
    inline_password: bool,
    tls: Tls,
    server_key: ServerKey,
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
        let any_key = settings.get_server_key == Some(true);
        let name = address.name();
        let (user, password) = (settings.user, settings.password);
        Ok(Target {
            name,
            address,
            user,
            password,
            inline_password,
            tls,
            server_key: match settings.server_key {
                Some(path) => ServerKey::File(path),
                None if any_key => ServerKey::Any,
                None => ServerKey::None,
            },
            warnings: settings.warnings,
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
        Ok(Target { name: address.name(), address, ..self.clone() })
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

    /// The way to a connection, which takes packets of up to `longest` bytes.
    pub(crate) fn door(&self, timeouts: Timeouts, longest: usize) -> Door {
        Door {
            address: self.address.clone(),
            user: self.user.clone().unwrap_or_default(),
            password: self.password.as_ref().map(|secret| secret.0.clone()).unwrap_or_default(),
            tls: self.tls.clone(),
            key: self.server_key.clone(),
            timeouts,
            longest,
        }
    }
}

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
