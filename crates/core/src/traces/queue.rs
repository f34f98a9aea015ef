//! What is recorded, until it is taken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

/// Traces that wait to be taken; the rest is dropped and counted.
const MAX_WAITING: usize = 256;

/// A short queue of lines.
#[derive(Default)]
pub(super) struct Queue {
    lines: Mutex<VecDeque<Vec<u8>>>,
    /// How many there are, so that one that is full costs no lock.
    waiting: AtomicUsize,
    recorded: AtomicU64,
    limited: AtomicU64,
}

impl Queue {
    /// Whether one more may come. Two at once may both be told so, which does no harm.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.load(Relaxed) < MAX_WAITING
    }

    pub(super) fn count_limited(&self) {
        self.limited.fetch_add(1, Relaxed);
    }

    pub(super) fn push(&self, line: Vec<u8>) {
        let mut lines = self.lines.lock();
        lines.push_back(line);
        self.waiting.store(lines.len(), Relaxed);
        self.recorded.fetch_add(1, Relaxed);
    }

    /// Takes at most so many, oldest first.
    pub(super) fn take(&self, most: usize) -> Vec<u8> {
        let mut lines = self.lines.lock();
        let count = lines.len().min(most);
        let taken = lines.drain(..count).collect::<Vec<_>>().concat();
        self.waiting.store(lines.len(), Relaxed);
        taken
    }

    /// Recorded, and found no room.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.recorded.load(Relaxed), self.limited.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_the_queue_full_is_counted_and_the_oldest_come_first() {
        let queue = Queue::default();
        for number in 0..MAX_WAITING + 7 {
            if queue.has_room() {
                queue.push(format!("{number}\n").into_bytes());
            } else {
                queue.count_limited();
            }
        }
        assert_eq!(queue.counts(), (MAX_WAITING as u64, 7));
        assert_eq!(queue.take(2), b"0\n1\n");
        assert!(queue.has_room());
    }
}
