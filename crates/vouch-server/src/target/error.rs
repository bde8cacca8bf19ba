//! Why an address or its defaults could not be used.

use crate::option_file::OptionFileError;
use std::fmt;

/// Why a connection address was refused. No variant ever quotes a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// Nothing was given.
    Empty,
    /// The scheme of a URL is neither `mysql` nor `mariadb`.
    Scheme(String),
    /// A `%` in a URL is not followed by two hex digits, or the result is no UTF-8.
    Encoding,
    /// The host is empty or has characters that no host has.
    Host,
    /// The port is no number from 1 to 65535.
    Port,
    /// A URL has a path, which would name a database.
    Database(String),
    /// The fragment of a URL, which an address has no use for.
    Fragment,
    /// A part of a DSN is not `letter=value`; counted from 1.
    Pair(usize),
    /// An unknown DSN letter.
    Letter(String),
    /// A part of a discovered address that only the user may give.
    Discovered(String),
    /// An unknown parameter of a URL or DSN.
    Parameter(String),
    /// A group that stands in no option file that was read.
    Group {
        /// The name.
        name: String,
        /// Those that do.
        known: Vec<String>,
    },
    /// A value that its option does not take.
    Value {
        /// The option.
        name: String,
        /// The value.
        value: String,
        /// What it takes.
        takes: &'static str,
    },
    /// Only one of `ssl-cert` and `ssl-key` is given.
    HalfIdentity,
    /// `verify-ca` without a CA.
    NoCa,
    /// A file of `ssl-ca`, `ssl-cert`, `ssl-key` or `server-public-key-path` cannot be read.
    KeyFile {
        /// The option.
        name: &'static str,
        /// The path.
        path: std::path::PathBuf,
        /// What the system said.
        cause: String,
    },
    /// An option file is unreadable or malformed.
    File(OptionFileError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Empty => f.write_str("the address is empty"),
            TargetError::Scheme(scheme) => write!(f, "the URL scheme `{scheme}` is not known"),
            TargetError::Encoding => f.write_str("the URL has a broken percent escape"),
            TargetError::Host => f.write_str("the address has no usable host"),
            TargetError::Port => f.write_str("the port is not a number from 1 to 65535"),
            TargetError::Database(name) => write!(f, "the address names a database, `{name}`"),
            TargetError::Fragment => f.write_str("the URL has a `#` part"),
            TargetError::Pair(number) => write!(f, "part {number} of the DSN is not `letter=value`"),
            TargetError::Letter(letter) => write!(f, "the DSN letter `{letter}` is not known"),
            TargetError::Discovered(name) => {
                write!(f, "the discovered address has `{name}=`, and only its host (h) and port (P) may be taken")
            }
            TargetError::Parameter(name) => write!(f, "the parameter `{name}` is not known"),
            TargetError::Group { name, .. } => write!(f, "no option file that was read has a group [{name}]"),
            TargetError::Value { name, value, .. } => write!(f, "`{value}` is no value of {name}"),
            TargetError::HalfIdentity => f.write_str("only one of ssl-cert and ssl-key is given"),
            TargetError::NoCa => f.write_str("ssl-mode=verify-ca needs the CA to verify against"),
            TargetError::KeyFile { name, path, cause } => {
                write!(f, "the file {} of {name} could not be read: {cause}", path.display())
            }
            TargetError::File(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TargetError {}

impl From<OptionFileError> for TargetError {
    fn from(error: OptionFileError) -> Self {
        TargetError::File(error)
    }
}

impl TargetError {
    /// What the user can do: one sentence without a full stop.
    pub fn hint(&self) -> String {
        match self {
            TargetError::Empty | TargetError::Host => {
                "an address is mysql://user@host:3306/, h=host,P=3306,u=user, host:port, /path/to/socket or [group]"
                    .into()
            }
            TargetError::Scheme(_) => "use mysql:// or mariadb://".into(),
            TargetError::Encoding | TargetError::Port | TargetError::Fragment => {
                "in a URL, write % / ? # @ : of a user or password as %25 %2F %3F %23 %40 %3A".into()
            }
            TargetError::Database(_) => "choose databases with --databases".into(),
            TargetError::Pair(_) => r"write a comma within a value as \,".into(),
            TargetError::Letter(_) => format!("known are {}, and the parameters {}", super::dsn::LETTERS, parameters()),
            TargetError::Discovered(_) => "name the replica with --replica".into(),
            TargetError::Parameter(_) => format!("known are {}", parameters()),
            TargetError::Group { known, .. } if known.is_empty() => "name the option file with --defaults-file".into(),
            TargetError::Group { known, .. } => format!("the groups are [{}]", known.join("] [")),
            TargetError::Value { takes, .. } => format!("it takes {takes}"),
            TargetError::HalfIdentity => "a client certificate needs both".into(),
            TargetError::NoCa => "add ssl-ca=FILE, or use ssl-mode=verify-identity with a public authority".into(),
            TargetError::KeyFile { .. } | TargetError::File(OptionFileError::Unreadable { .. }) => {
                "check the path and its permissions".into()
            }
            TargetError::File(OptionFileError::Line { .. }) => {
                "a line is [group], name=value, !include FILE, !includedir FOLDER or # comment".into()
            }
        }
    }
}

fn parameters() -> String {
    super::settings::PARAMETERS.join(", ")
}
