//! Folders made in code, and runs over them, for tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::{Level, PagesOptions, Runtime, StateChoice, verify};
use std::path::Path;
use vouch_report::{Code, NullSink, Summary};

/// Verifies what lies in a folder.
pub(crate) fn run(folder: &Path) -> Summary {
    let options = PagesOptions {
        paths: vec![folder.to_owned()],
        level: Level::Tree,
        state: StateChoice::Auto,
        threads: 2,
        max_bad_pages: None,
        max_findings: 100,
    };
    let runtime = Runtime { sink: &NullSink, stopped: &|| None, now_ms: &|| 0, run_id: "run".to_owned(), input: None };
    verify(&options, &runtime).unwrap()
}

/// Code and file of each finding.
pub(crate) fn findings(summary: &Summary) -> Vec<(Code, String)> {
    let named = |finding: &vouch_report::Finding| (finding.code, finding.location.file.clone().unwrap().file);
    summary.findings.iter().map(named).collect()
}

/// Writes a file, with its folders.
pub(crate) fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
