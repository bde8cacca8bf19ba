//! Files and pages as JSON: what was looked at, and the events of looking.

use super::event::named;
use super::filled;
use serde::Serialize;
use vouch_report::{FileCoverage, FilePlace, FileState, FilesCoverage, MapCell, PageClass, PageTally};

#[derive(Serialize)]
pub(super) struct PlaceJson<'a> {
    name: &'a str,
    space_id: Option<u32>,
    first_page: Option<u32>,
    last_page: Option<u32>,
    offset: Option<u64>,
    index: Option<&'a str>,
}

impl<'a> PlaceJson<'a> {
    pub(super) fn of(place: &'a FilePlace) -> Self {
        PlaceJson {
            name: &place.file,
            space_id: place.space,
            first_page: place.pages.map(|(first, _)| first),
            last_page: place.pages.map(|(_, last)| last),
            offset: place.offset,
            index: place.index.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct FilesJson<'a> {
    state: Option<&'a str>,
    level: &'a str,
    files: Vec<FileJson<'a>>,
}

impl<'a> FilesJson<'a> {
    pub(super) fn of(coverage: &'a FilesCoverage) -> Self {
        let files = coverage.files.iter().map(FileJson::of).collect();
        FilesJson { state: filled(&coverage.state), level: &coverage.level, files }
    }
}

#[derive(Serialize)]
struct FileJson<'a> {
    file: &'a str,
    kind: &'static str,
    table: Option<&'a str>,
    format: Option<&'a str>,
    space_id: Option<u32>,
    bytes: u64,
    page_bytes: Option<u64>,
    pages: u64,
    state: &'static str,
    tally: TallyJson,
    checksums: Vec<CountJson<'a>>,
    page_types: Vec<CountJson<'a>>,
    lsn_max: Option<u64>,
    map: Vec<CellJson<'a>>,
}

impl<'a> FileJson<'a> {
    fn of(file: &'a FileCoverage) -> Self {
        FileJson {
            file: &file.file,
            kind: file.kind,
            table: file.table.as_deref(),
            format: filled(&file.format),
            space_id: file.space,
            bytes: file.bytes,
            page_bytes: Some(file.page_bytes).filter(|bytes| *bytes > 0),
            pages: file.pages,
            state: state(file.state),
            tally: TallyJson::of(&file.tally),
            checksums: file.methods.iter().map(CountJson::of).collect(),
            page_types: file.types.iter().map(CountJson::of).collect(),
            lsn_max: Some(file.lsn_max).filter(|lsn| *lsn > 0),
            map: file.map.iter().map(CellJson::of).collect(),
        }
    }
}

/// The state's public name, written like a code.
fn state(state: FileState) -> &'static str {
    match state {
        FileState::Sound => "sound",
        FileState::Damaged => "damaged",
        FileState::Unverified => "unverified",
        FileState::NotRun => "not-run",
    }
}

#[derive(Serialize)]
struct TallyJson {
    sound: u64,
    empty: u64,
    copies: u64,
    unprotected: u64,
    unverified: u64,
    bad: u64,
}

impl TallyJson {
    fn of(tally: &PageTally) -> Self {
        TallyJson {
            sound: tally.sound,
            empty: tally.empty,
            copies: tally.copies,
            unprotected: tally.unprotected,
            unverified: tally.unverified,
            bad: tally.bad,
        }
    }
}

#[derive(Serialize)]
struct CountJson<'a> {
    name: &'a str,
    pages: u64,
}

impl<'a> CountJson<'a> {
    fn of((name, pages): &'a (String, u64)) -> Self {
        CountJson { name, pages: *pages }
    }
}

#[derive(Serialize)]
struct CellJson<'a> {
    first_page: u32,
    pages: u32,
    class: &'static str,
    page_type: &'a str,
}

impl<'a> CellJson<'a> {
    fn of(cell: &'a MapCell) -> Self {
        let class = if cell.class == PageClass::NotRun { "not-run" } else { cell.class.name() };
        CellJson { first_page: cell.first, pages: cell.pages, class, page_type: &cell.page_type }
    }
}

pub(super) fn planned(files: u64, bytes: u64) -> String {
    #[derive(Serialize)]
    struct Body {
        files: u64,
        bytes: u64,
    }
    named("files-planned", Body { files, bytes })
}

#[derive(Serialize)]
struct Bytes<'a> {
    file: &'a str,
    bytes: u64,
}

pub(super) fn started(file: &str, bytes: u64) -> String {
    named("file-started", Bytes { file, bytes })
}

pub(super) fn read(file: &str, bytes: u64) -> String {
    named("file-read", Bytes { file, bytes })
}

pub(super) fn finished(file: &str, tally: &PageTally) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        file: &'a str,
        tally: TallyJson,
    }
    named("file-finished", Body { file, tally: TallyJson::of(tally) })
}
