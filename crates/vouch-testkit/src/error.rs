//! What can go wrong while servers are booted and driven: [`Error`].

use std::fmt;
use std::io;
use std::time::Duration;

/// A failure of the kit itself or of a server that it drives.
#[derive(Debug)]
pub enum Error {
    /// A server or a tool is not installed.
    Missing {
        /// What is missing, and where it was looked for.
        what: String,
        /// The command that provides it.
        hint: String,
    },
    /// The operating system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
    /// A program that was run to its end failed.
    Tool {
        /// The program.
        what: String,
        /// The end of what it said.
        said: String,
    },
    /// A server did not become ready.
    Start {
        /// The server's name in its topology.
        server: String,
        /// Whether it died or took too long.
        why: String,
        /// The last lines of its error log.
        log: String,
    },
    /// A server answered a statement with an error.
    Sql {
        /// The server's name in its topology.
        server: String,
        /// The beginning of the statement.
        statement: String,
        /// The server's answer, or the client library's.
        source: Box<mysql::Error>,
    },
    /// Something did not come true in time.
    Timeout {
        /// What was waited for, and what was seen last.
        what: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The request makes no sense for this server or table.
    Unfit(String),
}

/// The kit's result.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing { what, hint } => write!(f, "{what} is missing (hint: {hint})"),
            Error::Io { doing, source } => write!(f, "{doing}: {source}"),
            Error::Tool { what, said } => write!(f, "{what} failed: {said}"),
            Error::Start { server, why, log } => write!(f, "server {server} {why}; its log ends:\n{log}"),
            Error::Sql { server, statement, source } => write!(f, "server {server}: {source} (in: {statement})"),
            Error::Timeout { what, within } => write!(f, "waited {within:?} in vain: {what}"),
            Error::Unfit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            Error::Sql { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error {
    /// Wraps an answer of the operating system; for `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Io { doing, source }
    }

    /// Wraps an answer to a statement; for `map_err`.
    pub(crate) fn sql(server: &str, statement: &str) -> impl FnOnce(mysql::Error) -> Error {
        let statement: String = statement.chars().take(300).collect();
        let server = server.to_owned();
        move |source| Error::Sql { server, statement, source: Box::new(source) }
    }
}
