//! The file sweep: the n-th read of `vouch pages`, `vouch innochecksum` and `vouch drill` is short, fails, returns
//! zeros or another page.
//!
//! Every file of a directory has one damaged page. A run must never exit 0, and a
//! finding may be missing only where an error or an unproven item names its file.
//!
//! Put back, each of these faults made it fail: pages of zeros that count as sound by the state of the directory, and
//! the same in `vouch innochecksum`. Its first run over that command failed because of zeros in the place of page 0,
//! which took back what that page had said of the others.
//!
//! Not caught by the sample: a short or failing read that is taken as the end of the file.

use super::is_full;
use crate::gate::drill;
use crate::gate::kit::{Desk, copy, fill};
use crate::harness::{Outcome, Vouch, on_both};
use crate::pages::filled;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use vouch_testkit::{Flavor, ReadFault, Shim, Topology, spaces};

/// Bytes of a page of the servers that are used here.
const PAGE: usize = 16_384;

/// A stopped server's directory in which page 4 of every table's file, a page of an index, is damaged.
fn damaged(flavor: Flavor, to: &Path) -> Vec<PathBuf> {
    let server = filled(flavor, 16, &[]);
    server.stop().unwrap();
    copy(&server.data(), to);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(to.join(spaces::DATABASE)).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        // Pages that are compressed or encrypted as a whole have other bytes in use; small files have no page 4.
        if path.extension().is_none_or(|end| end != "ibd") || bytes.len() < 6 * PAGE {
            continue;
        }
        bytes[4 * PAGE + 100..4 * PAGE + 108].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
        files.push(path);
    }
    files
}

/// A run of vouch whose `number`-th read below `folder` is spoilt.
fn spoilt(vouch: Vouch, folder: &Path, shim: &Shim, number: u64, fault: ReadFault) -> Outcome {
    let set = shim.variables(folder, number, fault);
    set.iter().fold(vouch, |vouch, (name, value)| vouch.variable(name, value)).run()
}

fn pages(folder: &Path) -> Vouch {
    let path = folder.display().to_string();
    Vouch::new(&["pages", &path, "--format", "json", "--quiet", "--threads", "1"])
}

/// Findings by code and file.
fn findings(outcome: &Outcome) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    outcome.findings().iter().map(|finding| (text(&finding["code"]), text(&finding["file"]["name"]))).collect()
}

fn names(outcome: &Outcome, file: &str) -> bool {
    let finding = outcome.findings().iter().any(|finding| finding["file"]["name"] == file);
    let error = outcome.errors().iter().any(|error| error["file"]["name"] == file);
    let items = outcome.document["scope"]["not_verified"].as_array().map_or(&[][..], Vec::as_slice);
    finding || error || items.iter().any(|item| item["name"] == file && item["outcome"] == "unproven")
}

/// What is wrong with a spoilt run.
fn no_better(calm: &Outcome, outcome: &Outcome) -> Option<String> {
    if outcome.code == 0 {
        return Some("exit 0".to_owned());
    }
    let missing: Vec<_> = findings(calm).difference(&findings(outcome)).cloned().collect();
    let silent = missing.into_iter().find(|(_, file)| !names(outcome, file));
    silent.map(|(code, file)| format!("exit {}, {code} of {file} is gone without a word", outcome.code))
}

/// Runs undisturbed, then about `sample` times with a spoilt read below `folder`, each judged by `judge`.
#[track_caller]
fn sweep(
    shim: &Shim,
    folder: &Path,
    vouch: impl Fn() -> Vouch,
    sample: usize,
    judge: impl Fn(&Outcome, &Outcome) -> Option<String>,
) -> Outcome {
    let calm = spoilt(vouch(), folder, shim, 0, ReadFault::Short);
    assert_eq!(calm.code, 1, "{}\n{}", calm.stdout, calm.stderr);
    let (reads, _) = shim.counted().unwrap();
    let all: Vec<(u64, ReadFault)> =
        (1..=reads).flat_map(|number| ReadFault::ALL.map(|fault| (number, fault))).collect();
    let step = if is_full() { 1 } else { (all.len() / sample).max(1) | 1 };
    let (mut wrong, mut spoilt_runs, mut runs) = (Vec::new(), 0, 0);
    for (number, fault) in all.into_iter().step_by(step) {
        let outcome = spoilt(vouch(), folder, shim, number, fault);
        runs += 1;
        spoilt_runs += u32::from(shim.counted().unwrap().1);
        wrong.extend(judge(&calm, &outcome).map(|why| format!("{fault:?} of read {number}: {why}")));
    }
    assert!(spoilt_runs * 10 >= runs * 9, "only {spoilt_runs} of {runs} runs were spoilt");
    assert!(wrong.is_empty(), "{} of {runs} spoilt runs of {reads} reads:\n{}", wrong.len(), wrong.join("\n"));
    calm
}

#[test]
fn no_spoilt_read_makes_a_directory_or_a_file_look_better() {
    on_both(|flavor| {
        let shim = Shim::build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().canonicalize().unwrap().join("data");
        let files = damaged(flavor, &data);
        assert!(files.len() >= 5, "{files:?}");
        sweep(&shim, &data, || pages(&data), 10, no_better);
        let calm = sweep(&shim, &data.join(spaces::DATABASE), || pages(&data), 32, no_better);
        assert!(calm.findings().len() >= files.len(), "{}", calm.stdout);
        let passed =
            |_: &Outcome, outcome: &Outcome| (outcome.code == 0).then(|| format!("exit 0\n{}", outcome.stderr));
        for file in files.iter().take(2) {
            let path = file.display().to_string();
            sweep(&shim, file, || Vouch::new(&["innochecksum", &path]), 12, passed);
        }
    });
}

/// Each table's file of a backup is damaged. The drill ends before it copies anything, whatever a read returns.
#[test]
fn no_spoilt_read_makes_a_drill_look_better() {
    on_both(|flavor| {
        let shim = Shim::build().unwrap();
        let topology = Topology::standalone(flavor, 1).unwrap();
        fill(topology.source());
        let desk = Desk::new();
        drill::backup(topology.source(), &desk.path("good"));
        desk.create("m.json", topology.source(), &[]).assert_code(0);
        let backup = desk.path("good").canonicalize().unwrap();
        for name in ["users", "orders"] {
            // Page 3 of a new table is the root of its first index.
            let path = backup.join("app").join(format!("{name}.ibd"));
            let mut bytes = fs::read(&path).unwrap();
            bytes[3 * PAGE + 100..3 * PAGE + 108].iter_mut().for_each(|byte| *byte ^= 0x55);
            fs::write(&path, bytes).unwrap();
        }
        let calm = sweep(&shim, &backup, || drill::command(&desk, "m.json", "good"), 20, no_better);
        assert!(calm.findings().len() >= 2, "{}", calm.stdout);
    });
}
