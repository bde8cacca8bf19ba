//! Positions in a server's history, and how they compare.

use crate::gtid::Domains;
use std::fmt;

/// How positions are taken and waited for between a source and a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PositionKind {
    /// Sets of GTIDs per server uuid (MySQL).
    GtidSets,
    /// One GTID per domain (MariaDB).
    GtidDomains,
    /// Binlog file and offset; only between a source and its direct replicas.
    FileOffset,
    /// None: the servers do not replicate, or nothing may be asked.
    #[default]
    None,
}

impl PositionKind {
    /// In words, for reports.
    pub fn name(self) -> &'static str {
        match self {
            PositionKind::GtidSets | PositionKind::GtidDomains => "gtid",
            PositionKind::FileOffset => "file and position",
            PositionKind::None => "none",
        }
    }
}

/// A place in a binlog.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// File; names of one server sort in the order in which they were written.
    pub file: String,
    /// Offset in bytes.
    pub offset: u64,
}

impl LogPlace {
    /// Whether this place is at or after `other`. Files are compared by length
    /// first, since the number in their names may outgrow its zeros.
    pub fn reaches(&self, other: &LogPlace) -> bool {
        let key = |place: &LogPlace| (place.file.len(), place.file.clone(), place.offset);
        key(self) >= key(other)
    }
}

/// A position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// Nothing is known.
    #[default]
    None,
    /// A set of GTIDs, as the server writes it, without line ends.
    GtidSet(String),
    /// A GTID per domain, as the server writes it.
    GtidDomains(String),
    /// File and offset.
    Log(LogPlace),
}

impl Position {
    /// Whether this position contains `other`, as far as that can be told without
    /// asking a server: for domains and log places. Sets are compared by servers.
    /// Domains that this position does not have at all count as somebody else's.
    pub fn reaches(&self, other: &Position) -> bool {
        match (self, other) {
            (_, Position::None) => true,
            (Position::GtidDomains(reached), Position::GtidDomains(wanted)) => domains_reach(reached, wanted),
            (Position::Log(reached), Position::Log(wanted)) => reached.reaches(wanted),
            _ => false,
        }
    }

    /// True when there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        match self {
            Position::None => true,
            Position::GtidSet(text) | Position::GtidDomains(text) => text.is_empty(),
            Position::Log(place) => place.file.is_empty(),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::None => Ok(()),
            Position::GtidSet(text) | Position::GtidDomains(text) => f.write_str(text),
            Position::Log(place) => write!(f, "{}:{}", place.file, place.offset),
        }
    }
}

/// Whether domain positions `reached` contain `wanted`. Domains that `reached`
/// does not have at all are somebody else's, and not asked for.
pub fn domains_reach(reached: &str, wanted: &str) -> bool {
    let (Ok(reached), Ok(wanted)) = (reached.parse::<Domains>(), wanted.parse::<Domains>()) else { return false };
    let own = reached.domains();
    wanted.only(|writer| own.contains(&writer.domain)).beyond(&reached).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_positions_compare_per_domain() {
        assert!(domains_reach("0-1-10", "0-1-10"));
        assert!(domains_reach("0-1-11,3-1-1", "0-2-10"));
        assert!(!domains_reach("0-1-9", "0-1-10"));
        assert!(domains_reach("0-1-9", "7-1-10"), "an unknown domain is not waited for");
    }

    #[test]
    fn log_places_follow_the_number_of_the_file() {
        let place = |file: &str, offset| LogPlace { file: file.into(), offset };
        assert!(place("bin.1000000", 4).reaches(&place("bin.999999", 900)));
        assert!(!place("bin.000002", 4).reaches(&place("bin.000002", 5)));
    }
}
