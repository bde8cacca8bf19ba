//! A whole run: [`verify`] finds the files, opens them, has them scanned and sums up.

use crate::books::Books;
use crate::copies::Copies;
use crate::discover::{Discovered, Found, Home, at, discover, unread_at, unreadable};
use crate::fuzzy;
use crate::holders::{self, Holder};
use crate::instance::is_of_server;
use crate::kind::Kind;
use crate::logs::{self, LogReport, Logs, StreamedLog};
use crate::options::{Inputs, Level, PagesOptions, StateChoice};
use crate::packed::{Delta, Streamed, read_all};
use crate::presence::{Checked, InFolder, Known, Presence};
use crate::scan::{Surroundings, finish, scan};
use crate::space::{self, OpenError, Since, Space};
use crate::state::State;
use crate::unit::{Board, Job};
use crate::zeros::{ZeroFile, judge_zero_file};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vouch_convert::widen;
use vouch_innodb::{Keyring, Lsn, SpaceFormat};
use vouch_report::{
    Code, Event, Failure, FileCoverage, FilePlace, FileState, Finding, PageTally, Refusal, RunContext, Skip, Summary,
};

/// How often a file that looks like no tablespace is looked at, and how long a server may take to make it one.
const LOOKS: usize = 5;
const PATIENCE: Duration = Duration::from_millis(50);

/// Verifies the pages of all files that the options name.
///
/// # Errors
/// No path was named.
pub fn verify(options: &PagesOptions, inputs: Inputs, context: &RunContext) -> Result<Summary, Refusal> {
    if options.paths.is_empty() {
        let hint = "name a data directory, a backup directory or a tablespace";
        return Err(Refusal::usage("nothing was named that could be verified", hint));
    }
    let books = Books::open(inputs, context);
    let mut run = Run { options, books: &books, unwritten: Vec::new() };
    let Discovered { files, homes, skips, errors, .. } = discover(&options.paths);
    books.owe(&files);
    let bytes = files.iter().map(|file| file.bytes).sum::<u64>().saturating_add(books.bytes_beside());
    books.emit(&Event::FilesPlanned { files: widen(files.len()), bytes });
    run.tell(skips, errors);
    let asked = holders::ask(files.clone());
    books.check_beside();
    let all = files.clone();
    let (copies, files): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|file| file.kind == Kind::Doublewrite);
    let states = states(&files, &homes, options, &books);
    let (packed, files): (Vec<Found>, Vec<Found>) =
        files.into_iter().partition(|file| matches!(file.kind, Kind::Packed | Kind::Delta | Kind::CloudObject));
    let (logs, files): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|file| logs::takes(file.kind));
    let spaces = run.open_all(files, &states);
    let copies = run.collect_copies(&spaces, copies);
    let mut around = Surroundings { copies, states, logs: Logs::default() };
    same_space(&spaces).into_iter().for_each(|finding| books.finding(finding));
    let board = Board::new(spaces.into_iter().map(Job::new).collect());
    let reports = scan(&board, options, &around, &books);
    let held = run.report_holders(asked.told());
    let known = Known::of(&reports);
    drop(reports);
    run.zero_files_of_directories(&around);
    run.presence(&homes, &all, &known, |root| !held && !is_raw(root, &around.states));
    books.logs(logs::verify_all(logs, &around.states, held, options, &books));
    if !held {
        run.newer_than_logs(&all, &around);
    }
    if !packed.is_empty() {
        run.streams(packed, &mut around);
    }
    let states = run.final_states(&around).join("; ");
    Ok(books.close(states, options.level.name()))
}

/// A verification under way.
struct Run<'a> {
    options: &'a PagesOptions,
    books: &'a Books<'a>,
    /// Files that are all zero in a copy that is yet to be recovered, until the redo log was read. Those that are
    /// never judged settle nothing, so they are unproven.
    unwritten: Vec<Found>,
}

impl Run<'_> {
    /// Verifies packed files and images, whose states are known only at their ends.
    fn streams(&mut self, files: Vec<Found>, around: &mut Surroundings) {
        let (options, books) = (self.options, self.books);
        let Streamed { jobs, formless, mut logs, deltas, since, files, findings, errors, skips, states, members } =
            read_all(files, options, books);
        around.states.retain(|(known, _)| !states.iter().any(|(root, _)| root == known));
        let images = around.states.len()..around.states.len().saturating_add(states.len());
        around.states.extend(states);
        self.logs_in_streams(&mut logs, around);
        let logs = logs::judge_streamed(logs, &around.states, options.max_findings);
        for (root, state) in around.states.get_mut(images.clone()).unwrap_or_default() {
            self.without_notes(root, state, &jobs, &logs);
        }
        let running: Vec<PathBuf> = around
            .states
            .get(images)
            .unwrap_or_default()
            .iter()
            .filter(|(_, state)| state.is_of_running_server())
            .map(|(root, _)| root.clone())
            .collect();
        self.tell(skips, errors);
        findings.into_iter().for_each(|finding| books.finding(finding));
        files.into_iter().for_each(|file| books.file(file));
        for (found, zero) in formless {
            let raw = zero && is_raw(&found.root, &around.states);
            if raw { self.unwritten.push(found) } else { self.unrecognised(&found) }
        }
        self.zero_files(around);
        books.logs(logs);
        self.deltas(deltas, &since, around);
        for job in &jobs {
            finish(job, options, around, books);
        }
        running.iter().for_each(|root| self.read_while_written(root));
        books.members(members);
    }

    /// What logs in images and packed files do. Without notes of a backup tool nothing says that a log belongs to
    /// the files as they are.
    fn logs_in_streams(&self, logs: &mut [StreamedLog], around: &Surroundings) {
        for (root, changed) in logs::changed_by_streamed(logs, &around.states) {
            let noted = is_raw(&root, &around.states);
            let fuzzy = || Err("the files were read one after the other from a running server".to_owned());
            around.logs.passed(root, if noted { changed } else { fuzzy() });
        }
    }

    /// The state of an archive without notes, by its log.
    fn without_notes(&mut self, root: &Path, state: &mut State, jobs: &[Job], logs: &LogReport) {
        let options = self.options;
        let own = |file: &&FileCoverage| {
            file.kind == FileCoverage::REDO_LOG
                && (options.paths.len() == 1 || file.file.starts_with(&format!("{}:", root.display())))
        };
        let logs: Vec<&FileCoverage> = logs.files.iter().filter(own).collect();
        if options.state == StateChoice::Raw
            && let Some((newest, end)) = fuzzy::archive_newer_than_log(root, jobs, &logs)
        {
            self.not_at_one_moment(root, "one", newest, end);
        }
        // What tells is kept of pages from that level on.
        if *state != State::Unknown || options.level < Level::Tree {
            return;
        }
        *state = fuzzy::state_of(root, jobs, &logs);
    }

    /// An archive of the files of a running server, with those that are of several moments themselves.
    fn read_while_written(&self, root: &Path) {
        let (label, mut changed) = (in_words(root), self.books.changed_in(root));
        changed.sort();
        let mut message = format!("{label} holds the files of a server that was running, read one after the other");
        if let Some(first) = changed.first() {
            let more = changed.len().saturating_sub(1);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            message.push_str(&format!("; {first}{more} changed while being read, and parts of pages do not fit"));
        }
        self.books.error(at(&label, Failure::new(Code::FuzzyCopy, message)));
    }

    /// Verifies what incremental backups have.
    fn deltas(&self, deltas: Vec<Delta>, since: &[(PathBuf, Lsn)], around: &Surroundings) {
        let options = self.options;
        let roots: BTreeSet<PathBuf> = deltas.iter().map(|delta| delta.root().to_owned()).collect();
        for delta in deltas {
            let known = around.states.iter().find(|(root, _)| root == delta.root());
            let state = known.map_or(&State::Unknown, |(_, state)| state);
            let noted = since.iter().find(|(root, _)| root == delta.root()).map(|(_, since)| *since);
            let noted = match noted {
                Some(noted) => Some(noted),
                None => State::since(delta.root(), options.backup_key.as_ref()).unwrap_or_else(|unread| {
                    self.books.error(unread_at(&unread));
                    None
                }),
            };
            self.books.space(&mut delta.report(state, noted, options.max_findings));
        }
        for root in roots {
            let message = format!(
                "{}: it has what changed since the backup before; each page is verified by itself, and how pages fit together shows once it is applied",
                in_words(&root)
            );
            self.books.notice(Code::IncrementalBackup, message);
        }
    }

    /// Checks each directory for the files that must be there.
    fn presence(&self, homes: &[Home], files: &[Found], known: &Known, still: impl Fn(&Path) -> bool) {
        if self.books.is_stopped() {
            return;
        }
        for home in homes {
            let still = still(&home.root);
            let key = self.options.backup_key.as_ref();
            let known = known.in_folder(&home.root, still, key).unwrap_or_else(|unread| {
                self.books.error(home.unread(&unread));
                InFolder::default()
            });
            let Checked { findings, errors } = Presence { home, known, still, key }.check(files);
            findings.into_iter().for_each(|finding| self.books.finding(finding));
            errors.into_iter().for_each(|error| self.books.error(error));
        }
    }

    /// Directories without notes of a backup tool whose files go beyond their redo log: a server writes no page before
    /// its log, so these were not copied at one moment. The log is read after the pages, and once more where it seems
    /// to end too soon: a server may write on.
    fn newer_than_logs(&self, all: &[Found], around: &Surroundings) {
        let roots: HashMap<&str, &Path> =
            all.iter().map(|found| (found.label.as_str(), found.root.as_path())).collect();
        let raw = around.states.iter().filter(|(root, state)| root.is_dir() && matches!(state, State::Raw(_, None)));
        for (root, _) in raw {
            let is_own = |file: &str| roots.get(file) == Some(&root.as_path());
            let Some((file, newest, end)) = self.books.newer_than_log(is_own) else { continue };
            around.logs.forget();
            if !around.log(root).as_ref().as_ref().is_ok_and(|log| log.range().1 >= newest) {
                self.not_at_one_moment(root, &file, newest, end);
            }
        }
    }

    fn not_at_one_moment(&self, root: &Path, file: &str, newest: Lsn, end: Lsn) {
        let label = in_words(root);
        let message = format!(
            "the files in {label} were not copied at one moment: {file} has a page of LSN {newest}, and the redo log ends at LSN {end}"
        );
        self.books.error(at(&label, Failure::new(Code::FuzzyCopy, message)));
    }

    fn tell(&self, skips: Vec<Skip>, errors: Vec<Failure>) {
        skips.into_iter().for_each(|skip| self.books.skip(skip));
        errors.into_iter().for_each(|error| self.books.error(error));
    }

    /// The states once everything was read, in words; those that are raw are told.
    fn final_states(&self, around: &Surroundings) -> Vec<String> {
        let options = self.options;
        let mut words: Vec<String> = Vec::new();
        for (root, state) in &around.states {
            let state = state.confirmed(root, options.state, options.backup_key.as_ref());
            let state = state.unwrap_or_else(|unread| {
                self.books.error(unread_at(&unread));
                State::Unknown
            });
            if let State::Raw(why, _) = &state {
                self.books.notice(Code::RawState, format!("{}: {why}", in_words(root)));
            }
            if !words.contains(&state.describe()) {
                words.push(state.describe());
            }
        }
        words
    }
}

/// Files of the system tablespace of one folder are one tablespace; every other file is one by itself.
fn by_space(files: Vec<Found>) -> Vec<Vec<Found>> {
    let mut groups: Vec<Vec<Found>> = Vec::new();
    let mut systems: HashMap<PathBuf, Vec<Found>> = HashMap::new();
    for file in files {
        match (file.kind, file.path.parent()) {
            (Kind::System(_), Some(folder)) => systems.entry(folder.to_owned()).or_default().push(file),
            _ => groups.push(vec![file]),
        }
    }
    for mut group in systems.into_values() {
        group.sort_by_key(|file| if let Kind::System(number) = file.kind { number } else { 0 });
        groups.push(group);
    }
    groups.sort_by(|a, b| label(a).cmp(label(b)));
    groups
}

/// The folder of an instance, or the image.
fn in_words(root: &Path) -> String {
    if root == Path::new(".") { "the current folder".to_owned() } else { root.display().to_string() }
}

fn label(group: &[Found]) -> &str {
    group.first().map_or("", |file| file.label.as_str())
}

impl Run<'_> {
    /// Opens every tablespace, and reports what cannot be opened. Damaged first pages are tried with the formats of
    /// the files beside them.
    fn open_all(&mut self, files: Vec<Found>, states: &[(PathBuf, State)]) -> Vec<Space> {
        let mut spaces = Vec::new();
        let mut known: Vec<SpaceFormat> = Vec::new();
        for group in by_space(files) {
            match open_patiently(&group, &known, &self.options.keyring) {
                Ok(space) => {
                    if !known.contains(&space.format) {
                        known.push(space.format);
                    }
                    if space.header.is_none() {
                        self.guessed(&space);
                    }
                    spaces.push(space);
                }
                Err(OpenError::Unwritten(files)) if files.iter().all(|file| may_be_raw(&file.root, states)) => {
                    self.unwritten.extend(files);
                }
                Err(OpenError::Unreadable(failure)) => self.books.error(*failure),
                Err(OpenError::Unwritten(files) | OpenError::Unrecognised(files)) => {
                    files.iter().for_each(|file| self.unrecognised(file));
                }
            }
        }
        spaces
    }

    fn guessed(&self, space: &Space) {
        let Some(part) = space.parts.first().filter(|part| part.first == 0) else { return };
        let label = &part.found.label;
        let message = format!("the format of {label} was found out from its other pages: {}", space.format);
        self.books.notice(Code::FormatGuessed, message);
    }

    /// Reports servers that have files open which are verified.
    fn report_holders(&self, holders: Vec<Holder>) -> bool {
        let held = !holders.is_empty();
        for Holder { pid, files, first } in holders {
            let which = if files == 1 { first } else { format!("{first} and {} more", files - 1) };
            self.books.notice(Code::FileOpen, format!("a server has {which} open (pid {pid})"));
        }
        held
    }

    fn unrecognised(&self, found: &Found) {
        let message = match found.bytes {
            0 => "the file is empty".to_owned(),
            bytes => format!("none of its {bytes} bytes are pages of a format that InnoDB has"),
        };
        let mut finding = Finding::new(Code::FileUnrecognised, message);
        finding.location.file = Some(FilePlace { file: found.label.clone(), ..FilePlace::default() });
        self.books.finding(finding);
        self.books.file(whole_file(found, 0, PageTally::default(), FileState::Damaged));
    }

    fn collect_copies(&self, spaces: &[Space], files: Vec<Found>) -> HashMap<PathBuf, Copies> {
        let mut copies: HashMap<PathBuf, Copies> = HashMap::new();
        for found in files {
            let entry = copies.entry(found.root.clone()).or_default();
            match entry.add_file(&found) {
                Ok((page_bytes, tally)) => self.books.file(whole_file(&found, page_bytes, tally, FileState::Sound)),
                Err(error) => self.books.error(unreadable(&found.label, &error)),
            }
        }
        for space in spaces {
            copies.entry(space.root.clone()).or_default().add_area(space);
        }
        copies
    }
}

/// Opens a tablespace. One that looks like none is tried again: a server may be making it.
fn open_patiently(group: &[Found], known: &[SpaceFormat], keyring: &Keyring) -> Result<Space, OpenError> {
    for _ in 1..LOOKS {
        match space::open(group.to_vec(), known, keyring) {
            Err(OpenError::Unrecognised(_)) => std::thread::sleep(PATIENCE),
            other => return other,
        }
    }
    space::open(group.to_vec(), known, keyring)
}

/// A file of which no pages are told one by one.
fn whole_file(found: &Found, page_bytes: u64, tally: PageTally, state: FileState) -> FileCoverage {
    FileCoverage {
        file: found.label.clone(),
        kind: found.kind.name(),
        table: None,
        format: String::new(),
        space: None,
        bytes: found.bytes,
        page_bytes,
        pages: tally.seen(),
        tally,
        methods: Vec::new(),
        types: Vec::new(),
        lsn_max: 0,
        state,
        map: Vec::new(),
    }
}

/// The state of each instance, before anything of it is read.
fn states(files: &[Found], homes: &[Home], options: &PagesOptions, books: &Books) -> Vec<(PathBuf, State)> {
    let mut states: Vec<(PathBuf, State)> = Vec::new();
    for Found { root, .. } in files {
        if states.iter().any(|(known, _)| known == root) {
            continue;
        }
        let state = State::of(root, options.state, options.backup_key.as_ref()).unwrap_or_else(|unread| {
            let home = homes.iter().find(|home| home.root == *root);
            books.error(home.map_or_else(|| unread_at(&unread), |home| home.unread(&unread)));
            State::Unknown
        });
        states.push((root.clone(), state));
    }
    states
}

fn is_raw(folder: &Path, states: &[(PathBuf, State)]) -> bool {
    states.iter().any(|(root, state)| root == folder && matches!(state, State::Raw(..)))
}

/// Whether files may be yet to be recovered: those of a server may have their log in another folder.
fn may_be_raw(folder: &Path, states: &[(PathBuf, State)]) -> bool {
    let known = states.iter().find(|(root, _)| root == folder);
    match known.map(|(_, state)| state) {
        Some(State::Raw(..)) => true,
        Some(State::Unknown) => is_of_server(folder),
        _ => false,
    }
}

impl Run<'_> {
    /// Files of a directory that were all zero when they were opened. A running server may have written some since:
    /// their pages are verified now.
    fn zero_files_of_directories(&mut self, around: &Surroundings) {
        let options = self.options;
        let mut written = Vec::new();
        for found in std::mem::take(&mut self.unwritten) {
            // What the log says has to be as of before the file is looked at.
            around.log(&found.root);
            match space::written_since(&found, &options.keyring) {
                Since::Written(space) => written.push(Job::new(*space)),
                Since::Removed => {}
                Since::Same => self.unwritten.push(found),
            }
        }
        self.zero_files(around);
        if !written.is_empty() {
            around.logs.forget();
            scan(&Board::new(written), options, around, self.books);
        }
    }

    /// Files that are all zero: those of tables that were just created are in the redo log alone.
    fn zero_files(&mut self, around: &Surroundings) {
        for found in std::mem::take(&mut self.unwritten) {
            let state = match judge_zero_file(&found, around.log(&found.root).as_ref()) {
                ZeroFile::Created => {
                    let message = format!("{} is all zero: what belongs there is in the redo log", found.label);
                    self.books.notice(Code::FileUnwritten, message);
                    FileState::Sound
                }
                ZeroFile::Lost(finding) => {
                    self.books.finding(*finding);
                    FileState::Damaged
                }
                ZeroFile::Unproven(doubt) => {
                    self.books.doubt(doubt);
                    FileState::Unverified
                }
            };
            self.books.file(whole_file(&found, 0, PageTally::default(), state));
        }
    }
}

/// Two files of one instance that say that they are the same tablespace.
fn same_space(spaces: &[Space]) -> Vec<Finding> {
    let mut first: HashMap<(&Path, u32), &str> = HashMap::new();
    let mut findings = Vec::new();
    for space in spaces.iter().filter(|space| space.header.is_some()) {
        let (Some(id), Some(part)) = (space.id, space.parts.first()) else { continue };
        if let Some(other) = first.insert((space.root.as_path(), id.0), part.found.label.as_str()) {
            let message = format!("it says that it is tablespace {id}, and so does {other}");
            let mut finding = Finding::new(Code::SpaceTwice, message);
            let file = part.found.label.clone();
            finding.location.file = Some(FilePlace { file, space: Some(id.0), ..FilePlace::default() });
            findings.push(finding);
        }
    }
    findings
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
