//! `vouch manifest import`: what other tools write, as a manifest.

use super::{backup, replace, signing_key, told, with_suffix, write_signature};
use crate::cli::manifest::SignatureFormat;
use crate::cli::manifest::import::{From, ImportArgs, ServerFlavor};
use crate::command::trust::read;
use crate::complaint::{Complaint, printable};
use crate::exit::Exit;
use crate::terminal::say;
use std::path::{Path, PathBuf};
use vouch_convert::{millis, unix_ms};
use vouch_manifest::{About, Dump, Manifest, Method, ServerFacts, Source, bytes};

/// Files of a dump's folder, in the order in which they are looked for.
const NAMES: [&str; 2] = ["@.checksums.json", "metadata"];
/// What MySQL Shell says about the whole dump.
const ROOT: &str = "@.json";

/// Reads the file, writes the manifest and says what is not in it.
pub fn run(args: &ImportArgs) -> Result<Exit, Complaint> {
    let key = args.issue.key.as_deref().map(signing_key).transpose()?;
    let file = file(&args.file)?;
    let contents = read(&file, "file")?;
    let wrong = |why: String| {
        Complaint::usage(format!("{} cannot be imported: {why}", file.display()))
            .hint("see `vouch manifest import --help` for what is read")
    };
    let source = source(args.from, &contents).map_err(wrong)?;
    let dump = Dump::read(source, &contents, root(&file, source)?.as_deref()).map_err(wrong)?;
    let unused = dump.unused;
    let manifest = dump.manifest(about(args)?).map_err(wrong)?;
    let written = bytes(&manifest);
    replace(&args.out, &written)?;
    if let Some(key) = key {
        write_signature(&key, &written, SignatureFormat::Raw, "", &with_suffix(&args.out, ".sig"))?;
    }
    if !args.quiet {
        remarks(&manifest, source, unused).iter().for_each(|remark| say(&format!("warning: {}", printable(remark))));
    }
    crate::command::write(&format!("{:<12} {}\n{}", "imported", source.name(), told(&manifest, None)))
}

/// The file that is meant by a dump's folder.
fn file(path: &Path) -> Result<PathBuf, Complaint> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        Complaint::usage(format!("the folder {} is no dump with checksums", path.display()))
            .hint("it has neither metadata (mydumper) nor @.checksums.json (MySQL Shell with checksum: true)")
    })
}

fn source(from: From, contents: &[u8]) -> Result<Source, String> {
    match from {
        From::Auto => Source::of(contents),
        From::Flat => Ok(Source::Flat),
        From::Mydumper => Ok(Source::Mydumper),
        From::Mysqlsh => Ok(Source::MysqlShell),
    }
}

fn root(file: &Path, source: Source) -> Result<Option<Vec<u8>>, Complaint> {
    let beside = file.with_file_name(ROOT);
    match source == Source::MysqlShell && beside.is_file() {
        true => read(&beside, "file").map(Some),
        false => Ok(None),
    }
}

fn about(args: &ImportArgs) -> Result<About, Complaint> {
    let now_ms = unix_ms();
    let flavor = args.flavor.map(|flavor| match flavor {
        ServerFlavor::Mysql => "mysql",
        ServerFlavor::Mariadb => "mariadb",
    });
    let server = flavor.zip(args.server_version.clone()).map(|(flavor, version)| ServerFacts {
        flavor: flavor.to_owned(),
        version,
        ..ServerFacts::default()
    });
    let span_ms = args.issue.valid_for.map(millis);
    Ok(About {
        now_ms,
        cluster: args.cluster.clone(),
        serial: args.serial.unwrap_or(now_ms / 1000),
        expires_ms: span_ms.map(|span_ms| now_ms.saturating_add(span_ms)),
        tool: concat!("vouch ", env!("CARGO_PKG_VERSION")).to_owned(),
        backup: backup(&args.issue)?,
        server,
        gtid: args.gtid.clone(),
        count_rows: args.count_rows,
        renames: args.rename.clone(),
        volatile: args.volatile.clone(),
    })
}

/// What the manifest does not prove.
fn remarks(manifest: &Manifest, source: Source, unused: usize) -> Vec<String> {
    let of = |method: Method| {
        let uses = |table: &&vouch_manifest::TableFacts| table.digest.as_ref().is_some_and(|one| one.method == method);
        manifest.tables.iter().filter(uses).count()
    };
    let (counted, summed) = (of(Method::RowCount), of(Method::ChecksumTable));
    let mut remarks = Vec::new();
    if counted > 0 {
        remarks.push(format!("of {counted} tables only the number of rows is held, and nothing about what is in them"));
    }
    if source == Source::MysqlShell {
        remarks.push(
            "the checksums of MySQL Shell are checked by MySQL Shell alone: load the dump with checksum: true"
                .to_owned(),
        );
    }
    if summed > 0 && manifest.server.is_none() {
        remarks.push(
            "checksums hold for one flavor and series of servers: say which with --flavor and --server-version"
                .to_owned(),
        );
    }
    if manifest.position.as_ref().is_none_or(|position| position.gtid.is_empty()) {
        remarks.push("it has no GTIDs: hold a copy that does not move against it, or say --gtid".to_owned());
    }
    for exclude in manifest.excludes.iter().take(10) {
        remarks.push(format!("not verified are {}: {}", exclude.pattern, exclude.reason));
    }
    if let Some(more @ 1..) = manifest.excludes.len().checked_sub(10) {
        remarks.push(format!("{more} more are left out: see excludes"));
    }
    if unused > 0 {
        remarks.push(format!("{unused} entries of the file are not of use here"));
    }
    remarks
}
