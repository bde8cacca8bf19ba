//! Where a server's programs are: [`Dist`], one per flavor and version.
//!
//! Invariant: a distribution that was made has been run once (`--version`), so
//! a missing server is an error here, with the command that provides it, and
//! never a test that is passed over.

use crate::{Error, Result};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Oracle's MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Flavor {
    /// Every flavor that the tests run on.
    pub const ALL: [Flavor; 2] = [Flavor::Mysql, Flavor::Mariadb];

    /// `mysql` or `mariadb`: also the argument of `script/servers` that provides it.
    pub fn name(self) -> &'static str {
        match self {
            Flavor::Mysql => "mysql",
            Flavor::Mariadb => "mariadb",
        }
    }
}

/// An installed or unpacked server: how its programs are started.
#[derive(Clone, Debug)]
pub struct Dist {
    flavor: Flavor,
    version: (u16, u16, u16),
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// Installed by the distribution; programs are found by their folder.
    Installed { sbin: PathBuf, bin: PathBuf },
    /// A tree of packages that brings its own libc, run through its own loader.
    Unpacked { home: PathBuf, libraries: OsString, loader: PathBuf },
}

impl Dist {
    /// The default distribution of a flavor: [`Dist::mysql`] or [`Dist::mariadb`].
    pub fn of(flavor: Flavor) -> Result<Dist> {
        match flavor {
            Flavor::Mysql => Dist::mysql(),
            Flavor::Mariadb => Dist::mariadb(),
        }
    }

    /// MySQL from `VOUCH_MYSQL_HOME`, by default `mysql-9.7` in the cache folder; else the one that the machine's
    /// distribution installs.
    pub fn mysql() -> Result<Dist> {
        let home = env::var_os("VOUCH_MYSQL_HOME").map_or_else(|| cache_dir().join("mysql-9.7"), PathBuf::from);
        Dist::mysql_at(&home).or_else(|error| match (find_program("mysqld"), find_program("mysql")) {
            (Some(sbin), Some(bin)) => Dist::probed(Flavor::Mysql, Place::Installed { sbin, bin }),
            _ => Err(error),
        })
    }

    /// MySQL unpacked in `home`, of any version.
    pub fn mysql_at(home: &Path) -> Result<Dist> {
        Dist::unpacked(Flavor::Mysql, home).ok_or_else(|| missing(Flavor::Mysql.name(), home))?
    }

    /// The oldest MariaDB of the tests, which still writes page checksums of old: from `VOUCH_MARIADB_10_5_HOME`,
    /// by default `mariadb-10.5` in the cache folder.
    pub fn mariadb_10_5() -> Result<Dist> {
        Dist::mariadb_in("mariadb-10.5", "VOUCH_MARIADB_10_5_HOME")
    }

    /// The newest MariaDB of the tests: from `VOUCH_MARIADB_11_8_HOME`, by default `mariadb-11.8` in the cache folder.
    pub fn mariadb_11_8() -> Result<Dist> {
        Dist::mariadb_in("mariadb-11.8", "VOUCH_MARIADB_11_8_HOME")
    }

    fn mariadb_in(name: &str, variable: &str) -> Result<Dist> {
        let home = env::var_os(variable).map_or_else(|| cache_dir().join(name), PathBuf::from);
        Dist::unpacked(Flavor::Mariadb, &home).ok_or_else(|| missing(name, &home))?
    }

    /// `None` where no tree of packages is.
    fn unpacked(flavor: Flavor, home: &Path) -> Option<Result<Dist>> {
        let folders = ["usr/lib", "lib"].map(|lib| home.join(format!("{lib}/{}-linux-gnu", env::consts::ARCH)));
        let loader = folders.iter().find_map(|folder| find_loader(folder))?;
        let libraries = env::join_paths(&folders).ok()?;
        Some(Dist::probed(flavor, Place::Unpacked { home: home.to_owned(), libraries, loader }))
    }

    /// MariaDB as the machine's distribution installs it.
    pub fn mariadb() -> Result<Dist> {
        let sbin = find_program("mariadbd").ok_or_else(|| missing(Flavor::Mariadb.name(), Path::new("mariadbd")))?;
        let bin = find_program("mariadb-install-db")
            .ok_or_else(|| missing(Flavor::Mariadb.name(), Path::new("mariadb-install-db")))?;
        Dist::probed(Flavor::Mariadb, Place::Installed { sbin, bin })
    }

    /// The same MySQL with component_keyring_file, whose keys are in [`Dist::KEYRING`] in `folder`: it looks for
    /// what it has to load beside its own program, so it gets a program and plugins in `folder`.
    ///
    /// Errors: the server is not one that was unpacked, or the folder cannot be written.
    pub fn with_keyring(&self, folder: &Path) -> Result<Dist> {
        let Place::Unpacked { home, libraries, loader } = &self.place else {
            return Err(missing(Flavor::Mysql.name(), folder));
        };
        let (sbin, plugins) = (folder.join("usr/sbin"), folder.join("usr/lib/mysql/plugin"));
        let failed = || Error::io(format!("writing {}", folder.display()));
        for made in [&sbin, &plugins] {
            fs::create_dir_all(made).map_err(failed())?;
        }
        for shared in ["usr/share", "usr/bin", "usr/sbin/mysqld", "usr/lib/mysql/plugin/component_keyring_file.so"] {
            std::os::unix::fs::symlink(home.join(shared), folder.join(shared)).map_err(failed())?;
        }
        let keys = folder.join(Dist::KEYRING);
        let settings = format!("{{\"path\": \"{}\", \"read_only\": false}}", keys.display());
        fs::write(plugins.join("component_keyring_file.cnf"), settings).map_err(failed())?;
        let manifest = "{\"components\": \"file://component_keyring_file\"}";
        fs::write(sbin.join("mysqld.my"), manifest).map_err(failed())?;
        let place = Place::Unpacked { home: folder.to_owned(), libraries: libraries.clone(), loader: loader.clone() };
        Ok(Dist { place, ..self.clone() })
    }

    /// The name of the file of keys of [`Dist::with_keyring`].
    pub const KEYRING: &str = "keyring.json";

    fn probed(flavor: Flavor, place: Place) -> Result<Dist> {
        let mut dist = Dist { flavor, version: (0, 0, 0), place };
        let output = dist
            .program(Role::Server)
            .arg("--version")
            .output()
            .map_err(Error::io(format!("running {} --version", flavor.name())))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // MariaDB installs its server as mysqld, too.
        if (flavor == Flavor::Mariadb) != text.contains("MariaDB") {
            return Err(Error::Unfit(format!(
                "the server that is installed as {} is another one: {text}",
                flavor.name()
            )));
        }
        dist.version = parse_version(&text)
            .ok_or_else(|| Error::Tool { what: format!("{} --version", flavor.name()), said: text })?;
        Ok(dist)
    }

    /// Whose server it is.
    pub fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// The folder of an unpacked server; `None` for one that the distribution installed.
    pub(crate) fn home(&self) -> Option<&Path> {
        match &self.place {
            Place::Unpacked { home, .. } => Some(home),
            Place::Installed { .. } => None,
        }
    }

    /// Major, minor and patch number, as the server says.
    pub fn version(&self) -> (u16, u16, u16) {
        self.version
    }

    /// `mysql-9.7.4`: for names of files.
    pub fn label(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("{}-{major}.{minor}.{patch}", self.flavor.name())
    }

    /// The command-line client with no options but those that its place needs.
    pub fn client(&self) -> Command {
        let mut command = self.program(Role::Client);
        command.arg("--no-defaults");
        command
    }

    /// Its own checker of pages.
    pub fn innochecksum(&self) -> Command {
        self.tool("innochecksum")
    }

    /// MariaDB's tool for backups.
    pub fn mariabackup(&self) -> Command {
        self.tool("mariabackup")
    }

    fn tool(&self, name: &str) -> Command {
        match &self.place {
            Place::Installed { bin, .. } => Command::new(bin.join(name)),
            Place::Unpacked { home, libraries, loader } => {
                let mut command = Command::new(loader);
                command.arg("--library-path").arg(libraries).arg(home.join("usr/bin").join(name));
                command
            }
        }
    }

    /// Whether the server has a loadable plugin of that file name, such as `semisync_source.so`.
    pub fn has_plugin(&self, file: &str) -> bool {
        match &self.place {
            Place::Unpacked { home, .. } => home.join("usr/lib/mysql/plugin").join(file).exists(),
            Place::Installed { .. } => Path::new("/usr/lib/mysql/plugin").join(file).exists(),
        }
    }

    /// The server with `--no-defaults` and the options that its place needs.
    pub(crate) fn server(&self) -> Command {
        let mut command = self.program(Role::Server);
        command.args(["--no-defaults", "--secure-file-priv="]);
        if let Place::Unpacked { home, .. } = &self.place {
            let share = self.share();
            for (option, path) in [
                ("basedir", home.join("usr")),
                ("character-sets-dir", share.join("charsets")),
                ("lc-messages-dir", share),
                ("plugin-dir", home.join("usr/lib/mysql/plugin")),
            ] {
                command.arg(assignment(option, &path));
            }
        }
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        command
    }

    /// Where an unpacked server has its messages and scripts: newer MariaDB in a folder of its own name.
    fn share(&self) -> PathBuf {
        let Place::Unpacked { home, .. } = &self.place else { return PathBuf::from("/usr/share/mysql") };
        ["usr/share/mariadb", "usr/share/mysql"]
            .map(|share| home.join(share))
            .into_iter()
            .find(|share| share.join("charsets").is_dir())
            .unwrap_or_else(|| home.join("usr/share/mysql"))
    }

    /// The statements by which an unpacked MariaDB makes its system tables when it is run with `--bootstrap`;
    /// `None` for every server that has a program or an option for that.
    pub(crate) fn bootstrap(&self) -> Option<Result<String>> {
        let unpacked = matches!(self.place, Place::Unpacked { .. }) && self.flavor == Flavor::Mariadb;
        unpacked.then(|| {
            let share = self.share();
            let mut sql = "CREATE DATABASE mysql;\nUSE mysql;\n".to_owned();
            for part in ["system_tables", "performance_tables", "system_tables_data"] {
                let path = ["mariadb", "mysql"].map(|name| share.join(format!("{name}_{part}.sql")));
                let path = path.iter().find(|path| path.exists()).unwrap_or(&path[0]).clone();
                sql += &fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
                sql.push('\n');
            }
            Ok(sql)
        })
    }

    /// The program that makes a data directory, where that is not the server itself.
    pub(crate) fn installer(&self) -> Option<Command> {
        match &self.place {
            Place::Installed { bin, .. } if self.flavor == Flavor::Mariadb => {
                Some(Command::new(bin.join("mariadb-install-db")))
            }
            Place::Installed { .. } | Place::Unpacked { .. } => None,
        }
    }

    fn program(&self, role: Role) -> Command {
        match &self.place {
            Place::Installed { sbin, bin } => {
                let (server, client) = match self.flavor {
                    Flavor::Mysql => ("mysqld", "mysql"),
                    Flavor::Mariadb => ("mariadbd", "mariadb"),
                };
                Command::new(if role == Role::Server { sbin.join(server) } else { bin.join(client) })
            }
            Place::Unpacked { home, libraries, loader } => {
                let mut command = Command::new(loader);
                command.arg("--library-path").arg(libraries);
                command.arg(home.join(match (self.flavor, role) {
                    (Flavor::Mysql, Role::Server) => "usr/sbin/mysqld",
                    (Flavor::Mysql, Role::Client) => "usr/bin/mysql",
                    (Flavor::Mariadb, Role::Server) => "usr/sbin/mariadbd",
                    (Flavor::Mariadb, Role::Client) => "usr/bin/mariadb",
                }));
                command
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// The folder for downloads and seeds: `VOUCH_CACHE`, else `vouch` in the user's cache folder.
pub(crate) fn cache_dir() -> PathBuf {
    if let Some(dir) = env::var_os("VOUCH_CACHE") {
        return PathBuf::from(dir);
    }
    let home = || env::var_os("HOME").map_or_else(env::temp_dir, PathBuf::from);
    env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from).join("vouch")
}

/// `--option=path`, whatever bytes the path has.
pub(crate) fn assignment(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(format!("--{option}="));
    text.push(path);
    text
}

fn missing(name: &str, place: &Path) -> Error {
    Error::Missing { what: format!("{name} ({})", place.display()), hint: format!("run script/servers {name}") }
}

/// The folder of `name` on the PATH or among the system's program folders.
fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).find(|dir| dir.join(name).is_file())
}

fn find_loader(libraries: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(libraries).ok()?;
    entries.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("ld-linux")).map(|e| e.path())
}

/// The numbers after `Ver` in what a server says about its version.
fn parse_version(text: &str) -> Option<(u16, u16, u16)> {
    let number = text.split_whitespace().skip_while(|word| *word != "Ver").nth(1)?;
    let mut parts = number.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_both_flavors_are_read() {
        let mysql = "/x/usr/sbin/mysqld  Ver 9.7.4-1 for Linux on x86_64 ((Debian))";
        let mariadb = "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)";
        assert_eq!(parse_version(mysql), Some((9, 7, 4)));
        assert_eq!(parse_version(mariadb), Some((10, 11, 19)));
        assert_eq!(parse_version("no version"), None);
    }

    #[test]
    fn a_missing_server_says_how_to_get_it() {
        let error = Dist::mysql_at(Path::new("/nonexistent")).map(|_| ()).map_err(|e| e.to_string());
        assert!(matches!(error, Err(text) if text.contains("script/servers mysql")));
    }
}
