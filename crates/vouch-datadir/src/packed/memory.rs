//! Memory that decoders may hold of what they have unpacked: [`Memory`], [`Lease`].
//!
//! zstd and xz refer back to what came out, up to a window that each frame names:
//! as much as 2 GiB of `zstd --long=31`. The window is paid for as it fills, so a
//! small file with a large one costs no more than its contents. Invariant: all
//! decoders of a run together hold no more than [`MOST`].

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of all windows at a time. A judgement: half of the largest window of zstd, so that a run next to a
/// server does not take the machine. docs/guides/pages.md names it.
pub(super) const MOST: u64 = 1 << 30;
/// Bytes by which a lease grows.
const STEP: u64 = 1 << 20;

/// What is left for the decoders of a run.
#[derive(Debug)]
pub(super) struct Memory {
    free: AtomicU64,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new(MOST)
    }
}

impl Memory {
    pub(super) fn new(bytes: u64) -> Memory {
        Memory { free: AtomicU64::new(bytes) }
    }

    /// Bytes that nobody holds.
    #[cfg(test)]
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }
}

/// What one decoder holds. It goes back when the lease is dropped.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl<'a> Lease<'a> {
    /// Nothing yet.
    pub(super) fn new(memory: &'a Memory) -> Lease<'a> {
        Lease { memory, bytes: 0 }
    }

    /// Has it cover so many bytes. False when there are not as many.
    pub(super) fn cover(&mut self, bytes: u64) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else { return true };
        let more = more.next_multiple_of(STEP);
        let take = |free: u64| free.checked_sub(more);
        let taken = self.memory.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Gives everything back.
    pub(super) fn release(&mut self) {
        self.memory.free.fetch_add(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_back() {
        let memory = Memory::new(10 * STEP);
        let (mut one, mut other) = (Lease::new(&memory), Lease::new(&memory));
        assert!(one.cover(6 * STEP - 1) && one.cover(3));
        assert!(!other.cover(5 * STEP) && other.cover(4 * STEP));
        assert_eq!(memory.free(), 0);
        drop(one);
        assert!(other.cover(10 * STEP));
        drop(other);
        assert_eq!(memory.free(), 10 * STEP);
    }
}
