//! What is left to be read: the largest table first, and what is to be tried again later.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A table that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The place of the request in the list.
    pub index: usize,
    /// Attempts that were made.
    pub attempts: u32,
    /// How often it gave way to an applier.
    pub gave_way: u32,
}

/// What a worker gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A table.
    Task(Task),
    /// Nothing before this time has passed.
    Wait(Duration),
    /// Nothing any more.
    Nothing,
}

/// Tables that are to be read.
#[derive(Default)]
pub struct Queue {
    ready: VecDeque<Task>,
    later: Vec<(Instant, Task)>,
}

impl Queue {
    /// Requests by their size in bytes.
    pub fn new(sizes: &[u64]) -> Self {
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(sizes.get(index).copied().unwrap_or(0)));
        let ready = order.into_iter().map(|index| Task { index, attempts: 0, gave_way: 0 }).collect();
        Queue { ready, later: Vec::new() }
    }

    /// The next table, at `now`.
    pub fn next(&mut self, now: Instant) -> Next {
        if let Some(task) = self.ready.pop_front() {
            return Next::Task(task);
        }
        let Some(at) = (0..self.later.len()).min_by_key(|&at| self.later.get(at).map(|(due, _)| *due)) else {
            return Next::Nothing;
        };
        match self.later.get(at) {
            Some((due, _)) if *due > now => Next::Wait(due.saturating_duration_since(now)),
            _ => Next::Task(self.later.swap_remove(at).1),
        }
    }

    /// Puts a table back, for later.
    pub fn again(&mut self, task: Task, due: Instant) {
        self.later.push((due, task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tables_go_first_and_what_failed_goes_last() {
        let now = Instant::now();
        let mut queue = Queue::new(&[1, 30, 2]);
        let Next::Task(first) = queue.next(now) else { return assert!(queue.ready.is_empty(), "a task") };
        assert_eq!(first.index, 1);
        queue.again(Task { attempts: 1, ..first }, now + Duration::from_secs(1));
        let task = |index| Next::Task(Task { index, attempts: 0, gave_way: 0 });
        assert_eq!((queue.next(now), queue.next(now)), (task(2), task(0)));
        assert_eq!(queue.next(now), Next::Wait(Duration::from_secs(1)));
        assert!(matches!(queue.next(now + Duration::from_secs(1)), Next::Task(Task { index: 1, attempts: 1, .. })));
        assert_eq!(queue.next(now), Next::Nothing);
    }
}
