//! What the histories of source and replica tell before anything is read: transactions of the replica's own, rings,
//! other channels, and domains that never arrive.
//!
//! Main function: [`examine`]. A history that cannot be asked for or compared is an error, never "none".

use crate::fence::{Fence, Fenced, Ring, SLICE};
use crate::ledger::Ledger;
use crate::link::Link;
use crate::preflight::{Facts, Relation};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use vouch_report::{Code, Failure, Finding, ItemKind, Outcome, Proof, Stop};
use vouch_server::gtid::{Domains, GtidSet, NotGtids};
use vouch_server::{Fault, Flavor, Position, PositionKind, ReplicaStatus, Result, ServerError};

/// Source and replica.
pub struct Pair<'a> {
    /// What the source says of itself.
    pub source: &'a Facts,
    /// What the replica says of itself.
    pub replica: &'a Facts,
    /// How the replica stands to the source.
    pub relation: Relation,
    /// The replica's name.
    pub name: &'a str,
    /// Some replica between the two may have other sources.
    pub through_others: bool,
}

/// What a replica has and its source does not, by what that means.
#[derive(Debug, Default, PartialEq, Eq)]
struct Surplus {
    /// Nothing brings them to the source, and they came from nowhere else.
    errant: String,
    /// They may be on their way to the source.
    under_way: String,
    /// They came over other channels.
    others: String,
    /// The source has nothing of their domains any more.
    gone: String,
}

/// What is being committed right now is listed a moment later: so often is looked again, so far apart.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long transactions may take from the replica to the source in a ring, before it cannot be told.
const UNDER_WAY_FOR: Duration = Duration::from_secs(10);

/// Completes a fence by what the histories tell, and reports what they tell.
pub fn examine<'s>(
    pair: &Pair<'_>,
    fence: &mut Fence,
    source: &mut Link<'s>,
    replica: &mut Link<'s>,
    stop: &Stop,
    ledger: &Ledger<'_>,
) -> Outcome {
    match (Examination { pair, fence, source, replica, stop, ledger }).run() {
        Ok(outcome) => outcome,
        // Whoever asked for the stop knows why.
        Err(_) if stop.requested().is_some() => Outcome::Unproven(Code::NotRun),
        Err(error) => {
            let message = format!("whether the replica has transactions of its own cannot be told: {error}");
            ledger.failure(Failure::new(Code::ErrantUnknown, message).at(None, Some(pair.name)));
            Outcome::Unproven(Code::ErrantUnknown)
        }
    }
}

struct Examination<'a, 's, 'l> {
    pair: &'a Pair<'a>,
    fence: &'a mut Fence,
    source: &'a mut Link<'s>,
    replica: &'a mut Link<'s>,
    stop: &'a Stop,
    ledger: &'a Ledger<'l>,
}

impl Examination<'_, '_, '_> {
    fn run(&mut self) -> Result<Outcome> {
        let theirs = self.replica.ask(|session| session.history())?;
        let ours = self.source.ask(|session| session.history())?;
        self.fence.has_other_channels =
            has_other_channels(self.pair.source, self.pair.replica) || self.pair.through_others;
        self.fence.source_receives = self.pair.source.channels.as_ref().is_none_or(|channels| !channels.is_empty());
        self.fence.ring = self.pair.ring(&ours, &theirs).map_err(|error| self.unread(error))?;
        let surplus = self.surplus(&theirs)?;
        // What was under way may have been the first that the replica ever wrote.
        let ours = self.source.ask(|session| session.history())?;
        self.fence.ring = self.pair.ring(&ours, &theirs).map_err(|error| self.unread(error))?;
        self.tell_of_ring();
        self.leave_out_domains()?;
        Ok(self.report(&surplus))
    }

    fn unread(&self, error: NotGtids) -> ServerError {
        ServerError::new(self.pair.name, Fault::Other, format!("its history is {error}"))
    }

    /// What the replica had, less what the source turns out to have: looked again for a while.
    fn surplus(&mut self, theirs: &str) -> Result<Surplus> {
        let begun = Instant::now();
        let mut looks = 0;
        loop {
            let ours = self.source.ask(|session| session.history())?;
            let surplus = self.pair.surplus(&ours, theirs, self.fence).map_err(|error| self.unread(error))?;
            looks += 1;
            let settled = (surplus.errant.is_empty() && surplus.gone.is_empty()) || looks >= LOOKS;
            let may_arrive = !surplus.under_way.is_empty() || (self.fence.source_receives && !surplus.gone.is_empty());
            let arrived = !may_arrive || begun.elapsed() >= UNDER_WAY_FOR.min(self.fence.wait_timeout);
            if (settled && arrived) || self.stop.sleep(LOOK_AGAIN) {
                return Ok(surplus);
            }
        }
    }

    fn report(&self, surplus: &Surplus) -> Outcome {
        let mut outcome = Outcome::verified_by("transaction sets");
        let mut errant = vec![surplus.errant.as_str()];
        let mut unknown = Vec::new();
        if self.fence.ring != Ring::Open {
            unknown.push((
                surplus.under_way.as_str(),
                "they did not reach it in time, though what the replica writes arrives there",
            ));
        } else {
            errant.push(&surplus.under_way);
        }
        unknown.push((&surplus.gone, "the domain is gone from the source (FLUSH BINARY LOGS DELETE_DOMAIN_ID)"));
        errant.retain(|list| !list.is_empty());
        if !errant.is_empty() {
            let text = format!("the replica has transactions that the source never had: {}", errant.join(","));
            let mut finding = Finding::new(Code::ErrantTransactions, text);
            finding.location.replica = Some(self.pair.name.to_owned());
            finding.proof = Some(Proof::Proven { how: "metadata".to_owned() });
            self.ledger.finding(ItemKind::History, finding);
        }
        for (list, why) in unknown.into_iter().filter(|(list, _)| !list.is_empty()) {
            let message = format!("whether the source ever had the transactions {list} cannot be told: {why}");
            self.ledger.failure(Failure::new(Code::ErrantUnknown, message).at(None, Some(self.pair.name)));
            outcome = Outcome::Unproven(Code::ErrantUnknown);
        }
        if !surplus.others.is_empty() {
            let text = format!("transactions that the source never had came over other channels: {}", surplus.others);
            self.ledger.notice(Code::OtherChannels, Some(self.pair.name), text);
        }
        if errant.is_empty() { outcome } else { Outcome::Differs }
    }

    fn tell_of_ring(&self) {
        let text = match self.fence.ring {
            Ring::Open => return,
            Ring::Closed => "the source replicates from it in turn; what it writes is waited for on the source, too",
            Ring::OneDomain => {
                "the source replicates from it in turn and both write to one gtid_domain_id, so that positions say \
                 nothing: differences stay unproven"
            }
        };
        self.ledger.notice(Code::CircularReplication, Some(self.pair.name), text);
    }

    /// Domains of the source that the replica ignores or never had are not waited for.
    fn leave_out_domains(&mut self) -> Result<()> {
        if self.fence.kind != PositionKind::GtidDomains {
            return Ok(());
        }
        let Position::GtidDomains(text) = self.source.ask(|s| s.source_position(PositionKind::GtidDomains))? else {
            return Ok(());
        };
        let wanted = text.parse::<Domains>().map_err(|error| self.unread(error))?.domains();
        let ignored: BTreeSet<u32> = wanted.iter().copied().filter(|domain| self.pair.ignores(*domain)).collect();
        let absent = self.absent(&wanted, &ignored)?;
        for (domains, why) in [(&ignored, "the replica ignores them"), (&absent, "the replica never had any of them")] {
            if !domains.is_empty() {
                let list: Vec<String> = domains.iter().map(u32::to_string).collect();
                let text =
                    format!("transactions of these domains are not waited for, since {why}: {}", list.join(", "));
                self.ledger.notice(Code::DomainLeftOut, Some(self.pair.name), text);
            }
        }
        self.fence.left_out = ignored.union(&absent).copied().collect();
        Ok(())
    }

    /// Domains that the replica does not have although it has applied all that the source's binlog holds now: they lie
    /// before the place where it began. Only for a direct replica is that place known.
    fn absent(&mut self, wanted: &BTreeSet<u32>, ignored: &BTreeSet<u32>) -> Result<BTreeSet<u32>> {
        let missing = |had: &BTreeSet<u32>| -> BTreeSet<u32> {
            wanted.iter().copied().filter(|domain| !had.contains(domain) && !ignored.contains(domain)).collect()
        };
        if missing(&self.applied_domains()?).is_empty() || self.pair.relation != Relation::Direct {
            return Ok(BTreeSet::new());
        }
        let place = match self.source.ask(|session| session.log_place()) {
            Ok(place) => place,
            Err(error) if matches!(error.fault, Fault::Denied | Fault::Unsupported) => return Ok(BTreeSet::new()),
            Err(error) => return Err(error),
        };
        let by_place = Fence { kind: PositionKind::FileOffset, left_out: BTreeSet::new(), ..self.fence.clone() };
        let short = Fence { wait_timeout: by_place.wait_timeout.min(SLICE * 20), ..by_place };
        match short.wait(self.replica, &Position::Log(place), self.stop)? {
            Fenced::TooLate => Ok(BTreeSet::new()),
            Fenced::Reached => Ok(missing(&self.applied_domains()?)),
        }
    }

    fn applied_domains(&mut self) -> Result<BTreeSet<u32>> {
        match self.replica.ask(|session| session.applied_position(PositionKind::GtidDomains, None))? {
            Position::GtidDomains(text) => Ok(text.parse::<Domains>().map_err(|error| self.unread(error))?.domains()),
            _ => Ok(BTreeSet::new()),
        }
    }
}

/// Whether a server has several channels, and some from others than the source.
pub fn has_other_channels(source: &Facts, replica: &Facts) -> bool {
    let here = |channel: &ReplicaStatus| match source.flavor() {
        Flavor::Mysql => channel.source_uuid == source.identity.uuid,
        Flavor::Mariadb => channel.source_id == source.identity.server_id,
    };
    let channels = replica.channels();
    channels.len() > 1 && channels.iter().any(|channel| !here(channel))
}

impl Pair<'_> {
    /// Whether the replica leaves a domain out on purpose, on the channel from this source.
    fn ignores(&self, domain: u32) -> bool {
        let channels = self.replica.channels();
        let from_here = |channel: &&ReplicaStatus| channel.source_id == self.source.identity.server_id;
        let Some(channel) = channels.iter().find(from_here).or_else(|| channels.first()) else { return false };
        let only = &channel.only_domains;
        channel.ignored_domains.contains(&domain) || (!only.is_empty() && !only.contains(&domain))
    }

    /// Whether the source replicates from the replica itself.
    fn is_direct_ring(&self) -> bool {
        let identity = &self.replica.identity;
        self.source.channels().iter().any(|channel| match self.source.flavor() {
            Flavor::Mysql => channel.source_uuid == identity.uuid,
            Flavor::Mariadb => channel.source_id == identity.server_id,
        })
    }

    fn ring(&self, ours: &str, theirs: &str) -> std::result::Result<Ring, NotGtids> {
        let direct = self.is_direct_ring();
        match self.source.flavor() {
            Flavor::Mysql => {
                let mut received = direct;
                for channel in self.source.channels() {
                    received |= channel.received_gtids.parse::<GtidSet>()?.knows(&self.replica.identity.uuid);
                }
                Ok(if received { Ring::Closed } else { Ring::Open })
            }
            Flavor::Mariadb => {
                let (ours, theirs): (Domains, Domains) = (ours.parse()?, theirs.parse()?);
                let wrote = |state: &Domains, id: u64| state.only(|writer| u64::from(writer.server) == id).domains();
                let (source, replica) = (self.source.identity.server_id, self.replica.identity.server_id);
                let shared = !wrote(&ours, source).is_disjoint(&wrote(&theirs, replica));
                let reached = !self.source.channels().is_empty() && !wrote(&ours, replica).is_empty();
                Ok(match direct || reached {
                    true if shared => Ring::OneDomain,
                    true => Ring::Closed,
                    false => Ring::Open,
                })
            }
        }
    }

    fn surplus(&self, ours: &str, theirs: &str, fence: &Fence) -> std::result::Result<Surplus, NotGtids> {
        match self.source.flavor() {
            Flavor::Mysql => {
                let beyond = theirs.parse::<GtidSet>()?.without(&ours.parse()?);
                let own = beyond.only(|origin| origin.uuid.eq_ignore_ascii_case(&self.replica.identity.uuid));
                Ok(sorted(fence, own.to_string(), beyond.without(&own).to_string(), String::new()))
            }
            Flavor::Mariadb => {
                let (ours, theirs): (Domains, Domains) = (ours.parse()?, theirs.parse()?);
                let beyond = theirs.beyond_state(&ours);
                let known = ours.domains();
                let own = |server: u32| u64::from(server) == self.replica.identity.server_id;
                let list = |keep: &dyn Fn(u32, u32) -> bool| beyond.only(|w| keep(w.domain, w.server)).to_string();
                let gone = list(&|domain, server| !own(server) && !known.contains(&domain));
                let rest = list(&|domain, server| !own(server) && known.contains(&domain));
                Ok(sorted(fence, list(&|_, server| own(server)), rest, gone))
            }
        }
    }
}

/// Sorts transactions of the replica's own, of others, and of domains that the source does not have.
fn sorted(fence: &Fence, own: String, rest: String, gone: String) -> Surplus {
    let mut surplus = Surplus::default();
    let join =
        |one: &str, other: &str| [one, other].into_iter().filter(|x| !x.is_empty()).collect::<Vec<_>>().join(",");
    let (others, rest, gone) = match fence.has_other_channels {
        true => (join(&rest, &gone), String::new(), String::new()),
        false => (String::new(), rest, gone),
    };
    let beyond = join(&own, &rest);
    // Where the source receives anything, it may be part of a ring that nothing has gone around yet.
    if fence.ring == Ring::Open && !fence.source_receives {
        surplus.errant = beyond
    } else {
        surplus.under_way = beyond
    }
    (surplus.others, surplus.gone) = (others, gone);
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ring: Ring, others: bool) -> Fence {
        Fence { ring, has_other_channels: others, ..Fence::default() }
    }

    #[test]
    fn what_a_replica_has_more_is_sorted_by_where_it_may_come_from() {
        let sorted = |fence: &Fence| super::sorted(fence, "own".into(), "rest".into(), "gone".into());
        let open = sorted(&of(Ring::Open, false));
        assert_eq!((open.errant.as_str(), open.gone.as_str()), ("own,rest", "gone"));
        let several = sorted(&of(Ring::Open, true));
        assert_eq!((several.errant.as_str(), several.others.as_str()), ("own", "rest,gone"));
        let ring = sorted(&of(Ring::Closed, false));
        assert_eq!((ring.errant.as_str(), ring.under_way.as_str()), ("", "own,rest"));
        let fed = sorted(&Fence { source_receives: true, ..of(Ring::Open, false) });
        assert_eq!((fed.errant.as_str(), fed.under_way.as_str()), ("", "own,rest"));
    }
}
