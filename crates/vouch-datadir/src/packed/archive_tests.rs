//! Whole runs over archives and packed files as tools and people leave them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::{File, backup, chunk, image, named};
use crate::fixture::{PAGE, findings, run, write};
use crate::tools::through;
use std::path::Path;
use std::process::Command;
use vouch_report::{Code, Summary};

/// Suffixes, and the tools that write such files.
const TOOLS: [(&str, &[&str]); 6] = [
    ("gz", &["gzip", "-c"]),
    ("bz2", &["bzip2", "-c"]),
    ("xz", &["xz", "-c1"]),
    ("zst", &["zstd", "-qc"]),
    ("lz4", &["lz4", "-qc"]),
    ("zst", &["pzstd", "-qc", "-p2"]),
];

fn errors(summary: &Summary) -> Vec<Code> {
    summary.errors.iter().map(|error| error.code).collect()
}

/// Findings and errors of one file in a folder of its own.
fn told(name: &str, bytes: &[u8]) -> (Vec<Code>, Vec<Code>) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), name, bytes);
    let summary = run(&folder.path().join(name));
    (findings(&summary).into_iter().map(|(code, _)| code).collect(), errors(&summary))
}

/// An archive of these files, after a change of the folder that they are in.
fn tar(files: &[File], change: impl FnOnce(&Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| write(folder.path(), name, bytes));
    change(folder.path());
    let output = Command::new("tar").arg("-cf-").arg("-C").arg(folder.path()).arg(".").output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn damaged() -> Vec<File> {
    let mut files = backup();
    files.iter_mut().find(|(name, _)| name == "shop/t.ibd").unwrap().1[4 * PAGE + 500] ^= 1;
    files
}

/// Images that were packed with xz or bzip2 were called damaged, and a sound backup would have been thrown away.
#[test]
fn images_are_read_however_they_are_packed() {
    let (sound, bad) = (image(&backup()), image(&damaged()));
    for (suffix, tool) in TOOLS {
        let name = format!("backup.xbstream.{suffix}");
        assert_eq!(told(&name, &through(tool, &sound)), (vec![], vec![]), "{name}");
        assert_eq!(told("backup", &through(tool, &bad)).0, [Code::PageChecksum], "{name} by its bytes");
    }
}

/// Of two archives, one behind the other, the second one went unread, and its damage with it.
#[test]
fn appended_archives_are_read_on() {
    let (sound, bad) = (tar(&backup(), |_| {}), tar(&damaged(), |_| {}));
    assert_eq!(told("a.tar", &[&sound[..], &sound].concat()), (vec![], vec![]));
    assert_eq!(told("a.tar", &[&sound[..], &bad].concat()), (vec![Code::PageChecksum], vec![]));
    for (suffix, tool) in TOOLS {
        let name = format!("a.tar.{suffix}");
        let [sound, bad] = [&sound, &bad].map(|bytes| through(tool, bytes));
        assert_eq!(told(&name, &[&sound[..], &bad].concat()), (vec![Code::PageChecksum], vec![]), "{name}");
        assert_eq!(told(&name, &[&sound[..], &[0; 10_240]].concat()), (vec![], vec![]), "{name} with padding");
        assert_eq!(told(&name, &[&sound[..], b"junk"].concat()), (vec![], vec![Code::ImageTrailing]), "{name}");
        assert_eq!(told(&name, &bad[..bad.len() / 2]).0.last(), Some(&Code::ImageCut), "{name} cut");
    }
    assert_eq!(told("a.tar", &[&sound[..], b"junk"].concat()), (vec![], vec![Code::ImageTrailing]));
    let stream = image(&backup());
    assert_eq!(told("a.xbstream", &[&stream[..], b"junk"].concat()), (vec![], vec![Code::ImageTrailing]));
    for zeros in [3, 8, 5000] {
        assert_eq!(told("a.xbstream", &[&stream[..], &vec![0; zeros]].concat()), (vec![], vec![]), "{zeros}");
    }
    assert_eq!(told("a.xbstream", &[&stream[..], b"XBST"].concat()).0, [Code::ImageCut]);
}

/// A table whose file in the archive is a link, is encrypted or is in another archive was not verified, and the
/// archive was clean.
#[test]
fn what_an_archive_holds_and_nobody_reads_is_never_clean() {
    let unread = (vec![], vec![Code::ImageUnsupported]);
    let link = |folder: &Path| std::os::unix::fs::symlink("/elsewhere/u.ibd", folder.join("shop/u.ibd")).unwrap();
    assert_eq!(told("a.tar", &tar(&backup(), link)), unread);
    for name in ["shop/u.ibd.gpg", "ibdata3.zip", "other.tar", "mysql-bin.000001.enc", "shop/u.ibd.lzo"] {
        let add = |folder: &Path| write(folder, name, b"something");
        let expected = if name == "ibdata3.zip" { vec![] } else { unread.0.clone() };
        assert_eq!(told("a.tar", &tar(&backup(), add)), (expected, unread.1.clone()), "{name}");
    }
    let hard = |folder: &Path| std::fs::hard_link(folder.join("shop/t.ibd"), folder.join("shop/u.ibd")).unwrap();
    assert_eq!(told("a.tar", &tar(&backup(), hard)), (vec![], vec![]));
    let other = |folder: &Path| write(folder, "shop/db.opt", b"default-character-set=utf8mb4");
    assert_eq!(told("a.tar", &tar(&backup(), other)), (vec![], vec![]));
    let folder = tempfile::tempdir().unwrap();
    backup().iter().for_each(|(name, bytes)| write(folder.path(), name, bytes));
    write(folder.path(), "shop/u.ibd.gpg", b"something");
    let summary = run(folder.path());
    assert_eq!((findings(&summary), errors(&summary)), (vec![], vec![Code::FileOpaque]), "in a folder");
    let encrypted = [&b"Salted__"[..], &[7; 5000]].concat();
    assert_eq!(told("backup", &encrypted), unread);
}

/// Files that were packed one by one were read without their notes, so a backup that is yet to be prepared was
/// called damaged.
#[test]
fn notes_are_packed_as_the_files_beside_them_are() {
    for (suffix, tool) in TOOLS {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in backup() {
            write(folder.path(), &format!("{name}.{suffix}"), &through(tool, &bytes));
        }
        let summary = run(folder.path());
        assert_eq!((findings(&summary), errors(&summary)), (vec![], vec![]), "{suffix}");
        assert!(
            summary.coverage.files().unwrap().state.starts_with("raw"),
            "{}",
            summary.coverage.files().unwrap().state
        );
        let note = folder.path().join(format!("xtrabackup_checkpoints.{suffix}"));
        let bytes = std::fs::read(&note).unwrap();
        std::fs::write(&note, &bytes[..bytes.len() - 5]).unwrap();
        let cut = named(&[(Code::ImageCut, "xtrabackup_checkpoints")]);
        assert!(findings(&run(folder.path())).contains(&cut[0]), "{suffix}");
    }
}

/// Files as xbcloud puts them into a bucket, in chunks of so many bytes.
fn objects(files: &[File]) -> Vec<File> {
    const PART: usize = 60_000;
    let mut objects = Vec::new();
    for (path, contents) in files {
        let mut bodies: Vec<Vec<u8>> = contents
            .chunks(PART)
            .enumerate()
            .map(|(number, part)| chunk(path, b'P', Some((number * PART, part))))
            .collect();
        bodies.push(chunk(path, b'E', None));
        let name = |number: usize| format!("full/{path}.{number:020}");
        objects.extend(bodies.into_iter().enumerate().map(|(number, body)| (name(number), body)));
    }
    objects
}

/// Folders of objects were said to have no file of InnoDB.
#[test]
fn objects_of_a_bucket_are_one_image() {
    let told = |change: &dyn Fn(&mut Vec<File>)| {
        let folder = tempfile::tempdir().unwrap();
        let mut all = objects(&backup());
        change(&mut all);
        all.iter().for_each(|(name, bytes)| write(folder.path(), name, bytes));
        let (whole, inside) = (run(folder.path()), run(&folder.path().join("full")));
        assert_eq!((whole.findings.len(), errors(&whole)), (inside.findings.len(), errors(&inside)));
        (findings(&inside), errors(&inside), inside.coverage.files().unwrap().state.clone())
    };
    let (found, failed, state) = told(&|_| {});
    assert!(found.is_empty() && failed.is_empty() && state.contains("raw"), "{found:?} {failed:?} {state}");
    let of = |number: usize| format!("full/shop/t.ibd.{number:020}");
    let last = objects(&backup()).iter().filter(|(name, _)| name.starts_with("full/shop/t.ibd.")).count() - 1;
    let without = |number: usize| told(&move |all| all.retain(|(name, _)| *name != of(number)));
    assert_eq!(without(1).0, named(&[(Code::FileMissing, &format!("shop/t.ibd.{:020}", 1))]));
    assert_eq!(without(0).0, named(&[(Code::FileMissing, &format!("shop/t.ibd.{:020}", 0))]));
    let codes = |(found, ..): (Vec<(Code, String)>, Vec<Code>, String)| {
        found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(codes(without(last)), [Code::ImageCut]);
    let changed = |number: usize, change: &dyn Fn(&mut Vec<u8>)| {
        codes(told(&|all| change(&mut all.iter_mut().find(|(name, _)| *name == of(number)).unwrap().1)))
    };
    assert_eq!(changed(1, &|bytes| bytes[20_000] ^= 1), [Code::ImageChunk, Code::PageChecksum]);
    assert_eq!(changed(1, &|bytes| bytes[3] ^= 1), [Code::ImageDamaged]);
    assert_eq!(changed(1, &|bytes| bytes.truncate(30_000)), [Code::ImageCut]);
    assert_eq!(changed(1, &|bytes| *bytes = chunk("shop/u.ibd", b'P', Some((0, b"x")))), [Code::ImageDamaged]);
    let swapped = told(&|all| {
        let (first, second) = (all.iter().position(|(name, _)| *name == of(0)).unwrap(), all.len());
        assert!(first + 1 < second);
        let body = std::mem::take(&mut all[first].1);
        let other = std::mem::replace(&mut all[first + 1].1, body);
        all[first].1 = other;
    });
    assert_eq!(codes(swapped), [Code::ImageDamaged]);
}

/// An archive of 3 MB with a name of 700 MB took 2 GB of memory.
#[test]
fn lengths_that_an_archive_names_take_no_memory() {
    let words = "{ cat head; head -c 734003200 /dev/zero | tr '\\0' a; cat rest; } | zstd -q1 > a.tar.zst";
    let folder = tempfile::tempdir().unwrap();
    let rest = tar(&backup(), |_| {});
    let mut head = rest[..512].to_vec();
    head[124..136].copy_from_slice(b"05360000000\0");
    head[156] = b'L';
    head[148..156].fill(b' ');
    let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    write(folder.path(), "head", &head);
    write(folder.path(), "rest", &rest);
    assert!(Command::new("sh").args(["-c", words]).current_dir(folder.path()).status().unwrap().success());
    let before = peak();
    let summary = run(&folder.path().join("a.tar.zst"));
    let found: Vec<Code> = findings(&summary).into_iter().map(|(code, _)| code).collect();
    assert_eq!((found, errors(&summary)), (vec![Code::ImageDamaged], vec![]));
    assert!(peak() - before < 128 << 20, "{} MiB more", (peak() - before) >> 20);
}

/// The most memory that the process has held.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// A page that a server wrote while `tar` read its file was damage of a server that had none. A DBA would have taken a
/// sound server out of service.
#[test]
fn pages_that_were_written_while_they_were_read_are_unproven() {
    // The backup has pages of zeros, which the log of an archive without notes does not explain.
    const FUZZY: [Code; 2] = [Code::FuzzyCopy, Code::ZeroUnproven];
    let torn = |name: &str, notes: bool| {
        let mut files = backup();
        files.retain(|(name, _)| notes || name != "xtrabackup_checkpoints");
        let page = &mut files.iter_mut().find(|(known, _)| known == name).unwrap().1[4 * PAGE..5 * PAGE];
        let mut newer = page.to_vec();
        newer[23] += 1;
        newer[2_000] ^= 1;
        crate::fixture::seal(&mut newer);
        page[..10_240].copy_from_slice(&newer[..10_240]);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.tar", &tar(&files, |_| {}));
        run(&folder.path().join("a.tar"))
    };
    let summary = torn("shop/t.ibd", false);
    assert_eq!((findings(&summary), errors(&summary)), (vec![], FUZZY.to_vec()));
    assert!(summary.errors[0].message.contains("shop/t.ibd changed while being read"), "{}", summary.errors[0].message);
    let file = summary.coverage.file_list().iter().find(|file| file.file.ends_with("shop/t.ibd")).unwrap();
    assert_eq!((file.tally.bad, file.tally.unverified), (0, 1));
    assert_eq!(findings(&torn("shop/t.ibd", true))[0].0, Code::PageChecksum, "a backup tool reads such pages again");
    let mut files = damaged();
    files.retain(|(name, _)| name != "xtrabackup_checkpoints");
    assert_eq!(told("a.tar", &tar(&files, |_| {})), (vec![Code::PageChecksum], FUZZY.to_vec()));
}
