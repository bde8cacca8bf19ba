//! What is known about the terminal, and writing to it.

use crate::cli::output::When;
use crate::environment::Environment;
use std::io::{self, IsTerminal, Write};
use vouch_convert::parse;

/// Whether stdout or stderr are used by a person, and how.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Colours on stdout.
    pub stdout_colour: bool,
    /// Colours on stderr.
    pub stderr_colour: bool,
    /// Whether stderr can show a progress bar.
    pub stderr_live: bool,
    /// Columns of stdout.
    pub width: u16,
}

impl Terminal {
    /// Looks at stdout and stderr.
    pub fn of_process(colour: When, environment: &Environment) -> Self {
        let dumb = environment.text("TERM").is_some_and(|term| term == "dumb");
        let wanted = |terminal: bool| match colour {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !dumb && environment.raw("NO_COLOR").is_none(),
        };
        let (stdout, stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let width = if stdout { columns() } else { environment.text("COLUMNS").and_then(parse) };
        Terminal {
            stdout_colour: wanted(stdout),
            stderr_colour: wanted(stderr),
            stderr_live: stderr && !dumb,
            width: width.unwrap_or(100),
        }
    }
}

fn columns() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// Writes data to stdout. A reader that has gone away is no error: it has seen what it wanted.
///
/// # Errors
/// Whatever else keeps the data from being written, such as a full disk.
pub fn write_data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Says something on stderr. Nobody can be told when that fails.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
