//! The file sweep: the n-th call of `vouch pages`, `vouch innochecksum` and `vouch drill` to the disk goes wrong. A read
//! is short, fails, returns zeros or another page; the list of a folder is without an entry, or breaks off; a file
//! cannot be opened or asked about.
//!
//! It goes over the directories of both servers, a backup, two archives one behind the other, the same packed, an image
//! of a backup tool, and files that are packed, renamed or encrypted each by itself. Every file has one damaged page,
//! and a table's file is gone. A run must never end with 0, nor in a crash. Every damaged file is named by every run,
//! spoilt or not: a finding may be missing only where an error or an unproven item names its file, or what tells of it.
//!
//! Put back, each of these faults made it fail:
//!
//! - Pages of zeros count as sound by the state of the files: with zeros in the place of a damaged page, `vouch pages`
//!   ended with 0. The same in `vouch innochecksum`.
//! - An archive behind another one is not read: there was no word of the damaged table in it.
//! - Renamed and encrypted files are left out: there was no word of them.
//! - Dictionaries demand no files: there was no word of the table without a file.
//!
//! It caught on its first runs: zeros in the place of page 0, which took back what that page had said of the others; a
//! folder that could not be listed when files were looked for in it, after which none was missing; an entry that one
//! list of a folder lacks; and a damaged page that was all zero when it was read again, and sound for that.
//!
//! Not caught: a short or failing read that is taken as the end of the file. The length of the file tells that as well.
//! Not spoilt: how `vouch` opens the files that it reads pages of, which does not go through libc.

use super::is_full;
use crate::gate::drill;
use crate::gate::kit::{Desk, copy, fill};
use crate::harness::{Outcome, Vouch, on_both};
use crate::pages::filled;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Calls, Flavor, ReadFault, Shim, Topology, spaces};

/// Bytes of a page of the servers that are used here.
const PAGE: usize = 16_384;
/// The file of a table that is not there any more.
const GONE: &str = "forms/redundant.ibd";
/// The file of a table that is newer than its backup.
const NEWER: &str = "app/log.ibd";

/// A directory or images with what is wrong in it.
struct Ground {
    /// Where it is.
    path: PathBuf,
    /// Files that every run has to name, by the ends of their names in the report.
    owed: Vec<String>,
}

/// A stopped server's directory in which page 4 of every table's file, a page of an index, is damaged, and one table
/// has no file.
fn damaged(flavor: Flavor, to: PathBuf) -> Ground {
    let server = filled(flavor, 16, &[]);
    server.stop().unwrap();
    copy(&server.data(), &to);
    fs::remove_file(to.join(GONE)).unwrap();
    let mut owed = vec![GONE.to_owned()];
    for entry in fs::read_dir(to.join(spaces::DATABASE)).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::metadata(&path).unwrap().len();
        // Pages that are compressed or encrypted as a whole have other bytes in use; small files have no page 4.
        if path.extension().is_some_and(|end| end == "ibd") && bytes >= 6 * PAGE as u64 {
            spoil_page(&path, 4);
            owed.push(path.strip_prefix(&to).unwrap().display().to_string());
        }
    }
    assert!(owed.len() > 5, "{owed:?}");
    Ground { path: to, owed }
}

fn spoil_page(path: &Path, page: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[page * PAGE + 100..page * PAGE + 108].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(path, bytes).unwrap();
}

/// Damaged files of a directory as people keep them: one archive behind another, the same packed, and files that are
/// packed, renamed or encrypted each by itself.
fn images(flavor: Flavor, from: &Ground, to: &Path) -> Vec<Ground> {
    // Of more than one read each: zeros in the place of all of an archive are what archives are filled up with.
    let (one, two) = ("forms/dynamic.ibd", "forms/compact.ibd");
    let data = from.path.display();
    let shell = |command: String| {
        let said = Command::new("bash").arg("-ec").arg(&command).current_dir(to).output().unwrap();
        assert!(said.status.success(), "{command}\n{}", String::from_utf8_lossy(&said.stderr));
    };
    shell(format!("tar -cf 1 -C {data} {one}; tar -cf 2 -C {data} {two}; cat 1 2 > two.tar"));
    shell("(gzip -1 < 1; gzip -1 < 2) > two.tar.gz; rm 1 2; mkdir packed".to_owned());
    shell(format!("cd packed; gzip -1 < {data}/{one} > a.ibd.gz; zstd -q1 < {data}/{two} > b.ibd.zst"));
    shell(format!("cd packed; cp {data}/{one} c.ibd.bak; cp {data}/{two} d.IBD; cp {data}/{two} e.ibd.enc"));
    let ground = |name: &str, owed: &[&str]| {
        let owed = owed.iter().map(|name| (*name).to_owned()).collect();
        Ground { path: to.join(name), owed }
    };
    let mut grounds = vec![
        ground("two.tar", &[one, two]),
        ground("two.tar.gz", &[one, two]),
        ground("packed", &["a.ibd.gz", "b.ibd.zst", "c.ibd.bak", "d.IBD", "e.ibd.enc"]),
    ];
    // MySQL has no tool of its own for such images.
    if flavor == Flavor::Mariadb {
        shell(format!("cd {data}; mbstream -c {one} {two} > {}/two.mbstream", to.display()));
        grounds.push(ground("two.mbstream", &[one, two]));
    }
    grounds
}

/// A run of vouch whose `number`-th call below `folder` is spoilt.
fn spoilt(vouch: Vouch, folder: &Path, shim: &Shim, number: u64, fault: ReadFault) -> Outcome {
    let set = shim.variables(folder, number, fault);
    set.iter().fold(vouch, |vouch, (name, value)| vouch.variable(name, value)).run()
}

fn pages(path: &Path) -> Vouch {
    let path = path.display().to_string();
    Vouch::new(&["pages", &path, "--format", "json", "--quiet", "--threads", "1"])
}

/// Findings by code and file.
fn findings(outcome: &Outcome) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    outcome.findings().iter().map(|finding| (text(&finding["code"]), text(&finding["file"]["name"]))).collect()
}

/// The names of everything of which there is a finding, an error or an unproven item.
fn named(outcome: &Outcome) -> Vec<String> {
    let reported = outcome.findings().iter().chain(outcome.errors()).map(|report| &report["file"]["name"]);
    let items = outcome.document["scope"]["not_verified"].as_array().map_or(&[][..], Vec::as_slice);
    let open = items.iter().filter(|item| item["outcome"] == "unproven").map(|item| &item["name"]);
    reported.chain(open).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether there is a word of a file of `path`: of itself, the image it is in, or a folder above it. What is wrong with
/// some files is known by others, and a word of those will do.
fn has_word(outcome: &Outcome, path: &Path, file: &str) -> bool {
    let told_by: &[&str] = match file {
        GONE => &["mysql.ibd", "ibdata1"],
        NEWER => &["xtrabackup_checkpoints", "#innodb_redo", "ibdata1"],
        _ => &[],
    };
    let of_file = |name: &String| {
        let above = path.join(file).starts_with(path.join(name));
        above || name.ends_with(file) || told_by.iter().any(|other| name.starts_with(other))
    };
    named(outcome).iter().any(of_file)
}

/// What is wrong with a run over damaged files, spoilt or not.
fn no_better(ground: &Ground, calm: &Outcome, outcome: &Outcome) -> Option<String> {
    if !(1..=3).contains(&outcome.code) {
        return Some(format!("exit {}", outcome.code));
    }
    // Nothing was verified, and the run says why.
    if outcome.code == 2 && outcome.findings().is_empty() && outcome.stderr.contains("vouch:") {
        return None;
    }
    let missing = findings(calm).difference(&findings(outcome)).map(|(_, file)| file.clone()).collect::<Vec<_>>();
    let silent = missing.iter().chain(&ground.owed).find(|file| !has_word(outcome, &ground.path, file));
    silent.map(|file| format!("exit {}, and not a word of {file}, but of {:?}", outcome.code, named(outcome)))
}

/// How many calls of each kind are spoilt, by each fault of that kind.
#[derive(Clone, Copy)]
struct Sample {
    reads: u64,
    entries: u64,
    looks: u64,
}

impl Sample {
    fn of(self, fault: ReadFault) -> u64 {
        match fault {
            ReadFault::Short | ReadFault::Fail | ReadFault::Zeros | ReadFault::Other => self.reads,
            ReadFault::Unlisted | ReadFault::Broken => self.entries,
            ReadFault::Refused => self.looks,
        }
    }
}

/// The trials of a sweep: for each fault a sample of the calls that it can happen to, or all.
fn trials(calls: &Calls, sample: Sample) -> Vec<(u64, ReadFault)> {
    let of_fault = |(phase, fault): (u64, ReadFault)| {
        let count = calls.of(fault);
        let chosen = if is_full() { count } else { sample.of(fault).min(count) };
        (0..chosen).map(move |at| ((at * count / chosen + phase) % count + 1, fault))
    };
    (0..).zip(ReadFault::ALL).flat_map(of_fault).collect()
}

/// Runs undisturbed, then with a spoilt call below `folder`, for each trial, each judged by `judge`. Runs wait more than
/// they work, so as many go on at a time as there are shims.
#[track_caller]
fn sweep(
    shims: &[Shim],
    folder: &Path,
    vouch: impl Fn() -> Vouch + Sync,
    sample: Sample,
    judge: impl Fn(&Outcome, &Outcome) -> Option<String> + Sync,
) {
    let calm = spoilt(vouch(), folder, &shims[0], 0, ReadFault::Short);
    assert_eq!(calm.code, 1, "{}\n{}", calm.stdout, calm.stderr);
    let calls = shims[0].counted().unwrap();
    let wrong = judge(&calm, &calm);
    assert!(wrong.is_none(), "a run that nothing disturbs: {wrong:?}\n{}", calm.stdout);
    let trials = trials(&calls, sample);
    let (next, spoilt_runs, all_wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for shim in shims {
            scope.spawn(|| {
                while let Some((number, fault)) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = spoilt(vouch(), folder, shim, *number, *fault);
                    spoilt_runs.fetch_add(usize::from(shim.counted().unwrap().spoilt), Ordering::Relaxed);
                    let wrong = judge(&calm, &outcome).map(|why| format!("{fault:?} of call {number}: {why}"));
                    all_wrong.lock().unwrap().extend(wrong);
                }
            });
        }
    });
    let (runs, spoilt_runs, wrong) = (trials.len(), spoilt_runs.into_inner(), all_wrong.into_inner().unwrap());
    assert!(spoilt_runs * 10 >= runs * 9, "only {spoilt_runs} of {runs} runs were spoilt");
    assert!(wrong.is_empty(), "{} of {runs} spoilt runs, {calls:?}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A sweep of `vouch pages` over damaged files, with faults below `folder`.
#[track_caller]
fn over_pages(shims: &[Shim], ground: &Ground, folder: &Path, sample: Sample) {
    let judge = |calm: &Outcome, outcome: &Outcome| no_better(ground, calm, outcome);
    sweep(shims, folder, || pages(&ground.path), sample, judge);
}

#[test]
fn no_spoilt_call_makes_a_directory_an_image_or_a_file_look_better() {
    on_both(|flavor| {
        let shims = [(); 3].map(|()| Shim::build().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        let ground = damaged(flavor, home.join("data"));
        for name in ["forms/zip1.ibd", "forms/compact.ibd"] {
            of_one_file(&shims, &ground.path.join(name));
        }
        for image in images(flavor, &ground, &home) {
            over_pages(&shims, &image, &image.path, Sample { reads: 10, entries: 8, looks: 6 });
        }
        over_pages(&shims, &ground, &ground.path, Sample { reads: 2, entries: 6, looks: 5 });
        let tables = ground.path.join(spaces::DATABASE);
        over_pages(&shims, &ground, &tables, Sample { reads: 8, entries: 4, looks: 5 });
    });
}

/// Every read of a damaged file by itself, which is as a server left it.
fn of_one_file(shims: &[Shim], file: &Path) {
    let path = file.display().to_string();
    let ground = Ground { path: file.to_owned(), owed: vec![path.clone()] };
    let judge = |calm: &Outcome, outcome: &Outcome| no_better(&ground, calm, outcome);
    let all = Sample { reads: 40, entries: 0, looks: 10 };
    sweep(shims, file, || pages(file).args(&["--state", "clean"]), all, judge);
    let passed = |_: &Outcome, outcome: &Outcome| (outcome.code == 0).then(|| format!("exit 0\n{}", outcome.stderr));
    sweep(shims, file, || Vouch::new(&["innochecksum", &path]), all, passed);
}

/// A table with a page that was changed after all that the backup has: only as of when that is tells so.
fn newer(flavor: Flavor, backup: &Path) -> String {
    let file = NEWER.to_owned();
    let seal = if flavor == Flavor::Mariadb { Seal::FullCrc32 } else { Seal::Crc32 };
    let mut pages = Pages::read(&backup.join(&file), PAGE, seal).unwrap();
    pages.stamp(3, u64::from(u32::MAX) << 16);
    pages.write_to(&backup.join(&file)).unwrap();
    file
}

/// Each table's file of a backup is damaged. The drill ends before it copies anything, whatever a call returns; and so
/// does the check of the pages of the backup by itself.
#[test]
fn no_spoilt_call_makes_a_drill_or_a_backup_look_better() {
    on_both(|flavor| {
        let shims = [(); 3].map(|()| Shim::build().unwrap());
        let topology = Topology::standalone(flavor, 1).unwrap();
        fill(topology.source());
        let desk = Desk::new();
        drill::backup(topology.source(), &desk.path("good"));
        desk.create("m.json", topology.source(), &[]).assert_code(0);
        let path = desk.path("good").canonicalize().unwrap();
        let mut owed: Vec<String> = ["users", "orders"].iter().map(|name| format!("app/{name}.ibd")).collect();
        // Page 3 of a new table is the root of its first index.
        owed.iter().for_each(|file| spoil_page(&path.join(file), 3));
        owed.push(newer(flavor, &path));
        let ground = Ground { path, owed };
        over_pages(&shims, &ground, &ground.path, Sample { reads: 2, entries: 6, looks: 8 });
        // What tells as of when the files are.
        let telling = if flavor == Flavor::Mariadb { "xtrabackup_" } else { "#innodb_redo" };
        over_pages(&shims, &ground, &ground.path.join(telling), Sample { reads: 4, entries: 2, looks: 0 });
        let judge = |calm: &Outcome, outcome: &Outcome| no_better(&ground, calm, outcome);
        let sample = Sample { reads: 4, entries: 4, looks: 4 };
        // A drill has its folders for itself.
        sweep(&shims[..1], &ground.path, || drill::command(&desk, "m.json", "good"), sample, judge);
    });
}
