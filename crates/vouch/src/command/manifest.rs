//! `vouch manifest`: making, signing and reading manifests.

mod import;
mod look;

use super::running::ask;
use super::trust::{self, read};
use crate::cli::Verb;
use crate::cli::manifest::{
    CreateArgs, IssueArgs, KeygenArgs, ManifestVerb, ReadArgs, ShowArgs, SignArgs, SignatureFormat,
};
use crate::cli::output::{Format, OutputArgs};
use crate::complaint::{Complaint, cause, printable};
use crate::config::{Origins, gate};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_convert::unix_ms;
use vouch_manifest::{Accepted, Backup, Manifest, SigningKey, Untrusted, bytes, rfc3339, sign};
use vouch_report::{Refusal, RunContext, Sink, Summary};
use vouch_validate::{Created, create as take};

/// Runs a command about manifests.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Manifest(args) = verb else { return Ok(Exit::Usage) };
    match args.verb {
        ManifestVerb::Keygen(args) => keygen(&args),
        ManifestVerb::Create(args) => create(&args, origins, variables),
        ManifestVerb::Sign(args) => sign_file(&args),
        ManifestVerb::Verify(args) => verify(&args, variables),
        ManifestVerb::Show(args) => show(&args, variables),
        ManifestVerb::Import(args) => import::run(&args),
        ManifestVerb::Diff(args) => look::diff(&args, variables),
        ManifestVerb::Lint(args) => look::lint(&args, variables),
    }
}

/// Makes a file that is not there yet; with `secret`, one that only its owner may read.
fn make(path: &Path, contents: &[u8], secret: bool) -> Result<(), Complaint> {
    let mode = if secret { 0o600 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all())).map_err(|error| {
        Complaint::usage(format!("{} could not be written: {}", path.display(), cause(&error)))
            .hint("name a file that is not there yet, in a folder that is")
    })
}

/// Writes a file whole or not at all.
pub(super) fn replace(path: &Path, contents: &[u8]) -> Result<(), Complaint> {
    replace_with_mode(path, contents, 0o666)
}

/// The same for a manifest: one that contains keys of rows is readable by its owner alone.
fn replace_manifest(path: &Path, manifest: &Manifest, contents: &[u8]) -> Result<(), Complaint> {
    let has_keys = manifest.tables.iter().any(|table| table.row_facts.is_some());
    replace_with_mode(path, contents, if has_keys { 0o600 } else { 0o666 })
}

fn replace_with_mode(path: &Path, contents: &[u8], mode: u32) -> Result<(), Complaint> {
    let partial = with_suffix(path, ".partial");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&partial)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| {
        Complaint::incomplete(format!("{} could not be written: {}", path.display(), cause(&error)))
            .hint("look for a missing folder, a missing permission or a full disk")
    })
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    PathBuf::from(text)
}

fn keygen(args: &KeygenArgs) -> Result<Exit, Complaint> {
    let (key, pem) = SigningKey::generate().ok_or_else(|| Complaint::incomplete("the system has no randomness"))?;
    let (public, beside) = (key.public(), with_suffix(&args.out, ".pub"));
    make(&args.out, pem.as_bytes(), true)?;
    make(&beside, public.to_pem().as_bytes(), false)?;
    super::write(&format!(
        "private key  {}\npublic key   {}\nfingerprint  sha256:{}\nfor ssh      {}\n",
        printable(&args.out.display().to_string()),
        printable(&beside.display().to_string()),
        public.fingerprint(),
        public.to_ssh()
    ))
}

pub(super) fn signing_key(path: &Path) -> Result<SigningKey, Complaint> {
    let text = String::from_utf8_lossy(&read(path, "key")?).into_owned();
    SigningKey::parse(&text).map_err(|why| {
        Complaint::usage(format!("the key {} cannot be used: {why}", path.display()))
            .hint("`vouch manifest keygen` makes one")
    })
}

fn create(args: &CreateArgs, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    // What could fail fails before the server is read.
    let key = args.issue.key.as_deref().map(signing_key).transpose()?;
    let server = gate::server(&args.server, origins, variables, ask)?;
    if !args.quiet {
        server.warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    }
    let stop = signal::stop()?;
    let output = OutputArgs {
        format: Format::Human,
        report: Vec::new(),
        quiet: args.quiet,
        no_progress: args.no_progress,
        color: args.color,
    };
    let sink: Arc<dyn Sink> = Arc::from(super::running::progress(&output, Terminal::of_process(args.color, variables)));
    let run_id = super::fresh_run_id();
    let context = RunContext { sink, stop: Arc::clone(&stop), now_ms: unix_ms, run_id };
    let taken = take(&gate::create(server.target, args), &context);
    if let Some(signal) = stop.requested() {
        return Ok(Exit::Interrupted(signal));
    }
    let Created { summary, manifest: taken } = taken?;
    let Some(taken) = taken else { return Err(unread(&summary)) };
    let manifest = Manifest { backup: backup(&args.issue)?, ..taken };
    let contents = bytes(&manifest);
    replace_manifest(&args.out, &manifest, &contents)?;
    if let Some(key) = key {
        write_signature(&key, &contents, SignatureFormat::Raw, "", &with_suffix(&args.out, ".sig"))?;
    }
    super::write(&told(&manifest, None))
}

/// Why there is no manifest, with the exit code of the account.
fn unread(summary: &Summary) -> Complaint {
    let first = summary.errors.first();
    let message = first.map_or("not everything that is owed was read", |error| &error.message);
    let message = match summary.errors.len() {
        0 | 1 => message.to_owned(),
        count => format!("{count} checks failed, the first of them: {message}"),
    };
    let hint = first.and_then(|error| error.hint.as_deref()).unwrap_or("nothing was written");
    let mut complaint = Complaint::incomplete(message).hint(hint);
    complaint.exit = Exit::from(summary.verdict);
    complaint
}

fn backup(args: &IssueArgs) -> Result<Option<Backup>, Complaint> {
    let (kind, uri) = (args.backup_kind.clone(), args.backup_uri.clone());
    match args.backup.as_deref() {
        None if kind.is_empty() && uri.is_empty() => Ok(None),
        None => Ok(Some(Backup { kind, uri, files: Vec::new() })),
        Some(folder) => {
            vouch_manifest::files_of(folder).map(|files| Some(Backup { kind, uri, files })).map_err(|why| {
                Complaint::incomplete(format!("the backup {} could not be read: {why}", folder.display()))
                    .hint("nothing was written")
            })
        }
    }
}

fn write_signature(
    key: &SigningKey,
    contents: &[u8],
    format: SignatureFormat,
    comment: &str,
    out: &Path,
) -> Result<(), Complaint> {
    let format = match format {
        SignatureFormat::Raw => vouch_manifest::Format::Raw,
        SignatureFormat::Base64 => vouch_manifest::Format::Base64,
        SignatureFormat::Ssh => vouch_manifest::Format::Ssh,
        SignatureFormat::Minisign => vouch_manifest::Format::Minisign,
    };
    let signature = sign(key, contents, format, comment).ok_or_else(|| {
        Complaint::usage(format!("a key of {} does not sign in this format", key.public().algorithm()))
            .hint("minisign takes Ed25519 keys alone, and comments of one line")
    })?;
    replace(out, &signature)
}

fn sign_file(args: &SignArgs) -> Result<Exit, Complaint> {
    let contents = read(&args.manifest, "manifest")?;
    // The signer's own file: to sign what is no manifest helps nobody.
    Untrusted::new(contents.clone()).without_signature().manifest().map_err(Refusal::from)?;
    let key = signing_key(&args.key)?;
    let suffix = if args.format == SignatureFormat::Minisign { ".minisig" } else { ".sig" };
    let out = args.out.clone().unwrap_or_else(|| with_suffix(&args.manifest, suffix));
    write_signature(&key, &contents, args.format, &args.comment, &out)?;
    super::write(&format!("{}\n", printable(&out.display().to_string())))
}

fn verify(args: &ReadArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let taken = trust::accept(&args.manifest, &args.trust, variables, unix_ms())?;
    super::write(&told(taken.accepted.manifest(), Some(&taken.accepted)))
}

fn show(args: &ShowArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let taken = trust::accept(&args.read.manifest, &args.read.trust, variables, unix_ms())?;
    let manifest = taken.accepted.manifest();
    match args.output.format {
        Format::Human | Format::Percona | Format::Mysqlbackup => {
            super::write(&(told(manifest, Some(&taken.accepted)) + &tables(manifest)))
        }
        // In its canonical spelling, which may differ from that of the file.
        Format::Json | Format::Jsonl => super::write(&String::from_utf8_lossy(&bytes(manifest))),
    }
}

/// A manifest in a few lines.
fn told(manifest: &Manifest, accepted: Option<&Accepted>) -> String {
    let mut lines = vec![("manifest", manifest.id.clone())];
    if let Some(accepted) = accepted {
        lines.push(("sha256", accepted.digest().to_owned()));
        lines.push((
            "signed by",
            match accepted.signer() {
                Some(signer) if signer.comment.is_empty() => format!("{} ({})", signer.key, signer.format),
                Some(signer) => format!("{} ({}): {}", signer.key, signer.format, signer.comment),
                None => "nobody (--allow-unsigned)".to_owned(),
            },
        ));
    }
    if !manifest.cluster.is_empty() {
        lines.push(("cluster", format!("{}, serial {}", manifest.cluster, manifest.serial)));
        lines.push(("made at", rfc3339(manifest.created_ms)));
        lines.push(("holds until", manifest.expires_ms.map_or_else(|| "no end".to_owned(), rfc3339)));
    }
    if let Some(server) = &manifest.server {
        lines.push(("server", format!("{} {}", server.flavor, server.version)));
    }
    if let Some(position) = &manifest.position {
        let place = if position.gtid.is_empty() {
            format!("{}:{}", position.file, position.offset)
        } else {
            position.gtid.clone()
        };
        lines.push(("position", format!("{place} ({})", position.method)));
    }
    let rows: u64 = manifest.tables.iter().filter_map(|table| table.rows).sum();
    lines.push(("tables", format!("{} ({rows} rows counted)", manifest.tables.len())));
    lines.push(("objects", manifest.objects.len().to_string()));
    if manifest.is_forgeable() {
        lines.push(("note", "its digests find accidents, not adversaries (see row-sha256-tree)".to_owned()));
    }
    if let Some(backup) = &manifest.backup {
        lines.push(("backup", format!("{} files {} {}", backup.files.len(), backup.kind, backup.uri)));
    }
    lines.iter().map(|(name, value)| format!("{name:<12} {}\n", printable(value))).collect()
}

fn tables(manifest: &Manifest) -> String {
    let line = |table: &vouch_manifest::TableFacts| {
        let digest = table.digest.as_ref().map(|digest| format!("{} {}", digest.method.name(), digest.value));
        let rows = table.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
        let digest = digest.unwrap_or_else(|| table.class.name().to_owned());
        let ranges = table.row_facts.as_ref().map_or(0, |facts| facts.ranges.len());
        let ranges = if ranges > 0 { format!("\t{ranges} ranges") } else { String::new() };
        format!("{}\t{rows}\t{digest}{ranges}\n", printable(&table.label()))
    };
    std::iter::once("\n".to_owned()).chain(manifest.tables.iter().map(line)).collect()
}
