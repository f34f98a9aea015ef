//! A table of fixed size of what is worth watching among very much more.
//!
//! A newcomer takes the place of the entry that weighs least, but only as often as its own weight is a
//! part of both: whoever brings many that weigh little pushes out nothing that is worth watching, and one
//! that weighs much comes in soon (a randomized space saving; ibHH chooses by the smallest hash, to the
//! same end). What was counted before an entry came in, or before it was pushed out, is lost: a count is
//! never too large for that.
//!
//! No worker waits for another. One that finds its part of the table locked does not count. One that
//! counts while its entry is pushed out may add that to the entry that comes in.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::slots::Slots;

/// Entries in a bucket; their keys are one line of the cache.
const WAYS: usize = 8;
/// Parts of the table in which places are given away one after the other. A power of two.
const PARTS: usize = 16;
/// Set in each key, so that none is 0, which is an empty place.
const TAKEN: u64 = 1 << 63;

/// What is watched.
pub(super) trait Entry {
    /// One that counts nothing.
    fn new() -> Self;
    /// Forgets everything.
    fn begin(&self, at: Slots);
    /// Whether it is of the last day, within which the numbers of slots are without doubt.
    fn is_fresh(&self, at: Slots) -> bool;
    /// How much it is worth to be watched.
    fn weight(&self, at: Slots) -> u32;
}

/// The table.
pub(super) struct Watched<E> {
    keys: Box<[AtomicU64]>,
    entries: Box<[E]>,
    parts: [Mutex<()>; PARTS],
}

impl<E: Entry> Watched<E> {
    /// With room for so many: a power of two, at least 8.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            keys: (0..entries).map(|_| AtomicU64::new(0)).collect(),
            entries: (0..entries).map(|_| E::new()).collect(),
            parts: [const { Mutex::new(()) }; PARTS],
        }
    }

    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.keys) + size_of_val(&*self.entries)
    }

    /// The entry of a key, a hash; none where it is not watched.
    #[inline]
    pub(super) fn find(&self, key: u64, at: Slots) -> Option<&E> {
        let entry = &self.entries[self.place(key)?];
        entry.is_fresh(at).then_some(entry)
    }

    /// The same, and begins to watch it if `weight` is worth that. `chance` is a random number that does
    /// not change when the same is counted again, so that it is no use to try often.
    pub(super) fn find_or_begin(
        &self,
        key: u64,
        chance: u32,
        weight: u32,
        at: Slots,
    ) -> Option<&E> {
        if let Some(entry) = self.find(key, at) {
            return Some(entry);
        }
        let first = self.bucket(key);
        let _one_at_a_time = self.parts[(first / WAYS) & (PARTS - 1)].try_lock().ok()?;
        // Another worker may have begun it in between.
        if let Some(entry) = self.find(key, at) {
            return Some(entry);
        }
        let of_its_own = self.place(key).map(|place| (0, place));
        let (least, place) = of_its_own
            .or_else(|| (first..first + WAYS).map(|place| (self.weight(place, at), place)).min())?;
        if u64::from(chance) * u64::from(least + weight) >= u64::from(weight) << 32 {
            return None;
        }
        let entry = &self.entries[place];
        self.keys[place].store(0, Ordering::Release);
        entry.begin(at);
        self.keys[place].store(key | TAKEN, Ordering::Release);
        Some(entry)
    }

    fn weight(&self, place: usize, at: Slots) -> u32 {
        let entry = &self.entries[place];
        let is_taken = self.keys[place].load(Ordering::Relaxed) != 0;
        if is_taken && entry.is_fresh(at) { entry.weight(at) } else { 0 }
    }

    #[inline]
    fn bucket(&self, key: u64) -> usize {
        ((key >> 32) as usize & !(WAYS - 1)) & (self.keys.len() - 1)
    }

    #[inline]
    fn place(&self, key: u64) -> Option<usize> {
        let first = self.bucket(key);
        (first..first + WAYS).find(|&at| self.keys[at].load(Ordering::Acquire) == key | TAKEN)
    }
}
