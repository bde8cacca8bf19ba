//! What is said about manifests without a server: how two differ, and what is wrong with one.
//!
//! Main types: [`ManifestDiff`], [`ManifestLint`].

/// One of two manifests that are held against each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestSide {
    /// Its id.
    pub id: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The key that signed it; `None` when nobody had to.
    pub signed_by: Option<String>,
    /// The cluster that it is about; empty in a flat one.
    pub cluster: String,
    /// Its serial.
    pub serial: u64,
    /// Milliseconds since the Unix epoch; 0 in a flat one.
    pub created_ms: u64,
    /// Tables in it.
    pub tables: u64,
}

/// What happened to a part of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The second has it, and the first has not.
    Added,
    /// The first has it, and the second has not.
    Removed,
    /// Both have it, and it differs.
    Changed,
}

impl ChangeKind {
    /// `added`, `removed`, `changed`.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Changed => "changed",
        }
    }
}

/// A property that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// Which: `rows`, `digest`, `definition` and so on.
    pub what: &'static str,
    /// What the first says; empty for nothing.
    pub before: String,
    /// What the second says; empty for nothing.
    pub after: String,
}

/// A part that two manifests do not have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened to it.
    pub kind: ChangeKind,
    /// `table`, `view` and other objects, `file`, `exclude`, or `manifest` for what is about all of it.
    pub part: String,
    /// Its name.
    pub name: String,
    /// What differs; empty unless it is changed.
    pub aspects: Vec<Aspect>,
}

/// How two manifests differ. Ids, serials and times are those of two manifests always, and no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestDiff {
    /// The first.
    pub before: ManifestSide,
    /// The second.
    pub after: ManifestSide,
    /// What differs, in the order of parts and names.
    pub changes: Vec<Change>,
}

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkLevel {
    /// The manifest is refused for it.
    Error,
    /// It is accepted, and could say more.
    Advice,
}

impl RemarkLevel {
    /// `error` or `advice`.
    pub fn name(self) -> &'static str {
        match self {
            RemarkLevel::Error => "error",
            RemarkLevel::Advice => "advice",
        }
    }
}

/// Something about a manifest, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it weighs.
    pub level: RemarkLevel,
    /// Its stable name, such as `unknown-field`.
    pub code: &'static str,
    /// The place as a JSON pointer; empty for the document.
    pub pointer: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// One sentence.
    pub message: String,
}

/// Everything that there is to say about a manifest by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestLint {
    /// `v1` or `flat`; empty when that cannot be told.
    pub form: &'static str,
    /// In the order of the file.
    pub remarks: Vec<Remark>,
}

impl ManifestLint {
    /// Remarks of that level.
    pub fn count(&self, level: RemarkLevel) -> usize {
        self.remarks.iter().filter(|remark| remark.level == level).count()
    }
}
