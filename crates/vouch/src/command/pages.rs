//! `vouch pages`: options, signals, the verification, renderers.

use super::running::{Shared, Stdout, processors, progress, unwritten};
use super::trust::{self, Taken};
use super::validate::keep_serial;
use crate::cli::output::Format;
use crate::cli::pages::{Algorithm, Level, PagesArgs, State};
use crate::complaint::{Complaint, cause};
use crate::config::job::{check_format, check_reports};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::Terminal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_convert::{to_size, unix_ms};
use vouch_datadir::{
    CheckBeside, Checked, Inputs, Keyring, MayRead, Method, Pace, PagesOptions, StateChoice, Strict, read_backup_key,
};
use vouch_manifest::Held;
use vouch_report::{RunContext, Sink};

const PIPE_BYTES: usize = 1 << 20;

/// Verifies, shows the result and returns what it came to.
pub fn run(args: &PagesArgs, variables: &Environment) -> Result<Exit, Complaint> {
    if args.output.format != Format::Mysqlbackup {
        check_format(&args.output)?;
    }
    check_reports(&args.output.report)?;
    let options = options(args)?;
    let listing = Listing::of(args, variables)?;
    let held = listing.as_ref().map(|listing| listing.held()).transpose()?;
    let terminal = Terminal::of_process(args.output.color, variables);
    open_more_files();
    let stop = signal::stop()?;
    let stdout = Arc::new(Stdout::new(args.output.format));
    let summary = {
        let sinks: [Arc<dyn Sink>; 2] =
            [Arc::from(progress(&args.output, terminal)), Arc::clone(&stdout) as Arc<dyn Sink>];
        let run_id = super::fresh_run_id();
        let context = RunContext { sink: Arc::new(Shared(sinks)), stop, now_ms: unix_ms, run_id };
        let taken = listing.as_ref().map(|listing| &listing.taken);
        let check =
            |may_read: MayRead| compare_list(taken, args.trust.allow_older, held.as_ref(), options.threads, may_read);
        let beside = held.as_ref().map(|held| CheckBeside { bytes: held.bytes(), check: &check });
        let inputs = Inputs { pace: Pace::new(args.rate), standard_input: stdin(args), beside };
        vouch_datadir::verify(&options, inputs, &context)
    };
    let summary = summary.map_err(Complaint::from)?;
    listing.iter().for_each(|listing| keep_serial(&listing.taken, args.trust.allow_older));
    let shown = stdout.finish(&summary, terminal).and(super::report::write(&args.output.report, &summary));
    Ok(shown.map_or_else(|problem| unwritten(&problem, &summary), |()| Exit::from(summary.verdict)))
}

/// The list of files that a directory is held against.
struct Listing<'a> {
    taken: Taken,
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl<'a> Listing<'a> {
    /// The list of the manifest that is named, if one is.
    fn of(args: &'a PagesArgs, variables: &Environment) -> Result<Option<Listing<'a>>, Complaint> {
        let Some(manifest) = &args.manifest else { return Ok(None) };
        let [folder] = args.paths.as_slice() else {
            return Err(Complaint::usage("a manifest lists the files of one directory")
                .hint("name that directory alone with --manifest"));
        };
        if !folder.is_dir() {
            return Err(Complaint::usage(format!("{} is no directory", folder.display()))
                .hint("a manifest lists the files of a directory: unpack an image first"));
        }
        let taken = trust::accept(manifest, &args.trust, variables, unix_ms())?;
        let listed = taken.accepted.manifest().backup.as_ref().map_or(0, |backup| backup.files.len());
        if listed == 0 {
            return Err(Complaint::usage("the manifest lists no files")
                .hint("make one with `vouch manifest create --backup DIR`"));
        }
        Ok(Some(Listing { taken, folder, files: trust::files(manifest, &args.trust) }))
    }

    fn held(&self) -> Result<Held<'_>, Complaint> {
        let wanted = self.taken.accepted.manifest().backup.as_ref().map_or(&[][..], |backup| &backup.files);
        Held::list(self.folder, wanted, &self.files).map_err(|error| {
            Complaint::usage(format!("{} could not be read: {}", self.folder.display(), cause(&error)))
                .hint("check the path and its permissions")
        })
    }
}

/// Compares the directory with the list, and says whom the list was believed.
fn compare_list(
    taken: Option<&Taken>,
    allow_older: bool,
    held: Option<&Held>,
    threads: usize,
    may_read: MayRead,
) -> Checked {
    let compared = held.map(|held| held.compare(threads, may_read)).unwrap_or_default();
    let notices = taken.map(|taken| taken.accepted.remarks(taken.key_beside, allow_older)).unwrap_or_default();
    Checked { findings: compared.findings, failures: compared.failures, notices }
}

fn options(args: &PagesArgs) -> Result<PagesOptions, Complaint> {
    Ok(PagesOptions {
        paths: args.paths.clone(),
        level: match args.level {
            Level::Quick => vouch_datadir::Level::Quick,
            Level::Page => vouch_datadir::Level::Page,
            Level::Tree => vouch_datadir::Level::Tree,
            Level::Full => vouch_datadir::Level::Full,
        },
        state: match args.state {
            State::Auto => StateChoice::Auto,
            State::Clean => StateChoice::Clean,
            State::Raw => StateChoice::Raw,
        },
        keyring: keyring(&args.keyring, args.keyring_password_file.as_deref())?,
        backup_key: args.xbcrypt_key_file.as_deref().map(read_backup_key).transpose().map_err(Complaint::from)?,
        first_method: first_method(args),
        strict: args.algorithm.and_then(strict),
        threads: args.threads.map_or_else(processors, usize::from),
        max_bad_pages: args.max_bad_pages,
        max_findings: to_size(args.max_findings),
    })
}

/// Which formula is tried first: that of the first directory with a hint, where none was asked for.
fn first_method(args: &PagesArgs) -> Method {
    match args.algorithm {
        Some(Algorithm::Innodb | Algorithm::StrictInnodb) => Method::Innodb,
        Some(_) => Method::Crc32,
        None => args.paths.iter().find_map(|path| vouch_datadir::noted_method(path)).unwrap_or(Method::Crc32),
    }
}

fn strict(algorithm: Algorithm) -> Option<Strict> {
    match algorithm {
        Algorithm::Crc32 | Algorithm::Innodb | Algorithm::None | Algorithm::FullCrc32 => None,
        Algorithm::StrictCrc32 | Algorithm::StrictFullCrc32 => Some(Strict::Crc32),
        Algorithm::StrictInnodb => Some(Strict::Innodb),
        Algorithm::StrictNone => Some(Strict::Unprotected),
    }
}

/// The keys of all files that were named.
pub(super) fn keyring(files: &[PathBuf], password_file: Option<&Path>) -> Result<Keyring, Complaint> {
    let mut keyring = Keyring::default();
    for file in files {
        keyring.merge(vouch_datadir::read_keyring(file, password_file).map_err(Complaint::from)?);
    }
    Ok(keyring)
}

/// Raises the limit of open files as far as the system allows. Instances have more tablespaces than the usual 1,024,
/// and what is not kept open is opened again for each read.
fn open_more_files() {
    let limit = getrlimit(Resource::Nofile);
    // A limit that stays as it is costs some time, and nothing else.
    if let Err(_unchanged) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {}
}

/// Standard input, when it is asked for.
fn stdin(args: &PagesArgs) -> Option<File> {
    args.paths.iter().find(|path| path.as_os_str() == "-")?;
    let input = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    // A pipe that holds more is filled and emptied in fewer turns; where the system does not allow it, it is slower.
    let _ = rustix::pipe::fcntl_setpipe_size(&input, PIPE_BYTES);
    Some(File::from(input))
}
