//! Hands out the chunks of one table, so that they touch and cover everything.
//!
//! A table is one or several segments; a segment has a cursor that starts at its
//! lower end and is only ever moved to the upper end of a chunk that was handed
//! out. So chunks are contiguous by construction, and the last one of a segment
//! ends where the segment ends: for the outermost ones, nowhere.

use crate::chunk::segment;
use crate::chunk::sizer::Sizer;
use std::collections::VecDeque;
use std::time::Duration;
use vouch_convert::to_size;
use vouch_server::{Bound, Interval};

/// Names a chunk within its table, for the state of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkId {
    /// Segment.
    pub segment: u32,
    /// Number within the segment, from 0.
    pub number: u32,
}

/// A chunk whose upper end may still have to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenChunk {
    /// Its name.
    pub id: ChunkId,
    /// From the cursor to the end of the segment.
    pub rest: Interval,
    /// How many rows it should have.
    pub rows: u64,
}

/// What there is to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Read from the cursor, then [`Chunker::advance`].
    Cut(OpenChunk),
    /// A chunk that an earlier run cut already, for some of the replicas.
    Known {
        /// Its name.
        id: ChunkId,
        /// Its rows.
        interval: Interval,
        /// The replicas for which it is still to be done.
        replicas: Vec<usize>,
    },
    /// Every segment is in somebody's hands.
    Busy,
    /// There is no more.
    Finished,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hand {
    Idle,
    Busy,
    Finished,
}

#[derive(Clone, Debug)]
struct Segment {
    cursor: Option<Bound>,
    upper: Option<Bound>,
    next_number: u32,
    hand: Hand,
}

impl Segment {
    /// Notes that the chunk of that name ends there. A chunk that ends where its
    /// segment does is the last one, also when a cut happened to fall there.
    fn end_at(&mut self, id: ChunkId, upper: Option<Bound>) {
        self.next_number = id.number.saturating_add(1);
        self.hand = if upper == self.upper { Hand::Finished } else { Hand::Idle };
        self.cursor = upper;
    }
}

/// A chunk as an earlier run left it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownChunk {
    /// Its name.
    pub id: ChunkId,
    /// Its rows.
    pub interval: Interval,
    /// The replicas for which it is still to be done; may be none.
    pub replicas: Vec<usize>,
    /// Rows on the source, where it was decided for a replica.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// The chunks of one table.
#[derive(Debug)]
pub struct Chunker {
    segments: Vec<Segment>,
    known: VecDeque<KnownChunk>,
    sizer: Sizer,
}

impl Chunker {
    /// Cuts along `bounds`, which must rise in the order of the key.
    pub fn new(bounds: Vec<Bound>, sizer: Sizer) -> Self {
        Chunker::over(segment::between(bounds), sizer)
    }

    /// Cuts these regions alone, which must not overlap.
    pub fn over(regions: Vec<Interval>, sizer: Sizer) -> Self {
        let segment =
            |region: Interval| Segment { cursor: region.lower, upper: region.upper, next_number: 0, hand: Hand::Idle };
        Chunker { segments: regions.into_iter().map(segment).collect(), known: VecDeque::new(), sizer }
    }

    /// Takes over what an earlier run cut. Chunks of a segment come in their order.
    pub fn take_over(&mut self, chunks: Vec<KnownChunk>) {
        for chunk in chunks {
            if let Some(segment) = self.segment(chunk.id) {
                segment.end_at(chunk.id, chunk.interval.upper.clone());
            }
            if !chunk.replicas.is_empty() {
                self.known.push_back(chunk);
            }
        }
    }

    fn segment(&mut self, id: ChunkId) -> Option<&mut Segment> {
        self.segments.get_mut(to_size(id.segment))
    }

    /// The next thing to do.
    pub fn next(&mut self) -> Next {
        if let Some(chunk) = self.known.pop_front() {
            return Next::Known { id: chunk.id, interval: chunk.interval, replicas: chunk.replicas };
        }
        let rows = self.sizer.rows();
        for (at, segment) in self.segments.iter_mut().enumerate() {
            if segment.hand == Hand::Idle {
                segment.hand = Hand::Busy;
                let id = ChunkId { segment: u32::try_from(at).unwrap_or(u32::MAX), number: segment.next_number };
                let rest = Interval { lower: segment.cursor.clone(), upper: segment.upper.clone() };
                return Next::Cut(OpenChunk { id, rest, rows });
            }
        }
        let over = self.segments.iter().all(|segment| segment.hand == Hand::Finished);
        if over { Next::Finished } else { Next::Busy }
    }

    /// The chunk `open` ends at `cut`, or with its segment when there is no cut.
    /// Returns its rows as an interval. The segment can be handed out again.
    pub fn advance(&mut self, open: &OpenChunk, cut: Option<Bound>) -> Interval {
        let upper = cut.or_else(|| open.rest.upper.clone());
        if let Some(segment) = self.segment(open.id) {
            segment.end_at(open.id, upper.clone());
        }
        Interval { lower: open.rest.lower.clone(), upper }
    }

    /// Gives a chunk back unread, to be handed out again.
    pub fn give_back(&mut self, open: &OpenChunk) {
        if let Some(segment) = self.segment(open.id) {
            segment.hand = Hand::Idle;
        }
    }

    /// Takes in how long a chunk took.
    pub fn learn(&mut self, rows: u64, bytes: u64, took: Duration) {
        self.sizer.learn(rows, bytes, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ChunkPolicy;
    use proptest::prelude::*;
    use vouch_server::Value;

    fn chunker(bounds: Vec<i64>) -> Chunker {
        let policy = ChunkPolicy { time: Duration::from_secs(1), rows_min: 1, rows_max: 9, bytes_max: 1, index: None };
        Chunker::new(bounds.into_iter().map(|b| vec![Value::Int(b)]).collect(), Sizer::new(&policy))
    }

    fn contains(interval: &Interval, key: i64) -> bool {
        let number = |bound: &Option<Bound>| match bound.as_deref() {
            Some([Value::Int(number)]) => Some(*number),
            _ => None,
        };
        number(&interval.lower).is_none_or(|low| key > low) && number(&interval.upper).is_none_or(|up| key <= up)
    }

    /// Drives a chunker to its end over `keys`, reading at most `size` rows a chunk.
    fn drive(chunker: &mut Chunker, keys: &[i64], size: usize) -> Vec<Interval> {
        let mut cut = Vec::new();
        while let Next::Cut(open) = chunker.next() {
            let mut inside: Vec<i64> = keys.iter().copied().filter(|&key| contains(&open.rest, key)).collect();
            inside.sort_unstable();
            let end = (inside.len() >= size).then(|| vec![Value::Int(inside[size - 1])]);
            cut.push(chunker.advance(&open, end));
        }
        cut
    }

    proptest! {
        #[test]
        fn chunks_cover_every_key_exactly_once(
            keys in prop::collection::btree_set(-50i64..50, 0..40),
            strangers in prop::collection::vec(-60i64..60, 0..20),
            bounds in prop::collection::btree_set(-50i64..50, 0..4),
            size in 1usize..7,
        ) {
            let keys: Vec<i64> = keys.into_iter().collect();
            let cut = drive(&mut chunker(bounds.into_iter().collect()), &keys, size);
            // Keys that only a replica has must lie in exactly one chunk too.
            for key in keys.iter().chain(&strangers) {
                prop_assert_eq!(cut.iter().filter(|interval| contains(interval, *key)).count(), 1);
            }
        }

        #[test]
        fn a_resumed_chunker_continues_where_the_first_one_stopped(stop_after in 0usize..6, bound in 6i64..10) {
            let keys: Vec<i64> = (0..20).collect();
            let whole = drive(&mut chunker(vec![bound]), &keys, 3);
            let mut resumed = chunker(vec![bound]);
            let mut first = chunker(vec![bound]);
            let mut known = Vec::new();
            for _ in 0..stop_after {
                let Next::Cut(open) = first.next() else { break };
                let mut inside: Vec<i64> = keys.iter().copied().filter(|&key| contains(&open.rest, key)).collect();
                inside.sort_unstable();
                let end = (inside.len() >= 3).then(|| vec![Value::Int(inside[2])]);
                let interval = first.advance(&open, end);
                known.push(KnownChunk { id: open.id, interval, replicas: Vec::new(), rows: 0, bytes: 0 });
            }
            let done: Vec<Interval> = known.iter().map(|chunk| chunk.interval.clone()).collect();
            resumed.take_over(known);
            let rest = drive(&mut resumed, &keys, 3);
            prop_assert_eq!(done.len() + rest.len(), whole.len());
            for key in -5..30 {
                let times = done.iter().chain(&rest).filter(|interval| contains(interval, key)).count();
                prop_assert_eq!(times, 1);
            }
        }
    }
}
