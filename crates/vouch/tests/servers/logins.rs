//! Accounts of every plugin and all modes of TLS: who gets in, and who is refused with a reason.

use crate::harness::{Outcome, Vouch, on_both};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use vouch_testkit::{Dist, Flavor, Server, ServerConfig};

/// With what no plugin and no address may be confused.
const SECRET: &str = "pä ss'w\"örd:/@?&=%";

/// A server with a certificate for `localhost` of an authority of its own.
struct Site {
    dir: TempDir,
    server: Server,
}

impl Site {
    fn start(flavor: Flavor) -> Site {
        let dir = TempDir::new().unwrap();
        for name in ["ours", "other"] {
            openssl(
                dir.path(),
                &format!(
                    "req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN={name} -keyout {name}.key -out {name}.pem"
                ),
            );
        }
        std::fs::write(dir.path().join("names"), "subjectAltName=DNS:localhost\n").unwrap();
        for name in ["server", "client"] {
            openssl(
                dir.path(),
                &format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"),
            );
            let signed = format!("x509 -req -in {name}.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 9");
            openssl(dir.path(), &format!("{signed} -extfile names -out {name}.pem"));
        }
        let file = |name: &str| dir.path().join(name).display().to_string();
        let mut extra_args = vec![
            format!("--ssl-ca={}", file("ours.pem")),
            format!("--ssl-cert={}", file("server.pem")),
            format!("--ssl-key={}", file("server.key")),
        ];
        if flavor == Flavor::Mariadb {
            extra_args.push("--plugin-load-add=auth_ed25519".to_owned());
        }
        let config = ServerConfig { extra_args, ..ServerConfig::default() };
        let server = Server::start(&Dist::of(flavor).unwrap(), config).unwrap();
        server
            .sql(
                "CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY); INSERT INTO shop.items VALUES (1)",
            )
            .unwrap();
        Site { dir, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Reads the table by the account, with those parameters of the address.
    fn read(&self, user: &str, password: &str, host: &str, parameters: &str) -> Outcome {
        let address = self.server.url(user, password).replace("127.0.0.1", host);
        let out = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap().path().display().to_string();
        let words = ["manifest", "create", "--server"];
        let address = format!("{address}/?{parameters}");
        Vouch::new(&words)
            .args(&[&address, "--cluster", "c", "--out", &out, "--serial", "1", "--tables", "shop.*"])
            .run()
    }

    fn user(&self, name: &str, identified: &str) {
        let sql = format!("CREATE USER {name}@'%' {identified}; GRANT ALL ON *.* TO {name}@'%'");
        self.server.sql(&sql).unwrap();
    }
}

fn openssl(dir: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}

fn quoted(password: &str) -> String {
    format!("'{}'", password.replace('\'', "''"))
}

/// What an account is identified by, by plugin.
fn plugins(flavor: Flavor, password: &str) -> Vec<(&'static str, String)> {
    let password = quoted(password);
    match flavor {
        Flavor::Mysql => ["caching_sha2_password", "sha256_password"]
            .map(|plugin| (plugin, format!("IDENTIFIED WITH {plugin} BY {password}")))
            .to_vec(),
        Flavor::Mariadb => vec![
            ("native", format!("IDENTIFIED VIA mysql_native_password USING PASSWORD({password})")),
            ("ed25519", format!("IDENTIFIED VIA ed25519 USING PASSWORD({password})")),
            (
                "either",
                format!(
                    "IDENTIFIED VIA mysql_native_password USING PASSWORD('no') OR ed25519 USING PASSWORD({password})"
                ),
            ),
        ],
    }
}

#[test]
fn accounts_of_every_plugin_log_in() {
    on_both(|flavor| {
        let site = Site::start(flavor);
        for (password, kind) in [(SECRET, "long"), ("", "none")] {
            for (plugin, identified) in plugins(flavor, password) {
                if password.is_empty() && identified.contains("ed25519") {
                    // MariaDB lets nobody in with that plugin and no password.
                    continue;
                }
                let name = format!("{plugin}_{kind}");
                site.user(&name, &identified);
                // The second time MySQL knows the password.
                for parameters in ["ssl-mode=required", "ssl-mode=disabled&get-server-public-key=1"].repeat(2) {
                    site.read(&name, password, "127.0.0.1", parameters).assert_code(0);
                }
                let wrong = site.read(&name, "wrong", "127.0.0.1", "ssl-mode=required").assert_code(2);
                assert!(wrong.stderr.contains("Access denied"), "{name}: {}", wrong.stderr);
            }
        }
        modes_of_tls(&site);
        certificates_of_clients(&site);
        passwords_that_would_be_read_on_the_way(&site, flavor);
    });
}

/// An authority that was named was trusted beside all public ones; now it is the only one.
fn modes_of_tls(site: &Site) {
    site.user("tls", &format!("IDENTIFIED BY {}", quoted(SECRET)));
    let read = |host: &str, mode: &str, authority: &str| {
        let parameters = format!("ssl-mode={mode}&ssl-ca={}", site.file(authority).display());
        site.read("tls", SECRET, host, &parameters)
    };
    for (host, mode) in [("127.0.0.1", "verify-ca"), ("localhost", "verify-ca"), ("localhost", "verify-identity")] {
        read(host, mode, "ours.pem").assert_code(0);
        let refused = read(host, mode, "other.pem").assert_code(2);
        assert!(refused.stderr.contains("invalid peer certificate"), "{mode}: {}", refused.stderr);
    }
    let misnamed = read("127.0.0.1", "verify-identity", "ours.pem").assert_code(2);
    assert!(misnamed.stderr.contains("not valid for name"), "{}", misnamed.stderr);
    // Nothing is verified below, with whatever authority.
    read("127.0.0.1", "required", "other.pem").assert_code(0);
    read("127.0.0.1", "preferred", "other.pem").assert_code(0);
    let empty = read("localhost", "verify-ca", "names").assert_code(2);
    assert!(empty.stderr.contains("names"), "{}", empty.stderr);
}

fn certificates_of_clients(site: &Site) {
    site.user("known", &format!("IDENTIFIED BY {} REQUIRE X509", quoted(SECRET)));
    let identity = |name: &str| {
        let (chain, key) = (site.file(&format!("{name}.pem")), site.file(&format!("{name}.key")));
        format!("ssl-mode=required&ssl-cert={}&ssl-key={}", chain.display(), key.display())
    };
    site.read("known", SECRET, "127.0.0.1", &identity("client")).assert_code(0);
    let refused = site.read("known", SECRET, "127.0.0.1", "ssl-mode=required").assert_code(2);
    assert!(refused.stderr.contains("Access denied"), "{}", refused.stderr);
    // A server only says so when the handshake is over for us.
    let stranger = site.read("known", SECRET, "127.0.0.1", &identity("other")).assert_code(2);
    assert!(stranger.stderr.contains("no TLS with"), "{}", stranger.stderr);
}

/// A server may ask for a password in a way in which it could be read on the way: that is refused.
fn passwords_that_would_be_read_on_the_way(site: &Site, flavor: Flavor) {
    if flavor == Flavor::Mysql {
        let refused = site.read("sha256_password_long", SECRET, "127.0.0.1", "ssl-mode=disabled").assert_code(2);
        assert!(refused.stderr.contains("get-server-public-key=1"), "{}", refused.stderr);
    }
    if flavor == Flavor::Mariadb {
        site.server.sql("INSTALL SONAME 'auth_pam'").unwrap();
        site.user("pam", "IDENTIFIED VIA pam");
        let refused = site.read("pam", SECRET, "127.0.0.1", "ssl-mode=required").assert_code(2);
        assert!(refused.stderr.contains("dialog"), "{}", refused.stderr);
    }
}
