//! Addresses as DSNs of Percona Toolkit: `h=host,P=3306,u=user,p=password`.

use super::TargetError;
use super::settings::{Secret, Settings, host, port};
use std::path::PathBuf;

/// The letters, for a hint.
pub(super) const LETTERS: &str = "h (host), P (port), u (user), p (password), S (socket), F (option file), s (1: TLS)";

/// A DSN's own settings and the option file that it names.
#[derive(Debug)]
pub(super) struct Dsn {
    pub(super) settings: Settings,
    pub(super) file: Option<PathBuf>,
}

/// Whether a text is a DSN: it begins with a word and `=`.
pub(super) fn is_dsn(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)))
}

/// Parses a DSN.
pub(super) fn parse(text: &str) -> Result<Dsn, TargetError> {
    let mut dsn = Dsn { settings: Settings::default(), file: None };
    for (index, part) in split(text).iter().enumerate() {
        if part.is_empty() {
            continue;
        }
        let (name, value) = part.split_once('=').ok_or(TargetError::Pair(index + 1))?;
        dsn.set(name.trim(), value)?;
    }
    if dsn.settings.socket.is_some() {
        dsn.settings.host = None;
    }
    Ok(dsn)
}

/// Host and port of an address that a server told, as a DSN in a table of its own. Whoever may write there
/// must not choose what is sent where: nothing else is taken from it.
///
/// # Errors
/// [`TargetError::Discovered`] when it names a file, a password, a socket or TLS; those of [`parse`].
pub(crate) fn discovered(text: &str) -> Result<(String, Option<u16>), TargetError> {
    let mut place = (None, None);
    for (index, part) in split(text.trim()).iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or(TargetError::Pair(index + 1))?;
        match name.trim() {
            "h" => place.0 = Some(host(value)?),
            "P" => place.1 = Some(port(value)?),
            // An account has to come from the user, and the others have no meaning here.
            "u" | "A" | "D" | "t" | "L" => {}
            name => return Err(TargetError::Discovered(name.to_owned())),
        }
    }
    Ok((place.0.ok_or(TargetError::Host)?, place.1))
}

impl Dsn {
    fn set(&mut self, name: &str, value: &str) -> Result<(), TargetError> {
        let settings = &mut self.settings;
        match name {
            "h" => settings.host = Some(host(value)?),
            "P" => settings.port = Some(port(value)?),
            "u" => settings.user = Some(value.to_owned()),
            "p" => settings.password = Some(Secret(value.to_owned())),
            "S" => settings.socket = Some(PathBuf::from(value)),
            "F" => self.file = Some(PathBuf::from(value)),
            "s" if value == "1" => settings.tls_mode = Some(crate::tls::TlsMode::Required),
            "s" => {}
            // What these say has no bearing: rows are read as raw bytes, of all databases and tables.
            "A" | "D" | "t" | "L" => {
                settings.warnings.push(format!("the DSN letter {name} has no meaning here and is ignored"));
            }
            _ if name.len() == 1 => return Err(TargetError::Letter(name.to_owned())),
            _ if settings.set_parameter(name, value)? => {}
            _ => return Err(TargetError::Parameter(name.to_owned())),
        }
        Ok(())
    }
}

/// Splits at commas that no backslash stands before; `\,` is a comma.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ',' => parts.push(String::new()),
            '\\' if chars.peek() == Some(&',') => push(&mut parts, chars.next().unwrap_or(c)),
            _ => push(&mut parts, c),
        }
    }
    parts
}

fn push(parts: &mut [String], c: char) {
    if let Some(part) = parts.last_mut() {
        part.push(c);
    }
}
