//! The commands that end with a verdict.

use std::fmt;

/// A command that ends with a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `vouch compare`.
    Compare,
    /// `vouch checksum`.
    Checksum,
    /// `vouch checksum check`.
    ChecksumCheck,
    /// `vouch checksum status`.
    ChecksumStatus,
    /// `vouch pages`.
    Pages,
    /// `vouch innochecksum`.
    Innochecksum,
    /// `vouch manifest create`.
    ManifestCreate,
    /// `vouch validate`.
    Validate,
    /// `vouch drill`.
    Drill,
    /// `vouch probe`.
    Probe,
}

impl Command {
    /// The command as it is typed after `vouch`, and as JSON carries it.
    pub fn name(self) -> &'static str {
        match self {
            Command::Compare => "compare",
            Command::Checksum => "checksum",
            Command::ChecksumCheck => "checksum check",
            Command::ChecksumStatus => "checksum status",
            Command::Pages => "pages",
            Command::Innochecksum => "innochecksum",
            Command::ManifestCreate => "manifest create",
            Command::Validate => "validate",
            Command::Drill => "drill",
            Command::Probe => "probe",
        }
    }

    /// Whether it opens or shuts a gate: anything that is not proven shuts it.
    pub fn is_gate(self) -> bool {
        matches!(self, Command::Validate | Command::Drill)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
