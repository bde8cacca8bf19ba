//! The private copy of a backup, and the server that is started on it.
//!
//! Main types: [`Stage`], [`Restored`]. Invariant: the server listens on a socket in
//! the stage's own folder and nowhere else.

use super::{Broken, copy};
use crate::cli::drill::DrillArgs;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use vouch_compare::Stop;
use vouch_manifest::Manifest;
use vouch_server::{Defaults, Target};
use vouch_testkit::{Dist, Flavor, Server, ServerConfig};

/// What tells how far a backup is.
const CHECKPOINTS: [&str; 2] = ["mariadb_backup_checkpoints", "xtrabackup_checkpoints"];
/// Settings of the backup's server without which another could not read the files.
const NEEDED: [&str; 4] =
    ["innodb_page_size", "innodb_data_file_path", "innodb_checksum_algorithm", "innodb_undo_tablespaces"];

fn failed(message: impl Into<String>, hint: &str) -> Broken {
    Broken::new(message, hint)
}

/// The folder that holds the copy.
pub struct Stage {
    folder: TempDir,
}

impl Stage {
    /// Copies the backup.
    pub fn copy(args: &DrillArgs, stop: &Stop) -> Result<Stage, Broken> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("vouch-drill-");
        let folder = match &args.scratch {
            Some(scratch) => builder.tempdir_in(scratch),
            None => builder.tempdir(),
        };
        let room = "name a folder with room for the copy with --scratch";
        let folder = folder.map_err(|error| failed(format!("no folder for the copy: {error}"), room))?;
        copy::folder(&args.backup, &folder.path().join("copy"), stop)
            .map_err(|error| failed(format!("the backup could not be copied: {error}"), room))?;
        Ok(Stage { folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    /// Applies the redo log where the backup says that this is yet to be done.
    pub fn prepare(&mut self, manifest: &Manifest) -> Result<(), Broken> {
        let data = self.data();
        let raw = CHECKPOINTS
            .iter()
            .any(|name| fs::read_to_string(data.join(name)).is_ok_and(|text| text.contains("full-backuped")));
        if !raw {
            return Ok(());
        }
        let program = match flavor(manifest) {
            Flavor::Mariadb => "mariadb-backup",
            Flavor::Mysql => "xtrabackup",
        };
        let mut target = std::ffi::OsString::from("--target-dir=");
        target.push(&data);
        let said = Command::new(program).args(["--no-defaults", "--prepare"]).arg(target).output();
        let said = said.map_err(|error| {
            failed(format!("{program} could not be started: {error}"), "install it, or prepare the backup yourself")
        })?;
        if said.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        Err(failed(format!("{program} could not prepare the copy: {}", telling(&text)), "the backup is not complete"))
    }

    /// Starts a server on the copy.
    pub fn start(&mut self, manifest: &Manifest) -> Result<Restored, Broken> {
        let dist = Dist::of(flavor(manifest))
            .map_err(|error| failed(error.to_string(), "install the server that the backup is of"))?;
        let config = ServerConfig {
            name: "drill".to_owned(),
            dir: Some(self.folder.path().to_owned()),
            binlog: false,
            extra_args: arguments(&self.data(), manifest),
            ..ServerConfig::default()
        };
        match Server::adopt(&dist, config, &self.data()) {
            Ok(server) => Ok(Restored { server }),
            Err(vouch_testkit::Error::Start { why, log, .. }) => Err(failed(
                format!("no server starts on the copy: it {why}; {}", telling(&log)),
                "the backup is not complete, or of another version",
            )),
            Err(error) => Err(failed(error.to_string(), "look at the system")),
        }
    }

    /// Removes the copy.
    pub fn remove(self) -> Result<(), Broken> {
        let path = self.folder.path().to_owned();
        self.folder
            .close()
            .map_err(|error| failed(format!("{} could not be removed: {error}", path.display()), "remove it"))
    }
}

fn flavor(manifest: &Manifest) -> Flavor {
    match manifest.server.as_ref().is_some_and(|server| server.flavor == "mysql") {
        true => Flavor::Mysql,
        false => Flavor::Mariadb,
    }
}

/// The line of a log that tells the cause: the first error, else the last line.
fn telling(log: &str) -> String {
    let error = log.lines().find(|line| line.contains("ERROR") || line.contains("FATAL"));
    error.or(log.lines().last()).unwrap_or("its log is empty").trim().to_owned()
}

fn arguments(data: &Path, manifest: &Manifest) -> Vec<String> {
    let mut list: Vec<String> =
        ["--skip-networking", "--read-only=ON", "--event-scheduler=OFF"].map(str::to_owned).to_vec();
    if let Some(server) = &manifest.server {
        list.push(format!("--lower-case-table-names={}", server.lower_case_table_names));
    }
    let notes = fs::read_to_string(data.join("backup-my.cnf")).unwrap_or_default();
    let setting = |line: &str| {
        let (name, value) = line.split_once('=')?;
        NEEDED.contains(&name.trim()).then(|| format!("--{}={}", name.trim(), value.trim()))
    };
    list.extend(notes.lines().filter_map(setting));
    list
}

/// A server on the copy. It ends when this is dropped.
pub struct Restored {
    server: Server,
}

impl Restored {
    /// Its address.
    pub fn target(&self) -> Result<Target, Broken> {
        let address = format!("S={},u=root,p=,ssl-mode=disabled", self.server.socket().display());
        Target::parse(&address, &Defaults::default()).map_err(|error| failed(error.to_string(), "look at TMPDIR"))
    }
}
