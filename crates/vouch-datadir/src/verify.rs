//! A whole run: [`verify`] finds the files, opens them, has them scanned and sums up.

use crate::books::{Books, Reports as Run};
use crate::copies::Copies;
use crate::discover::{Discovered, Found, Home, at, discover, unreadable};
use crate::fuzzy;
use crate::holders::{self, Holder};
use crate::kind::Kind;
use crate::ledger::SpaceReport;
use crate::logs::{self, LogReport, Logs, StreamedLog};
use crate::options::{Aside, Level, PagesOptions, Runtime};
use crate::packed::{Delta, Streamed, read_all};
use crate::presence::{Checked, Known, Presence};
use crate::scan::{Surroundings, finish, scan, tell};
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
    Code, Event, Failure, FileCoverage, FilePlace, FileState, Finding, Notice, Outcome, PageTally, Refusal, Skip,
    Summary,
};

/// How often a file that looks like no tablespace is looked at, and how long a server may take to make it one.
const LOOKS: usize = 5;
const PATIENCE: Duration = Duration::from_millis(50);

/// Verifies the pages of all files that the options name.
///
/// # Errors
/// No path was named.
pub fn verify(options: &PagesOptions, runtime: &Runtime) -> Result<Summary, Refusal> {
    if options.paths.is_empty() {
        let hint = "name a data directory, a backup directory or a tablespace";
        return Err(Refusal::usage("nothing was named that could be verified", hint));
    }
    let mut books = Books::open(runtime);
    let mut run = Run::default();
    let Discovered { files, homes, skips, errors, .. } = discover(&options.paths);
    books.owe(&files);
    let besides = runtime.besides.as_ref().map_or(0, |besides| besides.bytes);
    let bytes = files.iter().map(|file| file.bytes).sum::<u64>().saturating_add(besides);
    runtime.sink.emit(&Event::FilesPlanned { files: widen(files.len()), bytes });
    run.tell(skips, errors, runtime);
    let asked = holders::ask(files.clone());
    run.besides(&mut books, runtime);
    let all = files.clone();
    let (copies, files): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|file| file.kind == Kind::Doublewrite);
    let states = states(&files, options);
    let (packed, files): (Vec<Found>, Vec<Found>) =
        files.into_iter().partition(|file| matches!(file.kind, Kind::Packed | Kind::Delta | Kind::CloudObject));
    let (logs, files): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|file| logs::takes(file.kind));
    let spaces = open_all(files, &states, options, &mut run, runtime);
    let copies = collect_copies(&spaces, copies, &mut run, runtime);
    let mut around = Surroundings { copies, states, logs: Logs::default() };
    let twice = same_space(&spaces);
    twice.iter().for_each(|finding| runtime.sink.emit(&Event::Finding(finding.clone())));
    run.findings.extend(twice);
    let board = Board::new(spaces.into_iter().map(Job::new).collect());
    let reports = scan(&board, options, &around, runtime);
    let held = held(asked.told(), &mut run, runtime);
    let known = Known::of(&reports);
    reports.into_iter().for_each(|report| run.add(report));
    run.zero_files_of_directories(options, &around, runtime);
    run.presence(&homes, &all, &known, |root| !held && !is_raw(root, &around.states), runtime);
    run.logs(logs::verify_all(logs, &around.states, held, options, runtime), runtime);
    if !packed.is_empty() {
        run.streams(packed, options, &mut around, runtime);
    }
    let states = run.final_states(options, &around, runtime).join("; ");
    Ok(books.close(states, options.level.name(), run, runtime))
}

impl Run {
    /// Has looked at whatever else is asked for.
    fn besides(&mut self, books: &mut Books, runtime: &Runtime) {
        let Some(besides) = &runtime.besides else { return };
        let Aside { findings, failures, notices } = (besides.look)(runtime);
        books.manifest(match failures.first() {
            None if (runtime.stopped)().is_none() => Outcome::verified_by("digests"),
            failure => Outcome::Unproven(failure.map_or(Code::NotRun, |failure| failure.code)),
        });
        notices.into_iter().for_each(|notice| self.notice(notice.code, notice.message, runtime));
        findings.iter().for_each(|finding| runtime.sink.emit(&Event::Finding(finding.clone())));
        self.findings.extend(findings);
        self.tell(Vec::new(), failures, runtime);
    }

    /// Looks at packed files and images, whose states are known only at their ends.
    fn streams(&mut self, files: Vec<Found>, options: &PagesOptions, around: &mut Surroundings, runtime: &Runtime) {
        let Streamed { jobs, formless, mut logs, deltas, since, files, findings, errors, skips, states, members: _ } =
            read_all(files, options, runtime);
        around.states.retain(|(known, _)| !states.iter().any(|(root, _)| root == known));
        let images = around.states.len()..around.states.len().saturating_add(states.len());
        around.states.extend(states);
        self.logs_in_streams(&mut logs, around);
        let logs = logs::judge_streamed(logs, &around.states, options.max_findings);
        for (root, state) in around.states.get_mut(images).unwrap_or_default() {
            self.without_notes(root, state, &jobs, &logs, options, runtime);
        }
        self.tell(skips, errors, runtime);
        findings.iter().for_each(|finding| runtime.sink.emit(&Event::Finding(finding.clone())));
        self.findings.extend(findings);
        self.files.extend(files);
        for (found, zero) in formless {
            let raw = zero && is_raw(&found.root, &around.states);
            if raw { self.unwritten.push(found) } else { unrecognised(found, self, runtime) }
        }
        self.zero_files(around, runtime);
        self.logs(logs, runtime);
        self.deltas(deltas, &since, around, options, runtime);
        for job in &jobs {
            self.add(finish(job, options, around, runtime));
        }
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
    fn without_notes(
        &mut self,
        root: &Path,
        state: &mut State,
        jobs: &[Job],
        logs: &LogReport,
        options: &PagesOptions,
        runtime: &Runtime,
    ) {
        // What tells is kept of pages from that level on.
        if *state != State::Unknown || options.level < Level::Tree {
            return;
        }
        let own = |file: &&FileCoverage| {
            file.kind == FileCoverage::REDO_LOG
                && (options.paths.len() == 1 || file.file.starts_with(&format!("{}:", root.display())))
        };
        let logs: Vec<&FileCoverage> = logs.files.iter().filter(own).collect();
        *state = fuzzy::state_of(root, jobs, &logs);
        if matches!(state, State::Raw(..)) {
            let label = in_words(root);
            let message = format!("{label} holds the files of a server that was running, read one after the other");
            let failure = at(&label, Failure::new(Code::FuzzyCopy, message));
            self.tell(Vec::new(), vec![failure], runtime);
        }
    }

    /// Looks at what incremental backups have.
    fn deltas(
        &mut self,
        deltas: Vec<Delta>,
        since: &[(PathBuf, Lsn)],
        around: &Surroundings,
        options: &PagesOptions,
        runtime: &Runtime,
    ) {
        let roots: BTreeSet<PathBuf> = deltas.iter().map(|delta| delta.root().to_owned()).collect();
        for delta in deltas {
            let known = around.states.iter().find(|(root, _)| root == delta.root());
            let state = known.map_or(&State::Unknown, |(_, state)| state);
            let noted = since.iter().find(|(root, _)| root == delta.root()).map(|(_, since)| *since);
            let noted = noted.or_else(|| State::since(delta.root(), options.backup_key.as_ref()));
            let report = delta.report(state, noted, options.max_findings);
            tell(&report, runtime);
            self.add(report);
        }
        for root in roots {
            let message = format!(
                "{}: it has what changed since the backup before; each page is verified by itself, and how pages fit together shows once it is applied",
                in_words(&root)
            );
            self.notice(Code::IncrementalBackup, message, runtime);
        }
    }

    /// Checks each directory for the files that must be there.
    fn presence(
        &mut self,
        homes: &[Home],
        files: &[Found],
        known: &Known,
        still: impl Fn(&Path) -> bool,
        runtime: &Runtime,
    ) {
        if (runtime.stopped)().is_some() {
            return;
        }
        for home in homes {
            let still = still(&home.root);
            let known = known.in_folder(&home.root, still);
            let Checked { findings, errors } = Presence { home, known, still }.check(files);
            findings.iter().for_each(|finding| runtime.sink.emit(&Event::Finding(finding.clone())));
            self.findings.extend(findings);
            self.tell(Vec::new(), errors, runtime);
        }
    }

    fn logs(&mut self, report: LogReport, runtime: &Runtime) {
        report.findings.iter().for_each(|finding| runtime.sink.emit(&Event::Finding(finding.clone())));
        self.findings.extend(report.findings);
        self.files.extend(report.files);
        self.tell(report.skips, report.errors, runtime);
        report.notices.into_iter().for_each(|(code, message)| self.notice(code, message, runtime));
    }

    fn tell(&mut self, skips: Vec<Skip>, errors: Vec<Failure>, runtime: &Runtime) {
        skips.iter().for_each(|skip| runtime.sink.emit(&Event::Skip(skip.clone())));
        errors.iter().for_each(|error| runtime.sink.emit(&Event::Error(error.clone())));
        self.skips.extend(skips);
        self.errors.extend(errors);
    }

    fn add(&mut self, report: SpaceReport) {
        self.files.extend(report.files);
        self.findings.extend(report.findings);
        self.errors.extend(report.errors);
    }

    /// The states once everything was read, in words; those that are raw are told.
    fn final_states(&mut self, options: &PagesOptions, around: &Surroundings, runtime: &Runtime) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (root, state) in &around.states {
            let state = state.confirmed(root, options.state, options.backup_key.as_ref());
            if let State::Raw(why, _) = &state {
                self.notice(Code::RawState, format!("{}: {why}", in_words(root)), runtime);
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

/// Opens every tablespace; what cannot be opened is told. Damaged first pages are tried with the formats
/// of the files beside them.
fn open_all(
    files: Vec<Found>,
    states: &[(PathBuf, State)],
    options: &PagesOptions,
    run: &mut Run,
    runtime: &Runtime,
) -> Vec<Space> {
    let mut spaces = Vec::new();
    let mut known: Vec<SpaceFormat> = Vec::new();
    for group in by_space(files) {
        match open_patiently(&group, &known, &options.keyring) {
            Ok(space) => {
                if !known.contains(&space.format) {
                    known.push(space.format);
                }
                if space.header.is_none() {
                    guessed(&space, run, runtime);
                }
                spaces.push(space);
            }
            Err(OpenError::Unwritten(files)) if files.iter().all(|file| is_raw(&file.root, states)) => {
                run.unwritten.extend(files);
            }
            Err(OpenError::Unwritten(files)) => files.into_iter().for_each(|file| unrecognised(file, run, runtime)),
            Err(OpenError::Unreadable(failure)) => run.tell(Vec::new(), vec![*failure], runtime),
            Err(OpenError::Unrecognised(files)) => files.into_iter().for_each(|file| unrecognised(file, run, runtime)),
        }
    }
    spaces
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

fn guessed(space: &Space, run: &mut Run, runtime: &Runtime) {
    let Some(part) = space.parts.first().filter(|part| part.first == 0) else { return };
    let message = format!("the format of {} was found out from its other pages: {}", part.found.label, space.format);
    run.notice(Code::FormatGuessed, message, runtime);
}

/// Tells of servers that have files open which are looked at.
fn held(holders: Vec<Holder>, run: &mut Run, runtime: &Runtime) -> bool {
    let held = !holders.is_empty();
    for Holder { pid, files, first } in holders {
        let which = if files == 1 { first } else { format!("{first} and {} more", files - 1) };
        run.notice(Code::FileOpen, format!("a server has {which} open (pid {pid})"), runtime);
    }
    held
}

impl Run {
    fn notice(&mut self, code: Code, message: String, runtime: &Runtime) {
        let notice = Notice { code, server: None, message };
        runtime.sink.emit(&Event::Notice(notice.clone()));
        self.notices.push(notice);
    }
}

fn unrecognised(found: Found, run: &mut Run, runtime: &Runtime) {
    let message = match found.bytes {
        0 => "the file is empty".to_owned(),
        bytes => format!("none of its {bytes} bytes are pages of a format that InnoDB has"),
    };
    let mut finding = Finding::new(Code::FileUnrecognised, message);
    finding.location.file = Some(FilePlace { file: found.label.clone(), ..FilePlace::default() });
    runtime.sink.emit(&Event::Finding(finding.clone()));
    run.findings.push(finding);
    run.files.push(whole_file(&found, 0, PageTally::default(), FileState::Damaged));
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
fn states(files: &[Found], options: &PagesOptions) -> Vec<(PathBuf, State)> {
    let mut states: Vec<(PathBuf, State)> = Vec::new();
    for file in files {
        if !states.iter().any(|(root, _)| *root == file.root) {
            states.push((file.root.clone(), State::of(&file.root, options.state, options.backup_key.as_ref())));
        }
    }
    states
}

fn is_raw(folder: &Path, states: &[(PathBuf, State)]) -> bool {
    states.iter().any(|(root, state)| root == folder && matches!(state, State::Raw(..)))
}

impl Run {
    /// Files of a directory that were all zero when they were opened. A running server may have written some since:
    /// their pages are verified now.
    fn zero_files_of_directories(&mut self, options: &PagesOptions, around: &Surroundings, runtime: &Runtime) {
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
        self.zero_files(around, runtime);
        if !written.is_empty() {
            around.logs.forget();
            scan(&Board::new(written), options, around, runtime).into_iter().for_each(|report| self.add(report));
        }
    }

    /// Files that are all zero: those of tables that were just created are in the redo log alone.
    fn zero_files(&mut self, around: &Surroundings, runtime: &Runtime) {
        for found in std::mem::take(&mut self.unwritten) {
            let state = match judge_zero_file(&found, around.log(&found.root).as_ref()) {
                ZeroFile::Created => {
                    let message = format!("{} is all zero: what belongs there is in the redo log", found.label);
                    self.notice(Code::FileUnwritten, message, runtime);
                    FileState::Sound
                }
                ZeroFile::Lost(finding) => {
                    runtime.sink.emit(&Event::Finding((*finding).clone()));
                    self.findings.push(*finding);
                    FileState::Damaged
                }
                ZeroFile::Unproven(failure) => {
                    self.tell(Vec::new(), vec![*failure], runtime);
                    FileState::Unverified
                }
            };
            self.files.push(whole_file(&found, 0, PageTally::default(), state));
        }
    }
}

fn collect_copies(spaces: &[Space], files: Vec<Found>, run: &mut Run, runtime: &Runtime) -> HashMap<PathBuf, Copies> {
    let mut copies: HashMap<PathBuf, Copies> = HashMap::new();
    for found in files {
        let entry = copies.entry(found.root.clone()).or_default();
        match entry.add_file(&found) {
            Ok((page_bytes, tally)) => run.files.push(whole_file(&found, page_bytes, tally, FileState::Sound)),
            Err(error) => run.tell(Vec::new(), vec![unreadable(&found.label, &error)], runtime),
        }
    }
    for space in spaces {
        copies.entry(space.root.clone()).or_default().add_area(space);
    }
    copies
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
