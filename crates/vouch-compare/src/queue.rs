//! The queue of chunks that wait for a replica.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

struct Inner<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// A queue with many writers and readers, which ends when it is closed.
pub struct Queue<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { inner: Mutex::new(Inner { items: VecDeque::new(), closed: false }), changed: Condvar::new() }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an item.
    pub fn push(&self, item: T) {
        self.lock().items.push_back(item);
        self.changed.notify_one();
    }

    /// Items waiting.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Items may come again.
    pub fn open(&self) {
        self.lock().closed = false;
    }

    /// No more items will come: readers get what is left, then `None`.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next item; waits for it. `None` when the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        loop {
            match self.pop_within(Duration::from_secs(1)) {
                Popped::Item(item) => return Some(item),
                Popped::Over => return None,
                Popped::Nothing => {}
            }
        }
    }

    /// The next item, if one comes within `time`.
    pub fn pop_within(&self, time: Duration) -> Popped<T> {
        let mut inner = self.lock();
        if inner.items.is_empty() && !inner.closed && !time.is_zero() {
            inner = self.changed.wait_timeout(inner, time).unwrap_or_else(PoisonError::into_inner).0;
        }
        match inner.items.pop_front() {
            Some(item) => Popped::Item(item),
            None if inner.closed => Popped::Over,
            None => Popped::Nothing,
        }
    }
}

/// What [`Queue::pop_within`] brought.
pub enum Popped<T> {
    /// An item.
    Item(T),
    /// Nothing in that time.
    Nothing,
    /// The queue is closed and empty.
    Over,
}
