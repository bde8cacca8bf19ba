//! The private copy of a backup, and the server that is started on it.
//!
//! Main types: [`Stage`], [`Restored`]. Invariant: the server listens on a socket in
//! the stage's own folder and nowhere else.

use super::inspect::{CHECKPOINTS, SETTINGS, setting};
use super::leftovers::{Claim, PREFIX};
use super::{Broken, copy};
use crate::cli::drill::DrillArgs;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use vouch_manifest::Manifest;
use vouch_report::{Code, Stop};
use vouch_server::{Defaults, Target};
use vouch_testkit::{Dist, Fence, Flavor, Server, ServerConfig};

/// Settings of the backup's server without which another could not read the files.
const NEEDED: [&str; 4] =
    ["innodb_page_size", "innodb_data_file_path", "innodb_checksum_algorithm", "innodb_undo_tablespaces"];

fn failed(message: impl Into<String>, hint: &str) -> Broken {
    Broken::new(message, hint)
}

/// The folder that holds the copy.
pub struct Stage {
    folder: TempDir,
    keyring: Option<Keyring>,
    _claim: Claim,
}

/// The file of keys, and the file with its password.
struct Keyring {
    keys: PathBuf,
    password: Option<PathBuf>,
}

impl Keyring {
    fn of(args: &DrillArgs) -> Result<Option<Keyring>, Broken> {
        let whole = |path: &PathBuf| {
            path.canonicalize()
                .map_err(|error| failed(format!("{} cannot be read: {error}", path.display()), "check --keyring"))
        };
        let Some(keys) = args.keyring.as_ref().map(whole).transpose()? else { return Ok(None) };
        Ok(Some(Keyring { keys, password: args.keyring_password_file.as_ref().map(whole).transpose()? }))
    }

    /// What MariaDB and its backup tool need to read the keys.
    fn arguments(&self) -> Vec<OsString> {
        let named = |option: &str, path: &Path| {
            let mut text = OsString::from(option);
            text.push(path);
            text
        };
        let mut list = vec![named("--loose-file-key-management-filename=", &self.keys)];
        list.extend(self.password.as_ref().map(|file| named("--loose-file-key-management-filekey=FILE:", file)));
        list
    }

    fn files(&self) -> Vec<PathBuf> {
        std::iter::once(&self.keys).chain(&self.password).cloned().collect()
    }
}

impl Stage {
    /// Copies the backup.
    pub fn copy(args: &DrillArgs, stop: &Stop) -> Result<Stage, Broken> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        let folder = match &args.scratch {
            Some(scratch) => builder.tempdir_in(scratch),
            None => builder.tempdir(),
        };
        let room = "name a folder with room for the copy with --scratch";
        let folder = folder.map_err(|error| failed(format!("no folder for the copy: {error}"), room))?;
        let claim = Claim::on(folder.path())
            .map_err(|error| failed(format!("the folder for the copy cannot be locked: {error}"), room))?;
        copy::folder(&args.backup, &folder.path().join("copy"), stop)
            .map_err(|error| failed(format!("the backup could not be copied: {error}"), room))?;
        Ok(Stage { folder, keyring: Keyring::of(args)?, _claim: claim })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    /// What a program that works on the copy may touch.
    fn fence(&self, dist: &Dist) -> Fence {
        let keys = self.keyring.as_ref().map(Keyring::files).unwrap_or_default();
        Fence::around(dist, self.folder.path(), &keys)
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
        let mut command = Command::new(program);
        let target = |option: &str, folder: &Path| {
            let mut text = OsString::from(option);
            text.push(folder);
            text
        };
        command.args(["--no-defaults", "--prepare"]).arg(target("--target-dir=", &data));
        command.arg(target("--tmpdir=", self.folder.path()));
        if let Some(keyring) = &self.keyring {
            command.arg("--plugin-load=file_key_management").args(keyring.arguments());
        }
        let dist = dist(manifest)?;
        let said = self.fence(&dist).run(&mut command).map_err(|error| {
            failed(format!("{program} could not be run: {error}"), "install it, or prepare the backup yourself")
        })?;
        if said.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        Err(failed(format!("{program} could not prepare the copy: {}", telling(&text)), "the backup is not complete"))
    }

    /// Starts a server on the copy.
    pub fn start(&mut self, manifest: &Manifest) -> Result<Restored, Broken> {
        let dist = dist(manifest)?;
        let fence = self.fence(&dist);
        let mut extra_args = arguments(&self.data(), manifest)?;
        if let Some(keyring) = &self.keyring {
            extra_args.push("--plugin-load-add=file_key_management".to_owned());
            extra_args.extend(keyring.arguments().iter().map(|argument| argument.to_string_lossy().into_owned()));
        }
        let config = ServerConfig {
            name: "drill".to_owned(),
            dir: Some(self.folder.path().to_owned()),
            binlog: false,
            extra_args,
            fence: Some(fence),
            ..ServerConfig::default()
        };
        match Server::adopt(&dist, config, &self.data()) {
            Ok(server) => {
                let restored = Restored { server, folder: self.folder.path().to_owned() };
                restored.keeps_inside().map(|()| restored)
            }
            Err(vouch_testkit::Error::Start { why, log, .. }) => Err(failed(
                format!("no server starts on the copy: it {why}; {}", telling(&log)),
                "the backup is not complete, or of another version",
            )),
            Err(error) => Err(failed(error.to_string(), "check the system")),
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

fn dist(manifest: &Manifest) -> Result<Dist, Broken> {
    Dist::of(flavor(manifest)).map_err(|error| failed(error.to_string(), "install the server that the backup is of"))
}

/// Whose server a manifest is of.
pub fn flavor(manifest: &Manifest) -> Flavor {
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

fn arguments(data: &Path, manifest: &Manifest) -> Result<Vec<String>, Broken> {
    let mut list: Vec<String> =
        ["--skip-networking", "--read-only=ON", "--event-scheduler=OFF"].map(str::to_owned).to_vec();
    if let Some(server) = &manifest.server {
        list.push(format!("--lower-case-table-names={}", server.lower_case_table_names));
    }
    let notes = match fs::read_to_string(data.join(SETTINGS)) {
        Ok(notes) => notes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(list),
        Err(error) => return Err(failed(format!("{SETTINGS} cannot be read: {error}"), "check the file")),
    };
    let needed = notes.lines().filter_map(setting).filter(|(name, _)| NEEDED.contains(name));
    list.extend(needed.map(|(name, value)| format!("--{name}={value}")));
    Ok(list)
}

/// A server on the copy. It ends when this is dropped.
pub struct Restored {
    server: Server,
    folder: PathBuf,
}

/// Where files lie that every server has open, and no data of anybody: programs, libraries, devices.
const SHARED: [&str; 8] = ["/usr/", "/lib", "/etc/", "/dev/", "/proc/", "/sys/", "/opt/", "/memfd:"];

impl Restored {
    /// Whether every file that the server has open lies in the drill's own folder, or is read alone
    /// and of the system.
    ///
    /// # Errors
    /// The first file outside.
    pub fn keeps_inside(&self) -> Result<(), Broken> {
        let Some(pid) = self.server.pid() else { return Ok(()) };
        let unseen = |error: std::io::Error| {
            failed(format!("the files that the server has open cannot be listed: {error}"), "run it as the same user")
        };
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).map_err(unseen)? {
            // A file that was closed meanwhile has no target any more.
            let Ok(target) = fs::read_link(entry.map_err(unseen)?.path()) else { continue };
            if target.is_absolute() && !target.starts_with(&self.folder) && !is_shared(&target) {
                let message = format!("the server has {} open, outside the copy", target.display());
                let hint = "back the file up, too: the backup refers to it and does not have it";
                return Err(Broken { code: Code::FileOutside, message, hint: hint.to_owned() });
            }
        }
        Ok(())
    }

    /// Its address.
    pub fn target(&self) -> Result<Target, Broken> {
        let address = format!("S={},u=root,p=,ssl-mode=disabled", self.server.socket().display());
        Target::parse(&address, &Defaults::default()).map_err(|error| failed(error.to_string(), "check TMPDIR"))
    }
}

fn is_shared(target: &Path) -> bool {
    let text = target.to_string_lossy();
    SHARED.iter().any(|folder| text.starts_with(folder)) || text.ends_with("/errmsg.sys")
}
