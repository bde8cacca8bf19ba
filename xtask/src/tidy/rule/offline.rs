//! What reads files and manifests reaches no network: no socket, TLS or async crate.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

/// The crates that work offline.
const OFFLINE: &[&str] = &["vouch-innodb", "vouch-datadir", "vouch-manifest", "vouch-report"];

/// Crates by which a program would reach a network.
const NETWORK: &[&str] = &[
    "async-std",
    "hyper",
    "mio",
    "mysql",
    "mysql_async",
    "native-tls",
    "openssl",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "ureq",
    "vouch-server",
];

/// Complains about imports and code that reach a network.
pub fn check(project: &Project) -> Vec<Complaint> {
    let offline = project.packages.iter().filter(|package| OFFLINE.contains(&package.name.as_str()));
    let imports = offline.flat_map(|package| {
        let reached = package.dependencies.iter().filter(|dependency| NETWORK.contains(&dependency.name.as_str()));
        reached.map(|reached| {
            complaint(
                &format!("crate {}", package.name),
                0,
                format!("works offline and must not depend on {}", reached.name),
            )
        })
    });
    imports.chain(project.sources.iter().flat_map(check_source)).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    if !OFFLINE.contains(&source.crate_name()) {
        return Vec::new();
    }
    let reaches = |code: &str| code.contains("std::net") || has_word(code, "UnixStream") || has_word(code, "async");
    let lines = source.shipped_code().filter(|(_, code)| reaches(code));
    lines.map(|(line, _)| complaint(&source.path, line, "this crate works offline, without async")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Dependency, Package};

    #[test]
    fn an_offline_crate_imports_no_network() {
        let dependencies = vec![Dependency { name: "tokio".to_owned(), dev: false }];
        let packages = vec![Package { name: "vouch-innodb".to_owned(), dependencies }];
        assert_eq!(check(&Project { packages, ..Project::default() }).len(), 1);
    }

    #[test]
    fn an_offline_crate_opens_no_socket() {
        let code = "use std::net::TcpStream;\n";
        assert_eq!(check(&Project::of("crates/vouch-datadir/src/a.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-server/src/a.rs", code)).len(), 0);
    }
}
