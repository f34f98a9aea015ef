//! A ring of words between one worker, which writes, and one reader.
//!
//! Neither side ever waits for the other: the writer publishes with one store, and what finds no
//! room is counted and forgotten. All words are atomic, so that nothing here is unsafe: if two
//! threads wrote as the same worker, entries would be garbled, which the reader notices and skips.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Words of the smallest ring: it holds the longest entry there is.
const MIN_WORDS: usize = 512;

/// Kept apart from its neighbors, so that writer and reader never share a cache line.
#[repr(align(128))]
struct Apart<T>(T);

/// What the writer alone changes.
struct Writing {
    /// Words written so far; the place of the next one.
    written: AtomicUsize,
    /// Words that the reader had taken when the writer last looked.
    seen: AtomicUsize,
}

/// A ring. Places count up and wrap; a place modulo the length is the index of its word.
pub(super) struct Ring {
    words: Box<[AtomicU64]>,
    writing: Apart<Writing>,
    taken: Apart<AtomicUsize>,
    lost: Apart<AtomicU64>,
}

impl Ring {
    /// A ring with room for at least so many words.
    pub(super) fn new(words: usize) -> Self {
        let words = words.max(MIN_WORDS).next_power_of_two();
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            writing: Apart(Writing { written: AtomicUsize::new(0), seen: AtomicUsize::new(0) }),
            taken: Apart(AtomicUsize::new(0)),
            lost: Apart(AtomicU64::new(0)),
        }
    }

    /// Room for an entry of `count` words, or none: then the entry is counted as lost.
    #[inline]
    pub(super) fn reserve(&self, count: usize) -> Option<RingSpace<'_>> {
        let Writing { written, seen } = &self.writing.0;
        let at = written.load(Ordering::Relaxed);
        if !self.fits(count, at, seen.load(Ordering::Relaxed)) {
            let taken = self.taken.0.load(Ordering::Acquire);
            seen.store(taken, Ordering::Relaxed);
            if !self.fits(count, at, taken) {
                self.lost.0.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        }
        Some(RingSpace { ring: self, at })
    }

    #[inline]
    fn fits(&self, count: usize, written: usize, taken: usize) -> bool {
        written.wrapping_sub(taken).wrapping_add(count) <= self.words.len()
    }

    #[inline]
    fn word(&self, place: usize) -> &AtomicU64 {
        // The length is a power of two.
        &self.words[place & (self.words.len() - 1)]
    }

    /// How much of the ring is full, from 0 to 1.
    pub(super) fn fullness(&self) -> f64 {
        let written = self.writing.0.written.load(Ordering::Relaxed);
        let held = written.wrapping_sub(self.taken.0.load(Ordering::Relaxed));
        held as f64 / self.words.len() as f64
    }

    /// Entries lost since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.0.swap(0, Ordering::Relaxed)
    }

    /// Visits the places of whole entries that wait, oldest first, until there were `most` or none
    /// is left; gives the place after the last one. An entry begins with its length in words, in
    /// the low 16 bits. One thread at a time may call this, and `read` and `free` for its places.
    pub(super) fn waiting(&self, most: usize, mut visit: impl FnMut(usize)) -> usize {
        let written = self.writing.0.written.load(Ordering::Acquire);
        let mut at = self.taken.0.load(Ordering::Relaxed);
        let mut count = 0;
        while count < most && at != written {
            let length = self.length(at);
            if length == 0 || length > written.wrapping_sub(at) {
                // Garbled: what follows has no beginning that could be found.
                self.lost.0.fetch_add(1, Ordering::Relaxed);
                return written;
            }
            visit(at);
            at = at.wrapping_add(length);
            count += 1;
        }
        at
    }

    fn length(&self, place: usize) -> usize {
        (self.word(place).load(Ordering::Relaxed) & 0xffff) as usize
    }

    /// One word of the entry at a place.
    pub(super) fn word_at(&self, place: usize, index: usize) -> u64 {
        self.word(place.wrapping_add(index)).load(Ordering::Relaxed)
    }

    /// The words of the entry at a place, in place of what `entry` held.
    pub(super) fn read(&self, place: usize, entry: &mut Vec<u64>) {
        entry.clear();
        entry.extend((0..self.length(place)).map(|index| self.word_at(place, index)));
    }

    /// Gives the room before a place back to the writer.
    pub(super) fn free(&self, until: usize) {
        self.taken.0.store(until, Ordering::Release);
    }
}

/// Room for one entry, filled from its beginning to its end.
pub(super) struct RingSpace<'r> {
    ring: &'r Ring,
    at: usize,
}

impl RingSpace<'_> {
    /// Appends one word.
    #[inline]
    pub(super) fn push(&mut self, word: u64) {
        self.ring.word(self.at).store(word, Ordering::Relaxed);
        self.at = self.at.wrapping_add(1);
    }

    /// Appends octets, filled up with zeros to whole words.
    #[inline]
    pub(super) fn push_octets(&mut self, octets: &[u8]) {
        let (whole, rest) = octets.as_chunks::<8>();
        for eight in whole {
            self.push(u64::from_le_bytes(*eight));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.push(u64::from_le_bytes(last));
        }
    }

    /// Makes the entry visible to the reader.
    #[inline]
    pub(super) fn publish(self) {
        self.ring.writing.0.written.store(self.at, Ordering::Release);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// An entry of `count` words that all say `number`.
    fn write(ring: &Ring, count: usize, number: u64) -> bool {
        let Some(mut room) = ring.reserve(count) else { return false };
        room.push(count as u64 | number << 16);
        (1..count).for_each(|_| room.push(number));
        room.publish();
        true
    }

    fn numbers(ring: &Ring, most: usize) -> Vec<u64> {
        let (mut found, mut entry) = (Vec::new(), Vec::new());
        let end = ring.waiting(most, |place| {
            ring.read(place, &mut entry);
            assert_eq!(entry[0] & 0xffff, entry.len() as u64);
            assert!(entry[1..].iter().all(|word| *word == entry[0] >> 16));
            found.push(entry[0] >> 16);
        });
        ring.free(end);
        found
    }

    #[test]
    fn a_full_ring_keeps_the_oldest_entries_and_counts_what_it_drops() {
        let ring = Ring::new(0);
        let kept = (0..1_000).filter(|number| write(&ring, 10, *number)).count() as u64;
        assert_eq!(kept, (MIN_WORDS / 10) as u64);
        assert_eq!(numbers(&ring, usize::MAX), (0..kept).collect::<Vec<_>>());
        assert_eq!((ring.take_lost(), ring.take_lost()), (1_000 - kept, 0));
        assert!(write(&ring, 10, 7), "what was taken makes room");
        assert_eq!(numbers(&ring, usize::MAX), [7]);
    }

    #[test]
    fn entries_of_every_length_survive_the_end_of_the_ring() {
        let ring = Ring::new(0);
        for round in 0..2_000 {
            assert!(write(&ring, 1 + round as usize % 300, round));
            assert_eq!(numbers(&ring, 1), [round]);
        }
    }

    #[test]
    fn two_threads_lose_nothing_but_what_is_counted() {
        let ring = Ring::new(0);
        let last = 200_000;
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                (0..last).for_each(|number| {
                    write(&ring, 3 + number as usize % 5, number);
                });
            });
            let mut found = Vec::new();
            while !writer.is_finished() {
                found.extend(numbers(&ring, 64));
            }
            found.extend(numbers(&ring, usize::MAX));
            assert!(found.is_sorted_by(|before, after| before < after), "in order, none twice");
            assert_eq!(found.len() as u64 + ring.take_lost(), last);
        });
    }

    #[test]
    fn a_garbled_ring_is_emptied_and_goes_on() {
        let ring = Ring::new(0);
        for length in [0, 0xffff] {
            let mut room = ring.reserve(2).unwrap();
            room.push(length);
            room.push(1);
            room.publish();
            assert!(numbers(&ring, usize::MAX).is_empty());
            assert_eq!(ring.take_lost(), 1);
            assert!(write(&ring, 4, 3));
            assert_eq!(numbers(&ring, usize::MAX), [3]);
        }
    }
}
