//! The files of a backup held against those of its manifest.

use super::Broken;
use std::collections::BTreeMap;
use std::path::Path;
use vouch_manifest::{Backup, BackupFile, files_of};
use vouch_report::{Code, FilePlace, Finding, Location};

/// What is missing, changed, or there besides.
pub fn compare(folder: &Path, backup: &Backup) -> Result<Vec<Finding>, Broken> {
    let listed = files_of(folder)
        .map_err(|why| Broken::new(format!("a file cannot be read: {why}"), "the backup is not complete"))?;
    let mut found: BTreeMap<&str, &BackupFile> = listed.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut findings = Vec::new();
    for wanted in &backup.files {
        match found.remove(wanted.path.as_str()) {
            None => findings.push(finding(
                Code::BackupFileMissing,
                &wanted.path,
                "the manifest has it, and the backup does not".to_owned(),
            )),
            Some(file) if file.size != wanted.size => {
                let why = format!("it has {} bytes, and should have {}", file.size, wanted.size);
                findings.push(finding(Code::BackupFileChanged, &wanted.path, why));
            }
            Some(file) if file.digest != wanted.digest => {
                let why = "its contents are not those that the manifest was made with".to_owned();
                findings.push(finding(Code::BackupFileChanged, &wanted.path, why));
            }
            Some(_) => {}
        }
    }
    let extra =
        found.into_keys().map(|path| finding(Code::BackupFileExtra, path, "the manifest does not name it".to_owned()));
    findings.extend(extra);
    Ok(findings)
}

fn finding(code: Code, path: &str, message: String) -> Finding {
    let file = Some(FilePlace { file: path.to_owned(), ..FilePlace::default() });
    Finding { location: Location { file, ..Location::default() }, ..Finding::new(code, message) }
}
