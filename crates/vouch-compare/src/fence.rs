//! Where a replica stands to its source, by positions: waiting for one, and telling whether the source has all that
//! the replica has.
//!
//! Invariant: what may still arrive at the source is never taken for a transaction of the replica's own. Where that
//! cannot be told, nothing closes, and a difference stays unproven.

use crate::link::Link;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use vouch_report::Stop;
use vouch_server::gtid::{Domains, GtidSet, NotGtids, Origin};
use vouch_server::{Fault, Position, PositionKind, Result, ServerError, Session, Waited};

/// Whether the source replicates from the replica in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ring {
    /// It does not.
    #[default]
    Open,
    /// It does, directly or through others.
    Closed,
    /// It does, and both write to one domain (MariaDB): sequence numbers say nothing there.
    OneDomain,
}

/// How positions work between the source and one replica.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    /// Kind of positions.
    pub kind: PositionKind,
    /// Channel to wait on.
    pub channel: Option<String>,
    /// How long the replica may take to apply a position.
    pub wait_timeout: Duration,
    /// The source's uuid; empty on MariaDB.
    pub source_uuid: String,
    /// The replica's uuid; empty on MariaDB.
    pub uuid: String,
    /// The replica's server id.
    pub server_id: u64,
    /// Transactions of the replica's own, which the source will never have.
    pub errant: GtidSet,
    /// Whether the source replicates from the replica.
    pub ring: Ring,
    /// The replica has channels from other servers than this source.
    pub has_other_channels: bool,
    /// The source replicates from somebody, or may not be asked.
    pub source_receives: bool,
    /// Domains of the source that never reach the replica (MariaDB).
    pub left_out: BTreeSet<u32>,
}

/// What waiting for a replica came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fenced {
    /// The replica has the position.
    Reached,
    /// It did not get there in time.
    TooLate,
}

/// Time of one wait statement: short, so that a stop is noticed.
pub const SLICE: Duration = Duration::from_millis(500);

fn unread(session: &Session, error: NotGtids) -> ServerError {
    ServerError::new(session.name(), Fault::Other, format!("a position of it is {error}"))
}

impl Fence {
    /// Waits until the replica has applied `position`.
    ///
    /// # Errors
    /// Those of the server, and of a stop.
    pub fn wait(&self, replica: &mut Link<'_>, position: &Position, stop: &Stop) -> Result<Fenced> {
        let position = self.expected(position);
        let started = Instant::now();
        loop {
            let waited = replica.ask(|session| session.wait_applied(&position, SLICE, self.channel.as_deref()))?;
            match waited {
                Waited::Reached => return Ok(Fenced::Reached),
                _ if started.elapsed() >= self.wait_timeout => return Ok(Fenced::TooLate),
                Waited::NotYet => {}
                Waited::Stopped => {
                    stop.sleep(SLICE);
                }
            }
        }
    }

    /// A position of the source without what never reaches the replica.
    fn expected<'a>(&self, position: &'a Position) -> Cow<'a, Position> {
        match position {
            Position::GtidDomains(text) if !self.left_out.is_empty() => match text.parse::<Domains>() {
                Ok(list) => {
                    let expected = list.only(|writer| !self.left_out.contains(&writer.domain));
                    Cow::Owned(Position::GtidDomains(expected.to_string()))
                }
                Err(NotGtids) => Cow::Borrowed(position),
            },
            _ => Cow::Borrowed(position),
        }
    }

    /// What the replica has applied, and in a ring what it wrote itself.
    ///
    /// # Errors
    /// Those of the server.
    pub fn applied(&self, session: &mut Session) -> Result<Position> {
        match (self.kind, self.ring) {
            (PositionKind::GtidDomains, Ring::Closed | Ring::OneDomain) => session.current_position(),
            _ => session.applied_position(self.kind, self.channel.as_deref()),
        }
    }

    /// Whether everything in `applied` is visible on the source, as of the snapshot `label` where there is one, but
    /// for what the source will never have.
    ///
    /// # Errors
    /// Those of the server.
    pub fn closes(&self, source: &mut Session, label: Option<&Position>, applied: &Position) -> Result<bool> {
        if self.ring == Ring::OneDomain {
            return Ok(false);
        }
        match (label, applied) {
            (_, Position::None) => Ok(true),
            (_, Position::GtidSet(set)) => Ok(self.owed(source, set)?.is_empty()),
            (Some(Position::GtidDomains(shown)), Position::GtidDomains(applied)) => {
                self.shows(shown, applied).map_err(|error| unread(source, error))
            }
            (_, Position::GtidDomains(applied)) => {
                let Position::GtidDomains(shown) = source.source_position(PositionKind::GtidDomains)? else {
                    return Ok(false);
                };
                self.shows(&shown, applied).map_err(|error| unread(source, error))
            }
            (_, Position::Log(place)) => Ok(source.log_place()?.reaches(place)),
        }
    }

    /// Whether domains that the source shows reach those that the replica applied. What the replica applied in domains
    /// that the source does not have came over other channels; what it wrote itself in a ring did not.
    fn shows(&self, shown: &str, applied: &str) -> std::result::Result<bool, NotGtids> {
        let (shown, applied): (Domains, Domains) = (shown.parse()?, applied.parse()?);
        let known = shown.domains();
        let own = |server: u32| self.ring != Ring::Open && u64::from(server) == self.server_id;
        Ok(applied.only(|writer| known.contains(&writer.domain) || own(writer.server)).beyond(&shown).is_empty())
    }

    /// The transactions of `applied` that the source is still to get (MySQL).
    fn owed(&self, source: &mut Session, applied: &str) -> Result<GtidSet> {
        let applied: GtidSet = applied.parse().map_err(|error| unread(source, error))?;
        let executed = source.executed_set()?;
        let beyond = applied.without(&executed).without(&self.errant);
        Ok(beyond.only(|origin| !self.is_strange(origin, &executed)))
    }

    /// Whether transactions of an origin came over another channel, and none of that origin ever reached the source.
    fn is_strange(&self, origin: &Origin, executed: &GtidSet) -> bool {
        self.has_other_channels && !origin.uuid.eq_ignore_ascii_case(&self.uuid) && !executed.knows(&origin.uuid)
    }

    /// Takes what the source still lacks after a long while for the replica's own, where nothing brings it there. What
    /// began on the source itself is none of it: with semi-synchronous replication a replica has it before the source
    /// shows it, for as long as no acknowledgement arrives.
    ///
    /// # Errors
    /// Those of the server.
    pub fn learn_errant(&mut self, source: &mut Session, applied: &Position) -> Result<()> {
        if let Position::GtidSet(set) = applied {
            let owed = self.owed(source, set)?.only(|origin| self.never_arrives(origin));
            self.errant = self.errant.with(&owed);
        }
        Ok(())
    }
}

impl Fence {
    /// Whether nothing brings transactions of an origin from the replica to the source.
    fn never_arrives(&self, origin: &Origin) -> bool {
        let is = |uuid: &str| origin.uuid.eq_ignore_ascii_case(uuid);
        !is(&self.source_uuid) && (!self.source_receives || (self.ring == Ring::Open && is(&self.uuid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_that_never_arrive_are_not_waited_for() {
        let fence = Fence { left_out: BTreeSet::from([7]), ..Fence::default() };
        let position = Position::GtidDomains("0-1-10,7-1-3".to_owned());
        assert_eq!(*fence.expected(&position), Position::GtidDomains("0-1-10".to_owned()));
    }

    #[test]
    fn only_what_nothing_brings_to_the_source_is_errant() {
        let fence = Fence { source_uuid: "s".to_owned(), uuid: "r".to_owned(), ..Fence::default() };
        let never =
            |fence: &Fence, uuid: &str| fence.never_arrives(&Origin { uuid: uuid.to_owned(), tag: String::new() });
        assert_eq!(["s", "r", "x"].map(|uuid| never(&fence, uuid)), [false, true, true]);
        let fed = Fence { source_receives: true, ..fence };
        assert_eq!(["s", "r", "x"].map(|uuid| never(&fed, uuid)), [false, true, false]);
        let ring = Fence { ring: Ring::Closed, ..fed };
        assert_eq!(["s", "r", "x"].map(|uuid| never(&ring, uuid)), [false, false, false]);
    }

    #[test]
    fn what_a_replica_wrote_itself_in_a_ring_must_have_reached_the_source() {
        let open = Fence { server_id: 2, ..Fence::default() };
        let closed = Fence { ring: Ring::Closed, ..open.clone() };
        assert_eq!(open.shows("1-1-10", "1-1-10,2-2-5"), Ok(true));
        assert_eq!(closed.shows("1-1-10", "1-1-10,2-2-5"), Ok(false));
        assert_eq!(closed.shows("1-1-10,2-2-5", "1-1-10,2-2-5,9-9-1"), Ok(true));
        assert_eq!(open.shows("1-1-9", "1-1-10"), Ok(false));
    }
}
