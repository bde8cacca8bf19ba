//! What holds for every address: option files and the environment's conventions.
//!
//! The caller says what the environment is; nothing is read from it here.

use super::TargetError;
use super::settings::{Secret, Settings, port};
use crate::option_file::OptionFile;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where defaults come from.
#[derive(Clone, Default)]
pub struct DefaultsRequest {
    /// The home directory, whose `.my.cnf` is read if it is there.
    pub home: Option<PathBuf>,
    /// `--defaults-file`: read instead of `~/.my.cnf`; must be there.
    pub defaults_file: Option<PathBuf>,
    /// `--defaults-group-suffix`: `[clientSUFFIX]` is read after `[client]`.
    pub group_suffix: Option<String>,
    /// `MYSQL_HOST`.
    pub host: Option<String>,
    /// `MYSQL_TCP_PORT`.
    pub tcp_port: Option<String>,
    /// `MYSQL_UNIX_PORT`.
    pub unix_port: Option<String>,
    /// `MYSQL_PWD`.
    pub password: Option<String>,
}

// Without the password.
impl fmt::Debug for DefaultsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultsRequest")
            .field("home", &self.home)
            .field("defaults_file", &self.defaults_file)
            .field("group_suffix", &self.group_suffix)
            .finish_non_exhaustive()
    }
}

/// What an address leaves open is taken from here. The default has nothing to offer.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    base: Settings,
    file: OptionFile,
    suffix: String,
}

impl Defaults {
    /// Reads the option file (groups `[client]` and `[vouch]`) over the environment.
    ///
    /// # Errors
    /// [`TargetError::File`] when a file is malformed, or the one asked for is not
    /// there; other variants when a value in it makes no sense.
    pub fn load(request: &DefaultsRequest) -> Result<Defaults, TargetError> {
        let suffix = request.group_suffix.clone().unwrap_or_default();
        let file = match (&request.defaults_file, &request.home) {
            (Some(path), _) => OptionFile::read(path)?,
            (None, Some(home)) if home.join(".my.cnf").is_file() => OptionFile::read(&home.join(".my.cnf"))?,
            _ => OptionFile::default(),
        };
        let client = groups(&file, &["client", "vouch"], &suffix)?;
        Ok(Defaults { base: environment(request)?.overlaid(client), file, suffix })
    }

    /// What was left out of option files, and why.
    pub fn warnings(&self) -> &[String] {
        self.file.warnings()
    }

    pub(super) fn base(&self) -> Settings {
        self.base.clone()
    }

    /// The settings of a group of the option file, by name.
    pub(super) fn named_group(&self, name: &str) -> Result<Settings, TargetError> {
        let suffixed = format!("{name}{}", self.suffix);
        if !self.file.has_group(name) && !self.file.has_group(&suffixed) {
            return Err(TargetError::Group { name: name.to_owned(), known: self.file.groups().to_vec() });
        }
        groups(&self.file, &[name], &self.suffix)
    }

    /// The `[client]` settings of another option file.
    pub(super) fn of_file(&self, path: &Path) -> Result<Settings, TargetError> {
        groups(&OptionFile::read(path)?, &["client", "vouch"], &self.suffix)
    }
}

fn environment(request: &DefaultsRequest) -> Result<Settings, TargetError> {
    Ok(Settings {
        host: request.host.clone(),
        port: request.tcp_port.as_deref().map(port).transpose()?,
        socket: request.unix_port.as_deref().map(PathBuf::from),
        password: request.password.clone().map(Secret),
        ..Settings::default()
    })
}

fn groups(file: &OptionFile, names: &[&str], suffix: &str) -> Result<Settings, TargetError> {
    let mut settings = Settings::default();
    for name in names {
        let suffixed = format!("{name}{suffix}");
        let suffixed = file.group(&suffixed).filter(|_| !suffix.is_empty());
        for option in file.group(name).chain(suffixed) {
            settings.set_option(option)?;
        }
    }
    Ok(settings)
}
