//! The fenced sandwich: telling drift from lag.
//!
//! S₁ and P₁ on the source, wait until the replica has applied P₁, r with its
//! applied set G, wait until the source has G, S₂. Then r was read at a state
//! that has all of S₁ and is contained in S₂. If the row did not change between
//! S₁ and S₂, r must equal them, whatever the lag.

use crate::facts::{self, Facts, RowFacts, Scope};
use crate::fence::{Fence, Fenced, SLICE};
use crate::link::Link;
use crate::plan::TablePlan;
use std::time::{Duration, Instant};
use vouch_report::Stop;
use vouch_server::{Position, PositionKind, Reading, Result, Session};

/// Time that the source may take to show what a replica already has.
const VISIBLE_WITHIN: Duration = Duration::from_secs(2);

/// What one sandwich saw.
pub struct Layers {
    /// The source before.
    pub before: Facts,
    /// The replica.
    pub replica: Facts,
    /// The source after.
    pub after: Facts,
    /// Whether `after` is known to have all that the replica had.
    pub closed: bool,
    /// The position of `before`.
    pub position: Position,
}

/// What a sandwich says about one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taste {
    /// The replica had what the source had before or after: a change in flight.
    InFlight,
    /// The source itself changed meanwhile.
    Hot,
    /// The source stood still, and the replica differs.
    Differs,
}

impl Layers {
    /// Whether nobody has a row of that identity.
    pub fn is_nowhere(&self, identity: &[u8]) -> bool {
        [&self.before, &self.replica, &self.after].iter().all(|facts| !facts.contains_key(identity))
    }

    /// What the sandwich says about the row with that identity.
    pub fn taste(&self, identity: &[u8]) -> Taste {
        let mark = |facts: &Facts| facts.get(identity).map(RowFacts::mark);
        let (before, replica, after) = (mark(&self.before), mark(&self.replica), mark(&self.after));
        if replica == before || replica == after {
            Taste::InFlight
        } else if before != after || !self.closed {
            Taste::Hot
        } else {
            Taste::Differs
        }
    }
}

/// The two servers and what is read on them.
pub struct Bread<'a, 'b> {
    /// The source.
    pub source: &'a mut Link<'b>,
    /// The replica.
    pub replica: &'a mut Link<'b>,
    /// The table.
    pub plan: &'a TablePlan,
    /// What is read on the replica.
    pub reading: &'a Reading,
    /// The run's salt.
    pub salt: u64,
    /// Whether values are shown.
    pub show: bool,
}

impl Bread<'_, '_> {
    /// Makes one sandwich. `None` when the replica did not apply the position in time.
    ///
    /// # Errors
    /// Those of the servers, and of a stop.
    pub fn layers(&mut self, scope: &Scope, fence: &mut Fence, stop: &Stop) -> Result<Option<Layers>> {
        let (before, position) = self.before(scope, fence.kind)?;
        if fence.kind == PositionKind::None {
            stop.sleep(SLICE / 5);
        } else if fence.wait(self.replica, &position, stop)? == Fenced::TooLate {
            return Ok(None);
        }
        let (plan, reading, salt, show) = (self.plan, self.reading, self.salt, self.show);
        let replica = self.replica.ask(|session| facts::read(session, plan, reading, scope, salt, show))?;
        let applied = self.replica.ask(|session| fence.applied(session))?;
        let (after, closed) = self.after(scope, fence, &applied, stop)?;
        Ok(Some(Layers { before, replica, after, closed, position }))
    }

    fn before(&mut self, scope: &Scope, kind: PositionKind) -> Result<(Facts, Position)> {
        let (plan, salt, show) = (self.plan, self.salt, self.show);
        self.source.ask(|session| {
            let label = labelled(session, kind)?;
            let facts = facts::read(session, plan, &plan.reading, scope, salt, show);
            if label.is_some() {
                session.release()?;
            }
            let position = label.map_or_else(|| session.source_position(kind), Ok)?;
            Ok((facts?, position))
        })
    }

    fn after(&mut self, scope: &Scope, fence: &mut Fence, applied: &Position, stop: &Stop) -> Result<(Facts, bool)> {
        let started = Instant::now();
        let (plan, salt, show) = (self.plan, self.salt, self.show);
        loop {
            let last_try = started.elapsed() >= VISIBLE_WITHIN;
            let found = self.source.ask(|session| {
                let label = labelled(session, fence.kind)?;
                let seen = fence.closes(session, label.as_ref(), applied)?;
                let facts = (seen || last_try).then(|| facts::read(session, plan, &plan.reading, scope, salt, show));
                if label.is_some() {
                    session.release()?;
                }
                Ok((facts.transpose()?, seen))
            })?;
            if let (Some(facts), seen) = found {
                if !seen {
                    self.source.ask(|session| fence.learn_errant(session, applied))?;
                }
                return Ok((facts, seen));
            }
            stop.sleep(Duration::from_millis(2));
        }
    }
}

fn labelled(session: &mut Session, kind: PositionKind) -> Result<Option<Position>> {
    if kind == PositionKind::GtidDomains { session.labelled_snapshot() } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(value: Option<u128>) -> Facts {
        let row = |digest| RowFacts { count: 1, digest, ..RowFacts::default() };
        value.map(|digest| (vec![1], row(digest))).into_iter().collect()
    }

    fn taste(before: Option<u128>, replica: Option<u128>, after: Option<u128>, closed: bool) -> Taste {
        let layers = Layers {
            before: facts(before),
            replica: facts(replica),
            after: facts(after),
            closed,
            position: Position::None,
        };
        layers.taste(&[1])
    }

    #[test]
    fn the_replica_may_have_the_old_or_the_new_row() {
        assert_eq!(taste(Some(1), Some(1), Some(2), true), Taste::InFlight);
        assert_eq!(taste(Some(1), Some(2), Some(2), true), Taste::InFlight);
        assert_eq!(taste(None, None, Some(2), true), Taste::InFlight);
        assert_eq!(taste(Some(1), None, None, true), Taste::InFlight);
    }

    #[test]
    fn a_row_that_moved_on_the_source_accuses_nobody() {
        assert_eq!(taste(Some(1), Some(3), Some(2), true), Taste::Hot);
        assert_eq!(taste(Some(1), None, Some(2), true), Taste::Hot);
    }

    #[test]
    fn a_row_that_stood_still_does() {
        assert_eq!(taste(Some(1), Some(2), Some(1), true), Taste::Differs);
        assert_eq!(taste(Some(1), None, Some(1), true), Taste::Differs);
        assert_eq!(taste(None, Some(1), None, true), Taste::Differs);
    }

    #[test]
    fn an_open_sandwich_accuses_nobody() {
        assert_eq!(taste(Some(1), Some(2), Some(1), false), Taste::Hot);
    }
}
