//! Option files of the mysql client (`my.cnf`): groups, includes, quotes, escapes.
//!
//! [`OptionFile`] keeps every option with its group, in the order in which the
//! client would read them, so that the last one wins. Nothing is interpreted
//! here: which options mean something is the target's business.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Includes within includes beyond this are taken for a cycle.
const INCLUDE_DEPTH_MAX: usize = 10;

/// The options of a file and of all that it includes.
#[derive(Clone, Default)]
pub struct OptionFile {
    options: Vec<FileOption>,
    groups: Vec<String>,
    warnings: Vec<String>,
}

/// One line `name = value`.
#[derive(Clone, PartialEq, Eq)]
pub struct FileOption {
    /// The group, without brackets.
    pub group: String,
    /// The name, with `-` for `_` and without `loose-`.
    pub name: String,
    /// The value; `None` when there is no `=`.
    pub value: Option<String>,
    /// Where it stands, as `file:line`.
    pub place: String,
}

/// Why an option file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionFileError {
    /// The file or folder could not be read. Check the path and its permissions.
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A line makes no sense. Correct it.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl fmt::Display for OptionFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionFileError::Unreadable { path, cause } => {
                write!(f, "the option file {} could not be read: {cause}", path.display())
            }
            OptionFileError::Line { path, line, problem } => {
                write!(f, "the option file {} is malformed at line {line}: {problem}", path.display())
            }
        }
    }
}

impl std::error::Error for OptionFileError {}

// Values may be passwords, so only names are shown.
impl fmt::Debug for OptionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionFile").field("options", &self.options).field("warnings", &self.warnings).finish()
    }
}

impl fmt::Debug for FileOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} at {}", self.group, self.name, self.place)
    }
}

impl OptionFile {
    /// Reads a file and all that it includes. A file that everybody may write to
    /// is left out with a warning, as the mysql client does.
    ///
    /// # Errors
    /// The file, or one that it includes, is unreadable or malformed.
    pub fn read(path: &Path) -> Result<OptionFile, OptionFileError> {
        let mut file = OptionFile::default();
        file.read_into(path, 0)?;
        Ok(file)
    }

    /// The options of a group, in order; the last of a name wins.
    pub fn group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a FileOption> {
        self.options.iter().filter(move |option| option.group == group)
    }

    /// Whether the group stands in the file, be it empty.
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known == group)
    }

    /// The names of all groups, each once, in order.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// What was left out, and why.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn read_into(&mut self, path: &Path, depth: usize) -> Result<(), OptionFileError> {
        let unreadable = |e: std::io::Error| OptionFileError::Unreadable { path: path.into(), cause: reason(&e) };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_file() && metadata.mode() & 0o002 != 0 {
            self.warnings.push(format!("{} is ignored: everybody may write to it", path.display()));
            return Ok(());
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        self.parse(&bytes, path, depth)
    }

    fn parse(&mut self, bytes: &[u8], path: &Path, depth: usize) -> Result<(), OptionFileError> {
        let mut group: Option<String> = None;
        for (index, bytes) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let malformed = |problem| OptionFileError::Line { path: path.into(), line: number, problem };
            let line = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
            match Line::parse(line).map_err(malformed)? {
                Line::Nothing => {}
                Line::Group(name) => {
                    if !self.has_group(name) {
                        self.groups.push(name.to_owned());
                    }
                    group = Some(name.to_owned());
                }
                Line::Include(_) | Line::IncludeDir(_) if depth == INCLUDE_DEPTH_MAX => {
                    return Err(malformed("files include each other without end"));
                }
                Line::Include(name) => self.read_into(&beside(path, name), depth + 1)?,
                Line::IncludeDir(name) => self.read_dir(&beside(path, name), depth + 1)?,
                Line::Option(name, value) => {
                    let group = group.clone().ok_or_else(|| malformed("the option stands before any [group]"))?;
                    self.options.push(FileOption { group, name, value, place: format!("{}:{number}", path.display()) });
                }
            }
        }
        Ok(())
    }

    fn read_dir(&mut self, folder: &Path, depth: usize) -> Result<(), OptionFileError> {
        let unreadable = |e: std::io::Error| OptionFileError::Unreadable { path: folder.into(), cause: reason(&e) };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "cnf") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().try_for_each(|path| self.read_into(path, depth))
    }
}

/// A path of an include: relative ones are beside the file that names them.
fn beside(file: &Path, name: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(name)
}

/// The system's words without its error number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// What a line is.
enum Line<'a> {
    Nothing,
    Group(&'a str),
    Include(&'a str),
    IncludeDir(&'a str),
    Option(String, Option<String>),
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Result<Line<'a>, &'static str> {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(Line::Nothing);
        }
        if let Some(rest) = line.strip_prefix('[') {
            let end = rest.find(']').ok_or("the group has no closing bracket")?;
            return Ok(Line::Group(rest[..end].trim()));
        }
        if let Some(directive) = line.strip_prefix('!') {
            return Line::directive(directive);
        }
        let line = without_comment(line);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unescape(unquote(value.trim())))),
            None => (line.trim(), None),
        };
        if name.is_empty() {
            return Err("a value without a name");
        }
        Ok(Line::Option(option_name(name), value))
    }

    fn directive(text: &'a str) -> Result<Line<'a>, &'static str> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let path = rest.trim();
        match word {
            "include" | "includedir" if path.is_empty() => Err("an include names no file"),
            "include" => Ok(Line::Include(path)),
            "includedir" => Ok(Line::IncludeDir(path)),
            _ => Err("only !include and !includedir are known"),
        }
    }
}

fn option_name(name: &str) -> String {
    let name = name.replace('_', "-");
    name.strip_prefix("loose-").map(str::to_owned).unwrap_or(name)
}

/// Cuts a comment that begins with `#` outside quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (None, '#') => return line[..at].trim_end(),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// `\b \t \n \r \\ \s \" \'`; an unknown escape stays as it is.
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('b') => text.push('\u{8}'),
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('s') => text.push(' '),
            Some(c @ ('\\' | '"' | '\'')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<OptionFile, OptionFileError> {
        let mut file = OptionFile::default();
        file.parse(text.as_bytes(), Path::new("my.cnf"), 0).map(|()| file)
    }

    fn value(text: &str, group: &str, name: &str) -> Option<String> {
        let file = parse(text).unwrap();
        file.group(group).filter(|option| option.name == name).last().and_then(|option| option.value.clone())
    }

    #[test]
    fn the_last_option_of_a_group_wins_and_groups_add_up() {
        let text = "[client]\nuser=a\n[other]\nuser=x\n[client]\nuser = b # not c\n";
        assert_eq!(value(text, "client", "user").unwrap(), "b");
        assert_eq!(parse(text).unwrap().groups(), ["client", "other"]);
    }

    #[test]
    fn quotes_escapes_and_comments_are_the_clients() {
        for (written, meant) in [
            ("plain", "plain"),
            ("'a#b'", "a#b"),
            ("\"a;b\"", "a;b"),
            ("a;b", "a;b"),
            ("a#b", "a"),
            (r"a\sb\\c\n", "a b\\c\n"),
            (r"\d", r"\d"),
            ("\"say \\\"#1\\\"\"", "say \"#1\""),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(value(&format!("[g]\np={written}"), "g", "p").unwrap(), meant, "{written}");
        }
    }

    #[test]
    fn underscores_are_dashes_and_loose_is_dropped() {
        assert_eq!(value("[g]\r\nloose_ssl_mode = X\r\n", "g", "ssl-mode").unwrap(), "X");
        assert_eq!(value("[g]\nskip_ssl", "g", "skip-ssl"), None);
    }

    #[test]
    fn errors_name_file_and_line() {
        for (text, line) in [("user=a", 1), ("[g\n", 1), ("[g]\n\n=x", 3), ("[g]\n!inklude x", 2), ("!include", 1)] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(&format!("my.cnf is malformed at line {line}")), "{message}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", parse("[client]\npassword=hunter2").unwrap());
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn includes_are_followed_and_cycles_end() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        write("main.cnf", "[client]\nuser=a\n!include other.cnf\nport=1\n!includedir conf.d\n");
        write("other.cnf", "[client]\nuser=b\n");
        write("conf.d/2.cnf", "[x]\na=2\n");
        write("conf.d/1.cnf", "[x]\na=1\n");
        write("conf.d/3.txt", "[x]\na=3\n");
        write("cycle.cnf", "!include cycle.cnf\n");
        let file = OptionFile::read(&folder.path().join("main.cnf")).unwrap();
        let values: Vec<_> = file.options.iter().filter_map(|option| option.value.as_deref()).collect();
        assert_eq!(values, ["a", "b", "1", "1", "2"]);
        assert_eq!(file.options[2].group, "client");
        let error = OptionFile::read(&folder.path().join("cycle.cnf")).unwrap_err();
        assert!(error.to_string().contains("without end"), "{error}");
    }

    #[test]
    fn a_file_that_everybody_may_write_to_is_ignored() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open.cnf");
        fs::write(&path, "[client]\nuser=a\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let file = OptionFile::read(&path).unwrap();
        assert!(file.options.is_empty() && file.warnings()[0].contains("open.cnf"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            // Includes would touch the disk.
            if !bytes.contains(&b'!') {
                let mut file = OptionFile::default();
                let _ = file.parse(&bytes, Path::new("my.cnf"), 0);
            }
        }

        #[test]
        fn any_value_survives_quoting(value in "[^\\r\\n]*") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t");
            let text = format!("[g]\np=\"{quoted}\"");
            prop_assert_eq!(super::tests::value(&text, "g", "p").unwrap(), value);
        }
    }
}
