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
