//! What a run leaves for one that goes on where it was cut off: [`Kept`].
//!
//! A file for each manifest and server, a line for each table whose rows were
//! read. Invariant: a result is taken over only where the manifest, the server
//! and its position are the same as when it was written; a line that is damaged,
//! as the last one of a killed run may be, is one that was never written.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use vouch_convert::parse;
use vouch_manifest::Sha256;
use vouch_report::{CheckStatus, TableCheck};

/// Bumped with every change of the lines below; files of other layouts are not taken over.
const LAYOUT: &str = "vouch-gate-1";

/// What has to be the same for results to be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// SHA-256 of the manifest's bytes.
    pub manifest: String,
    /// What tells the server from others.
    pub server: String,
    /// Where it stands, such that nothing can have changed while it stands there.
    pub position: String,
}

impl Ground {
    fn file_name(&self) -> String {
        let mut name = digest(&format!("{}\n{}", self.manifest, self.server));
        name.push_str(".gate");
        name
    }

    fn line(&self) -> String {
        line(&[LAYOUT, &self.manifest, &self.server, &self.position])
    }
}

/// The results of a run so far.
pub struct Kept {
    file: File,
}

/// Results of an earlier run, by the label of their table.
pub type Taken = HashMap<String, TableCheck>;

impl Kept {
    /// Begins to keep results on that ground. With `resume`, what an earlier run kept on the very same ground is
    /// returned and kept on; all else is dropped.
    ///
    /// # Errors
    /// The file cannot be used, or another run uses it.
    pub fn begin(folder: &Path, ground: &Ground, resume: bool) -> io::Result<(Kept, Taken)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(ground.file_name());
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|_| io::Error::other("another run uses it"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let taken = if resume { read(&String::from_utf8_lossy(&bytes), ground) } else { Taken::new() };
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        let text: String = std::iter::once(ground.line()).chain(taken.values().map(check_line)).collect();
        file.write_all(text.as_bytes())?;
        Ok((Kept { file }, taken))
    }

    /// Keeps a result, if it is one that another run need not find again.
    ///
    /// # Errors
    /// It could not be written.
    pub fn keep(&mut self, check: &TableCheck) -> io::Result<()> {
        match check.status {
            CheckStatus::Valid | CheckStatus::Mismatch => self.file.write_all(check_line(check).as_bytes()),
            _ => Ok(()),
        }
    }

    /// Forgets everything: the run came to its end.
    ///
    /// # Errors
    /// The file could not be emptied.
    pub fn forget(self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

fn digest(text: &str) -> String {
    Sha256::of(text.as_bytes()).iter().take(16).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Fields on one line, behind a digest of them.
fn line(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| escaped(field)).collect();
    let joined = fields.join("\t");
    format!("{}\t{joined}\n", digest(&joined))
}

fn fields(line: &str) -> Option<Vec<String>> {
    let (sum, joined) = line.split_once('\t')?;
    (digest(joined) == sum).then(|| joined.split('\t').map(plain).collect())
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            (_, Some('t')) => out.push('\t'),
            (_, Some('n')) => out.push('\n'),
            (_, Some('r')) => out.push('\r'),
            (_, Some(other)) => out.push(other),
            (c, None) => out.push(c),
        }
    }
    out
}

fn check_line(check: &TableCheck) -> String {
    let rows = check.rows.map_or_else(String::new, |rows| rows.to_string());
    let (took, attempts, at) = (check.took_ms.to_string(), check.attempts.to_string(), check.at_ms.to_string());
    let (status, reason) = (check.status.name(), check.reason.as_str());
    line(&[&check.schema, &check.name, status, &check.actual, &rows, reason, &took, &attempts, &at])
}

fn check(fields: &[String]) -> Option<TableCheck> {
    let [schema, name, status, actual, rows, reason, took, attempts, at] = fields else { return None };
    Some(TableCheck {
        schema: schema.clone(),
        name: name.clone(),
        status: CheckStatus::ALL.into_iter().find(|known| known.name() == status)?,
        method: String::new(),
        expected: String::new(),
        actual: actual.clone(),
        rows_expected: None,
        rows: if rows.is_empty() { None } else { Some(parse(rows)?) },
        reason: reason.clone(),
        took_ms: parse(took)?,
        attempts: parse(attempts)?,
        at_ms: parse(at)?,
    })
}

fn read(text: &str, ground: &Ground) -> Taken {
    let mut lines = text.split_inclusive('\n');
    if lines.next() != Some(ground.line().as_str()) {
        return Taken::new();
    }
    let whole = lines.filter_map(|line| line.strip_suffix('\n'));
    let checks = whole.filter_map(|line| check(&fields(line)?));
    checks.map(|check| (check.label(), check)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn ground(position: &str) -> Ground {
        Ground { manifest: "aa".to_owned(), server: "u\t1".to_owned(), position: position.to_owned() }
    }

    fn result(name: &str, status: CheckStatus) -> TableCheck {
        TableCheck {
            schema: "a\tb".to_owned(),
            name: name.to_owned(),
            status,
            method: String::new(),
            expected: String::new(),
            actual: "xor:1".to_owned(),
            rows_expected: None,
            rows: Some(7),
            reason: "no\nreason\\n".to_owned(),
            took_ms: 5,
            attempts: 1,
            at_ms: 99,
        }
    }

    #[test]
    fn results_are_taken_over_on_the_same_ground_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (mut kept, taken) = Kept::begin(folder.path(), &ground("g:1-5"), true).unwrap();
        assert!(taken.is_empty());
        let done = [result("one", CheckStatus::Valid), result("t\\wo", CheckStatus::Mismatch)];
        done.iter().for_each(|check| kept.keep(check).unwrap());
        kept.keep(&result("late", CheckStatus::Timeout)).unwrap();
        assert!(Kept::begin(folder.path(), &ground("g:1-5"), true).is_err(), "another run uses it");
        drop(kept);
        let (kept, taken) = Kept::begin(folder.path(), &ground("g:1-5"), true).unwrap();
        assert_eq!(taken.len(), 2);
        assert_eq!(taken.get(&done[1].label()), Some(&done[1]));
        drop(kept);
        let (kept, taken) = Kept::begin(folder.path(), &ground("g:1-6"), true).unwrap();
        assert!(taken.is_empty(), "the server has moved");
        drop(kept);
        let (kept, taken) = Kept::begin(folder.path(), &ground("g:1-5"), true).unwrap();
        assert!(taken.is_empty(), "what was there before it moved is gone");
        kept.forget().unwrap();
    }

    #[test]
    fn a_line_cut_anywhere_is_no_line() {
        let (head, one) = (ground("p").line(), check_line(&result("one", CheckStatus::Valid)));
        for end in 0..one.len() {
            let text = format!("{head}{}", &one[..end]);
            assert!(read(&text, &ground("p")).is_empty(), "{end}");
            let text = format!("{head}{}\n{one}", &one[..end]);
            assert_eq!(read(&text, &ground("p")).len(), 1, "{end}");
        }
        let forged = format!("{head}{one}").replace("VALID", "MISMATCH");
        assert!(read(&forged, &ground("p")).is_empty());
    }
}
