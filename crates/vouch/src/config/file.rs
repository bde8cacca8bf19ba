//! The layer of the configuration file, `vouch.toml`.
//!
//! Keys are names of options. Those in a table with the name of a command, such as
//! `[compare]`, are for that command (`[serve]` for `vouch probe` too); those before
//! any table hold for every command that has them. A key that no option has is an
//! error: a misspelled filter must not widen what is looked at.

use super::layers::{Given, Origin, options};
use crate::complaint::{Complaint, cause};
use crate::environment::Environment;
use crate::nearest::nearest;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A configuration file that was read.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    values: BTreeMap<String, (Vec<OsString>, usize)>,
}

impl ConfigFile {
    /// What the file has for an option.
    pub(super) fn given(&self, option: &str) -> Option<Given> {
        let (values, line) = self.values.get(option)?;
        Some(Given { values: values.clone(), origin: Origin::File(self.path.clone(), *line) })
    }
}

/// The file to read: the named one, `VOUCH_CONFIG`, `./vouch.toml`, or the user's own.
pub(super) fn find(named: Option<PathBuf>, variables: &Environment) -> Result<Option<PathBuf>, Complaint> {
    if let Some(path) = named.or_else(|| variables.path("VOUCH_CONFIG")) {
        return Ok(Some(path));
    }
    let own = variables.folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("vouch/vouch.toml"));
    Ok([Some(PathBuf::from("vouch.toml")), own].into_iter().flatten().find(|path| path.is_file()))
}

/// The tables that a file may have, and the commands that each is for.
const SECTIONS: [(&str, &[&str]); 5] = [
    ("compare", &["compare"]),
    ("checksum", &["checksum"]),
    ("serve", &["serve", "probe"]),
    ("validate", &["validate"]),
    ("manifest", &["manifest"]),
];

/// The table that is for a command; what is about configuration is about `compare`.
fn section_of(verb: &str) -> (&'static str, &'static [&'static str]) {
    let found = SECTIONS.into_iter().find(|(_, commands)| commands.contains(&verb));
    found.unwrap_or(("compare", &["compare"]))
}

/// Reads a file whose keys are options of `definition`, in the table of `verb` or before any.
pub(super) fn read(path: &Path, definition: &clap::Command, verb: &str) -> Result<ConfigFile, Complaint> {
    let text = fs::read_to_string(path).map_err(|error| {
        Complaint::usage(format!("the configuration file {} could not be read: {}", path.display(), cause(&error)))
            .hint("check --config")
    })?;
    parse(&text, path, definition, verb)
}

fn parse(text: &str, path: &Path, definition: &clap::Command, verb: &str) -> Result<ConfigFile, Complaint> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let problem = error.message().lines().next().unwrap_or_default().to_owned();
        malformed(path, line, &problem).hint("strings need quotes: chunk-time = \"1s\"")
    })?;
    let (section, commands) = section_of(verb);
    let elsewhere = SECTIONS.iter().flat_map(|(_, commands)| names(commands)).collect();
    let (known, family) = (Vec::new(), names(commands));
    let mut reader = Reader { text, path, section, known, elsewhere, family, values: BTreeMap::new() };
    reader.known.extend(options(definition).filter_map(clap::Arg::get_long));
    reader.table(document.get_ref(), false)?;
    Ok(ConfigFile { path: path.to_owned(), values: reader.values })
}

fn malformed(path: &Path, line: usize, problem: &str) -> Complaint {
    Complaint::usage(format!("the configuration file {} is wrong at line {line}: {problem}", path.display()))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

/// The names of the options of these commands and of the commands under them.
fn names(commands: &[&str]) -> Vec<String> {
    let command = crate::cli::command();
    let own = |command: &clap::Command| -> Vec<String> {
        options(command).filter_map(clap::Arg::get_long).map(str::to_owned).collect()
    };
    let commands = commands.iter().filter_map(|name| command.find_subcommand(name));
    commands.flat_map(|command| std::iter::once(command).chain(command.get_subcommands()).flat_map(own)).collect()
}

struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    section: &'a str,
    known: Vec<&'a str>,
    /// Options of any command.
    elsewhere: Vec<String>,
    /// Options of the commands that share the section.
    family: Vec<String>,
    values: BTreeMap<String, (Vec<OsString>, usize)>,
}

impl Reader<'_> {
    /// Takes the keys of a table; those of the command's own go before those above it.
    fn table(&mut self, table: &DeTable<'_>, inner: bool) -> Result<(), Complaint> {
        for (key, value) in table {
            let line = line_of(self.text, key.span().start);
            let name = key.get_ref().replace('_', "-");
            match value.get_ref() {
                DeValue::Table(inner_table) if name == self.section && !inner => self.table(inner_table, true)?,
                DeValue::Table(_) if SECTIONS.iter().any(|(section, _)| *section == name) && !inner => {}
                _ if self.is_elsewhere(&name, inner) => {}
                _ if !self.known.contains(&name.as_str()) => return Err(self.unknown(key.get_ref(), &name, line)),
                value => {
                    let values = scalars(value).map_err(|problem| {
                        malformed(self.path, line, &format!("{name} {problem}"))
                            .hint("write a string, a number or a list of these")
                    })?;
                    if inner || !self.values.contains_key(&name) {
                        self.values.insert(name, (values, line));
                    }
                }
            }
        }
        Ok(())
    }

    /// A key that this command does not have, and those have for which it may stand there.
    fn is_elsewhere(&self, name: &str, inner: bool) -> bool {
        let others = if inner { &self.family } else { &self.elsewhere };
        !self.known.contains(&name) && others.iter().any(|option| option == name)
    }

    fn unknown(&self, written: &str, name: &str, line: usize) -> Complaint {
        let complaint = malformed(self.path, line, &format!("`{written}` is no option"));
        match nearest(name, self.known.iter().copied()).first() {
            Some(near) => complaint.hint(format!("did you mean {near}")),
            None => complaint
                .hint(format!("the options are those of `vouch {} --help`, without the dashes in front", self.section)),
        }
    }
}

/// A value, or the values of a list, as they would stand on the command line.
fn scalars(value: &DeValue<'_>) -> Result<Vec<OsString>, &'static str> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect(),
        value => scalar(value).map(|value| vec![value]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<OsString, &'static str> {
    match value {
        DeValue::String(text) => Ok(OsString::from(text.as_ref())),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.to_string().into()),
        DeValue::Integer(_) => Err("is not a decimal number"),
        DeValue::Float(number) => Ok(number.to_string().into()),
        DeValue::Boolean(value) => Ok(value.to_string().into()),
        DeValue::Datetime(_) => Err("is a date"),
        DeValue::Array(_) => Err("has a list within a list"),
        DeValue::Table(_) => Err("is a table"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        let definition = crate::cli::command().find_subcommand("compare").unwrap().clone();
        super::parse(text, Path::new("vouch.toml"), &definition, "compare").map_err(|complaint| complaint.to_string())
    }

    #[test]
    fn values_become_arguments() {
        let file = parse("recurse = 2\nchunk_time = 0.5\n[compare]\nquiet = true\nreplica = [\"a\", 'b']\n").unwrap();
        for (option, values, line) in [
            ("recurse", vec!["2"], 1),
            ("chunk-time", vec!["0.5"], 2),
            ("quiet", vec!["true"], 4),
            ("replica", vec!["a", "b"], 5),
        ] {
            let given = file.given(option).unwrap();
            assert_eq!(given.values, values);
            assert_eq!(given.origin, Origin::File("vouch.toml".into(), line));
        }
        assert!(file.given("source").is_none());
    }

    #[test]
    fn a_table_of_the_command_goes_before_what_holds_for_all() {
        for text in ["recurse = 1\n[compare]\nrecurse = 2\n", "compare.recurse = 2\nrecurse = 1\n"] {
            assert_eq!(parse(text).unwrap().given("recurse").unwrap().values, ["2"], "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, message) in [
            ("\nmax-lagg = 1", "line 2: `max-lagg` is no option\nhint: did you mean max-lag"),
            ("[compare]\n[compare.compare]\n", "line 2: `compare` is no option"),
            ("config = 'x'", "line 1: `config` is no option"),
            ("[other]\nquiet = true", "line 1: `other` is no option"),
            ("max-lag = 1979-05-27", "line 1: max-lag is a date"),
            ("tables = [['a']]", "line 1: tables has a list within a list"),
            ("readers = 0x10", "line 1: readers is not a decimal number"),
            ("tables = {a = 1}", "line 1: tables is a table"),
            ("quiet = true\nquiet = true", "line 2: duplicate key"),
        ] {
            let found = parse(text).map(|_| ()).unwrap_err();
            assert!(found.contains(message), "{text}: {found}");
        }
    }
}
