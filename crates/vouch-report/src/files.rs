//! Coverage of files: which pages were looked at, and what each class of them counts.

/// What a page came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageClass {
    /// Not looked at.
    #[default]
    NotRun,
    /// All zero.
    Empty,
    /// A slot for copies of other pages.
    Copy,
    /// Its checksum holds and it is in its place.
    Sound,
    /// Written without a checksum.
    Unprotected,
    /// It could not be verified.
    Unverified,
    /// It is damaged.
    Bad,
}

impl PageClass {
    /// Every class.
    pub const ALL: [PageClass; 7] = [
        PageClass::NotRun,
        PageClass::Empty,
        PageClass::Copy,
        PageClass::Sound,
        PageClass::Unprotected,
        PageClass::Unverified,
        PageClass::Bad,
    ];

    /// `sound`, `bad` and so on.
    pub fn name(self) -> &'static str {
        match self {
            PageClass::NotRun => "not run",
            PageClass::Empty => "empty",
            PageClass::Copy => "copy",
            PageClass::Sound => "sound",
            PageClass::Unprotected => "unprotected",
            PageClass::Unverified => "unverified",
            PageClass::Bad => "bad",
        }
    }
}

/// Pages by their class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageTally {
    /// A checksum holds, and they are in their place.
    pub sound: u64,
    /// All zero.
    pub empty: u64,
    /// Slots for copies of other pages.
    pub copies: u64,
    /// Written without a checksum.
    pub unprotected: u64,
    /// Could not be verified.
    pub unverified: u64,
    /// Damaged.
    pub bad: u64,
}

impl PageTally {
    /// Counts a page.
    pub fn count(&mut self, class: PageClass) {
        let counter = match class {
            PageClass::NotRun => return,
            PageClass::Empty => &mut self.empty,
            PageClass::Copy => &mut self.copies,
            PageClass::Sound => &mut self.sound,
            PageClass::Unprotected => &mut self.unprotected,
            PageClass::Unverified => &mut self.unverified,
            PageClass::Bad => &mut self.bad,
        };
        *counter += 1;
    }

    /// Adds the counts of another tally.
    pub fn add(&mut self, other: &PageTally) {
        self.sound += other.sound;
        self.empty += other.empty;
        self.copies += other.copies;
        self.unprotected += other.unprotected;
        self.unverified += other.unverified;
        self.bad += other.bad;
    }

    /// Pages that were looked at.
    pub fn seen(&self) -> u64 {
        self.sound + self.empty + self.copies + self.unprotected + self.unverified + self.bad
    }
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Every page was looked at, and none is damaged or unverified.
    Sound,
    /// There is a finding in it.
    Damaged,
    /// No finding, but not all of it could be verified.
    Unverified,
    /// Not, or not fully, looked at.
    NotRun,
}

impl FileState {
    /// The name in reports: `sound`, `damaged`, `unverified`, `not run`.
    pub fn name(self) -> &'static str {
        match self {
            FileState::Sound => "sound",
            FileState::Damaged => "damaged",
            FileState::Unverified => "unverified",
            FileState::NotRun => "not run",
        }
    }
}

/// A range of pages on the map of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapCell {
    /// The first page.
    pub first: u32,
    /// Pages in the range.
    pub pages: u32,
    /// The worst class in it.
    pub class: PageClass,
    /// The most frequent type of page in it, in a word.
    pub page_type: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCoverage {
    /// The file, as it was asked for or below what was asked for.
    pub file: String,
    /// What it is: `tablespace`, `system tablespace`, `undo tablespace`, `doublewrite copies`,
    /// [`FileCoverage::IMAGE`], [`FileCoverage::REDO_LOG`], [`FileCoverage::BINARY_LOG`].
    pub kind: &'static str,
    /// `db.table`, as the path tells.
    pub table: Option<String>,
    /// How its pages are written, in words.
    pub format: String,
    /// The tablespace's number.
    pub space: Option<u32>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of a page; 0 when it is not known.
    pub page_bytes: u64,
    /// Whole pages that the file has.
    pub pages: u64,
    /// Pages by their class.
    pub tally: PageTally,
    /// Pages by checksum formula, the most frequent first.
    pub methods: Vec<(String, u64)>,
    /// Pages by type, the most frequent first.
    pub types: Vec<(String, u64)>,
    /// The highest LSN of a page; 0 when there is none.
    pub lsn_max: u64,
    /// The outcome.
    pub state: FileState,
    /// The pages from first to last, in at most some hundred ranges.
    pub map: Vec<MapCell>,
}

impl FileCoverage {
    /// The kind of what holds other files, which are listed by themselves.
    pub const IMAGE: &'static str = "backup image";
    /// The kind of a file of the redo log, whose pages are blocks.
    pub const REDO_LOG: &'static str = "redo log";
    /// The kind of a binary log or a relay log, whose pages are events.
    pub const BINARY_LOG: &'static str = "binary log";

    /// Whether it is a log: what it counts as pages are blocks or events.
    pub fn is_log(&self) -> bool {
        matches!(self.kind, FileCoverage::REDO_LOG | FileCoverage::BINARY_LOG)
    }
}

/// Files, and as of when they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesCoverage {
    /// As of when: `clean shutdown`, `prepared backup`, `raw`, `unknown`; with what tells so.
    pub state: String,
    /// How deep was looked: `page`, `tree`.
    pub level: String,
    /// Files in the order of their names.
    pub files: Vec<FileCoverage>,
}
