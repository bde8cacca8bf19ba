//! Boots a source and replicas, one by default, for a benchmark and keeps them
//! while its standard input is open: `pair mysql|mariadb [BUFFER_POOL_MIB [REPLICAS [OPTION…]]]`,
//! each OPTION one of the servers.
//!
//! Prints shell assignments and then `ready`. Whatever ends this process ends
//! the servers and removes their folders.

// It is a program, and its output is what it is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io::{Read, stdin};
use std::process::ExitCode;
use vouch_testkit::{Flavor, Topology};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pair: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), Box<dyn Error>> {
    let name = words.first().map(String::as_str).unwrap_or_default();
    let flavor = Flavor::ALL.into_iter().find(|flavor| flavor.name() == name).ok_or("name mysql or mariadb")?;
    let mib = words.get(1).map_or(Ok(1024), |word| word.parse())?;
    let replicas = words.get(2).map_or(Ok(1), |word| word.parse())?;
    let redo = match flavor {
        Flavor::Mysql => "--innodb-redo-log-capacity=1073741824",
        Flavor::Mariadb => "--innodb-log-file-size=1G",
    };
    let options: Vec<&str> = words.iter().skip(3).map(String::as_str).chain([redo]).collect();
    let pair = Topology::builder(flavor)?.replicas(replicas).buffer_pool_mib(mib).args(&options).start()?;
    let (major, minor, patch) = pair.source().dist().version();
    println!("VERSION={major}.{minor}.{patch}");
    println!("SOURCE_SOCKET={}", pair.source().socket().display());
    println!("SOURCE_PORT={}", pair.source().port());
    println!("SOURCE_DATA={}", pair.source().data().display());
    if let Some(replica) = pair.replicas().first() {
        println!("REPLICA_SOCKET={}", replica.socket().display());
        println!("REPLICA_PORT={}", replica.port());
    }
    println!("ready");
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
