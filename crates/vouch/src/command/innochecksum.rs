//! `vouch innochecksum`: options, files that are written, lines to where they belong.

use crate::cli::innochecksum::{Algorithm, Dialect, InnochecksumArgs};
use crate::complaint::{Complaint, cause, printable};
use crate::exit::Exit;
use crate::signal;
use crate::terminal::say;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use vouch_convert::unix_ms;
use vouch_datadir::{InnochecksumOptions, Said};
use vouch_report::{NullSink, RunContext};

/// Checks the files, prints what the tool would print, and returns its exit code.
pub fn run(args: &InnochecksumArgs) -> Result<Exit, Complaint> {
    refuse(args)?;
    let options = options(args);
    let mut outputs = Outputs {
        stdout: BufWriter::new(Box::new(io::stdout())),
        dump: created(args.page_type_dump.as_ref(), &args.files)?,
        log: created(args.log.as_ref(), &args.files)?,
        failed: None,
    };
    let stop = signal::stop()?;
    let input = args.files.iter().any(|file| file.as_os_str() == "-").then(stdin).flatten();
    let run_id = super::fresh_run_id();
    let context = RunContext { sink: Arc::new(NullSink), stop, now_ms: unix_ms, run_id };
    let summary = vouch_datadir::innochecksum(&options, input, &context, &mut |said| outputs.take(said));
    outputs.end()?;
    Ok(match Exit::from(summary.verdict) {
        // The tools know two answers: what could not be checked has the code of what is damaged.
        Exit::Incomplete => Exit::Findings,
        exit => exit,
    })
}

fn refuse(args: &InnochecksumArgs) -> Result<(), Complaint> {
    if args.write.is_some() {
        return Err(Complaint::usage("--write is refused: vouch never writes to data files")
            .hint("innochecksum of the server rewrites checksums, of a copy; it makes damaged pages look sound"));
    }
    let tells = args.page_type_summary || args.page_type_dump.is_some() || args.count;
    if args.no_check && !tells {
        return Err(Complaint::usage("with --no-check alone nothing is left to do")
            .hint("add --page-type-summary, --page-type-dump or --count"));
    }
    Ok(())
}

fn options(args: &InnochecksumArgs) -> InnochecksumOptions {
    InnochecksumOptions {
        files: args.files.clone(),
        dialect: match args.words {
            Dialect::Auto => None,
            Dialect::Mysql => Some(vouch_datadir::Dialect::Mysql),
            Dialect::Mariadb => Some(vouch_datadir::Dialect::Mariadb),
        },
        count: args.count,
        start: args.page.unwrap_or(args.start_page),
        end: args.page.or(args.end_page),
        verify: !args.no_check,
        allowed: args.allow_mismatches,
        strict: args.strict_check.map(|algorithm| match algorithm {
            Algorithm::Crc32 => vouch_datadir::Algorithm::Crc32,
            Algorithm::Innodb => vouch_datadir::Algorithm::Innodb,
            Algorithm::None => vouch_datadir::Algorithm::None,
        }),
        summary: args.page_type_summary,
        dump: args.page_type_dump.is_some(),
        details: args.per_page_details,
        skip_freed: args.skip_freed_pages,
        log: args.log.is_some(),
        verbose: args.verbose,
    }
}

fn stdin() -> Option<File> {
    io::stdin().as_fd().try_clone_to_owned().ok().map(File::from)
}

/// A file for results, which must not be one of those that are looked at.
fn created(path: Option<&PathBuf>, inputs: &[PathBuf]) -> Result<Option<Sheet>, Complaint> {
    let Some(path) = path else { return Ok(None) };
    let same = path
        .canonicalize()
        .is_ok_and(|own| inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == own)));
    if same {
        return Err(Complaint::usage(format!("{} is to be looked at, and nothing is written to it", path.display())));
    }
    let file = File::create(path)
        .map_err(|error| Complaint::usage(format!("{} could not be written: {}", path.display(), cause(&error))))?;
    Ok(Some(BufWriter::new(Box::new(file))))
}

type Sheet = BufWriter<Box<dyn Write>>;

/// Where results go.
struct Outputs {
    stdout: Sheet,
    dump: Option<Sheet>,
    log: Option<Sheet>,
    failed: Option<io::Error>,
}

impl Outputs {
    fn take(&mut self, said: Said) {
        let written = match said {
            Said::Out(text) => self.stdout.write_all(text.as_bytes()),
            Said::Dump(text) => self.dump.as_mut().map_or(Ok(()), |dump| dump.write_all(text.as_bytes())),
            Said::Log(line) => self.log.as_mut().map_or(Ok(()), |log| writeln!(log, "{line}")),
            Said::Err(line) => {
                let flushed = self.stdout.flush();
                say(&printable(&line));
                flushed
            }
        };
        self.failed = self.failed.take().or(written.err());
    }

    /// A result that did not reach its reader must not look complete; one that has seen what it wanted is none.
    fn end(mut self) -> Result<(), Complaint> {
        let sheets = [Some(&mut self.stdout), self.dump.as_mut(), self.log.as_mut()];
        let flushed = sheets.into_iter().flatten().try_for_each(Write::flush);
        match self.failed.take().or(flushed.err()) {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(super::unwritten(&error)),
            _ => Ok(()),
        }
    }
}
