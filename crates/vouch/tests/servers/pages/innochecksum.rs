//! `vouch innochecksum` says what the servers' own innochecksum says of the same file, where that is right.

use super::damage::Ground;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Dist, Flavor};

/// What a run left.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    dump: String,
}

fn run(mut command: Command, args: &[&str], file: &Path, dump: &Path) -> Said {
    fs::write(dump, "").unwrap();
    let mut words: Vec<&str> = args.to_vec();
    if let Some(word) = words.iter_mut().find(|word| **word == "DUMP") {
        *word = dump.to_str().unwrap();
    }
    let output = command.args(words).arg(file).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Said { code: output.status.code(), stdout, stderr, dump: fs::read_to_string(dump).unwrap() }
}

fn theirs(flavor: Flavor, args: &[&str], file: &Path, dump: &Path) -> Said {
    let mut said = run(Dist::of(flavor).unwrap().innochecksum(), args, file, dump);
    // It prints numbers of indexes as if they had a sign.
    said.stdout = said.stdout.replace("\n-4294967296\t", "\n18446744069414584320\t");
    said.dump = versionless(&said.dump);
    said
}

/// MariaDB's prints other bytes than the key's version, and wrongly where the doublewrite area is.
fn versionless(dump: &str) -> String {
    let line = |line: &str| match line.split_once("key_version") {
        Some((before, _)) => format!("{before}key_version\n"),
        None => line.replace("Double_write_buffer", "-"),
    };
    dump.split_inclusive('\n').map(line).collect()
}

fn ours(args: &[&str], file: &Path, dump: &Path) -> Said {
    let mut vouch = Command::new(env!("CARGO_BIN_EXE_vouch"));
    vouch.arg("innochecksum");
    let mut said = run(vouch, args, file, dump);
    // Theirs have no line for a page of a type that they do not know.
    let known = said.dump.split_inclusive('\n').filter(|line| !line.contains("Other type of page"));
    said.dump = versionless(&known.collect::<String>());
    said
}

/// Tablespaces of every kind that the server has written.
fn files(ground: &Ground) -> Vec<PathBuf> {
    let data = ground.server.data();
    let folders = [data.clone(), data.join(vouch_testkit::spaces::DATABASE)];
    let all = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".ibd") || name.ends_with(".ibu") || name.starts_with("undo_") || name == "ibdata1"
    };
    all.filter(wanted).collect()
}

/// Healthy files in all formats, and a damaged one.
pub fn says_what_theirs_says(ground: &Ground, flavor: Flavor) {
    let dump = ground.copies.path().join("types.txt");
    let mut ways: Vec<&[&str]> =
        vec![&["-c"], &["-S", "-a", "999"], &["-D", "DUMP", "-a", "999"], &["-s", "1", "-e", "3"]];
    if flavor == Flavor::Mariadb {
        ways.extend([&["-S", "-i", "-a", "999"][..], &["-r", "-S", "-a", "999"]]);
    }
    let files = files(ground);
    assert!(files.len() > 20, "{files:?}");
    for file in &files {
        // MariaDB's tells pages of the doublewrite area by the numbers that their contents bear.
        let system = file.ends_with("ibdata1");
        for args in ways.iter().filter(|args| !system || !args.iter().any(|arg| matches!(*arg, "-i" | "-r"))) {
            let (ours, mut theirs) = (ours(args, file, &dump), theirs(flavor, args, file, &dump));
            if flavor == Flavor::Mariadb && system {
                // Slots for copies of other pages are no damage of this file.
                theirs.stderr.clear();
            }
            assert_eq!(ours, theirs, "{args:?} of {}", file.display());
        }
    }
    damaged(ground, flavor, &dump);
}

fn damaged(ground: &Ground, flavor: Flavor, dump: &Path) {
    let seal = if flavor == Flavor::Mysql { Seal::Crc32 } else { Seal::FullCrc32 };
    let mut file = Pages::read(&ground.file("dynamic"), 16_384, seal).unwrap();
    [5, 7].into_iter().for_each(|page| file.flip(page, 200));
    let path = ground.copies.path().join("two bad pages.ibd");
    file.write_to(&path).unwrap();
    for args in
        [&[][..], &["-a", "1"], &["-a", "2"], &["-a", "2", "-S"], &["-p", "7"], &["-p", "6"], &["-s", "6", "-e", "8"]]
    {
        assert_eq!(ours(args, &path, dump), theirs(flavor, args, &path, dump), "{args:?}");
    }
    assert_eq!(ours(&["-a", "1"], &path, dump).code, Some(1));
    assert_eq!(ours(&["-a", "2"], &path, dump).code, Some(0));
    file.cut(9 * 16_384 + 77);
    file.write_to(&path).unwrap();
    let args = ["-a", "2"];
    assert_eq!(ours(&args, &path, dump), theirs(flavor, &args, &path, dump), "a file that is cut");
}
