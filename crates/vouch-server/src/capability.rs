//! What a server can do, as one table: capability, and its first version per flavor.
//!
//! Call sites ask [`Capabilities::has`] and never compare versions.

use crate::flavor::{Flavor, Version};

/// Something that not every server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `SHOW BINARY LOG STATUS` instead of `SHOW MASTER STATUS`.
    BinaryLogStatus,
    /// `SHOW REPLICA STATUS` instead of `SHOW SLAVE STATUS`.
    ReplicaStatus,
    /// `SHOW REPLICAS` instead of `SHOW SLAVE HOSTS`.
    ShowReplicas,
    /// `SOURCE_POS_WAIT` instead of `MASTER_POS_WAIT`.
    SourcePosWait,
    /// GTIDs as sets per server uuid, with `WAIT_FOR_EXECUTED_GTID_SET`.
    GtidSets,
    /// GTIDs as one position per domain, with `MASTER_GTID_WAIT`.
    GtidDomains,
    /// `BIT_XOR` over binary strings of any length.
    WideBitXor,
    /// A label for what a snapshot sees: `binlog_snapshot_file` and `_position`.
    SnapshotPosition,
    /// `max_execution_time` in milliseconds.
    MaxExecutionTime,
    /// `max_statement_time` in seconds.
    MaxStatementTime,
    /// `EXPLAIN FORMAT=TRADITIONAL` has to be named.
    NamedExplain,
    /// `FOR SHARE NOWAIT`; before and elsewhere `LOCK IN SHARE MODE NOWAIT`.
    ForShare,
    /// Table statistics in `information_schema` come from a cache that expires.
    CachedStatistics,
    /// Functional key parts and their column in `information_schema.STATISTICS`.
    FunctionalIndexes,
    /// Indexes that the optimizer is told to leave alone, `IGNORED` in `information_schema.STATISTICS`.
    IgnoredIndexes,
    /// Commit times of transactions that are being applied, in `performance_schema`.
    ApplierTimestamps,
    /// Descending key parts; before, DESC is read and dropped.
    DescendingIndexes,
    /// Indexes that are invisible (MySQL) or ignored (MariaDB).
    HiddenIndexes,
    /// CHECK constraints; before, the clause is read and dropped.
    CheckConstraints,
    /// TIMESTAMP reaches to the year 2106.
    LateTimestamps,
}

/// The first version that has something; `None` where none has it.
pub(crate) type Since = Option<Version>;

/// First version with the capability: MySQL, MariaDB. `None` means never.
const TABLE: &[(Capability, Since, Since)] = &[
    (Capability::BinaryLogStatus, Some(Version::new(8, 2, 0)), None),
    (Capability::ReplicaStatus, Some(Version::new(8, 0, 22)), Some(Version::new(10, 5, 1))),
    (Capability::ShowReplicas, Some(Version::new(8, 0, 22)), None),
    (Capability::SourcePosWait, Some(Version::new(8, 0, 26)), None),
    (Capability::GtidSets, Some(Version::new(5, 7, 5)), None),
    (Capability::GtidDomains, None, Some(Version::new(10, 0, 9))),
    (Capability::WideBitXor, Some(Version::new(8, 0, 0)), None),
    (Capability::SnapshotPosition, None, Some(Version::new(10, 0, 0))),
    (Capability::MaxExecutionTime, Some(Version::new(5, 7, 8)), None),
    (Capability::MaxStatementTime, None, Some(Version::new(10, 1, 1))),
    (Capability::NamedExplain, Some(Version::new(8, 0, 0)), None),
    (Capability::ForShare, Some(Version::new(8, 0, 1)), None),
    (Capability::CachedStatistics, Some(Version::new(8, 0, 3)), None),
    (Capability::FunctionalIndexes, Some(Version::new(8, 0, 13)), None),
    (Capability::IgnoredIndexes, None, Some(Version::new(10, 6, 0))),
    (Capability::ApplierTimestamps, Some(Version::new(8, 0, 1)), None),
    (Capability::DescendingIndexes, Some(Version::new(8, 0, 1)), Some(Version::new(10, 8, 1))),
    (Capability::HiddenIndexes, Some(Version::new(8, 0, 0)), Some(Version::new(10, 6, 0))),
    (Capability::LateTimestamps, None, Some(Version::new(11, 5, 1))),
    (Capability::CheckConstraints, Some(Version::new(8, 0, 16)), Some(Version::new(10, 2, 1))),
];

/// The capabilities of one server.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    flavor: Flavor,
    version: Version,
}

impl Capabilities {
    /// The capabilities of a server of that flavor and version.
    pub fn new(flavor: Flavor, version: Version) -> Self {
        Capabilities { flavor, version }
    }

    /// Whether the server has `capability`.
    pub fn has(&self, capability: Capability) -> bool {
        TABLE.iter().find(|row| row.0 == capability).is_some_and(|row| self.are_since(row.1, row.2))
    }

    /// Whether the server is of that version of its flavor, or a later one.
    pub(crate) fn are_since(&self, mysql: Since, mariadb: Since) -> bool {
        let since = match self.flavor {
            Flavor::Mysql => mysql,
            Flavor::Mariadb => mariadb,
        };
        since.is_some_and(|first| self.version >= first)
    }

    /// The flavor.
    pub(crate) fn flavor(&self) -> Flavor {
        self.flavor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_words_follow_the_version() {
        let old = Capabilities::new(Flavor::Mysql, Version::new(8, 0, 20));
        let new = Capabilities::new(Flavor::Mysql, Version::new(9, 7, 4));
        assert!(!old.has(Capability::ReplicaStatus) && new.has(Capability::ReplicaStatus));
        assert!(!old.has(Capability::BinaryLogStatus) && new.has(Capability::BinaryLogStatus));
    }

    #[test]
    fn every_capability_stands_in_the_table_once() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.0 == row.0).count(), 1, "{:?}", row.0);
        }
    }
}
