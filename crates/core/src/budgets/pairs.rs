//! How many octets of distinct names each client told each registered domain.
//!
//! When there is no place for a new pair, one of the client with the most pairs yields. What it had
//! goes into the floor of that client, from which every later pair of it starts. So the sum of a pair
//! is never too small, and only the client that fills the table gets sums that are too large.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::held::{CLIENTS, Held};
use super::slots::{Slots, Sum, change};

/// Pairs in a bucket; their keys are one line of the cache.
const WAYS: usize = 8;
/// How often a place is tried while other workers change it.
const TRIES: usize = 4;
/// Set in each key, so that none is 0, which is an empty place.
const TAKEN: u64 = 1 << 63;
/// The key of a place that is being given to another pair: no pair has it.
const CHANGING: u64 = 1;
/// Parts of the table in which places are given away one after the other. A power of two.
const PARTS: usize = 64;

/// A client and a domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) hash: u64,
    /// Below [`CLIENTS`].
    pub(super) client: u16,
}

impl Pair {
    /// The client and the lower bits of the hash; those above choose the bucket.
    #[inline]
    fn key(self) -> u64 {
        TAKEN | u64::from(self.client) << 48 | self.hash & ((1 << 48) - 1)
    }
}

/// Octets of distinct names within the last hour and day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Of an hour.
    pub hour: u32,
    /// Of a day.
    pub day: u32,
}

impl Totals {
    pub(super) fn with(self, hour: u32, day: u32) -> Self {
        Self { hour: self.hour + hour, day: self.day + day }
    }
}

/// Sums of one pair, or the floor of one client.
#[derive(Default)]
struct Sums {
    hour: AtomicU64,
    day: AtomicU64,
}

impl Sums {
    #[inline]
    fn read(&self, at: Slots) -> (Sum, Sum) {
        let day = Sum(self.day.load(Ordering::Relaxed)).moved(at.day);
        let hour = Sum(self.hour.load(Ordering::Relaxed)).moved(at.hour);
        // The number of the slot of the hour is without doubt only within the day.
        if day.total() == 0 { (Sum::default().moved(at.hour), day) } else { (hour, day) }
    }

    #[inline]
    fn totals(&self, at: Slots) -> Totals {
        let (hour, day) = self.read(at);
        Totals { hour: hour.total(), day: day.total() }
    }

    /// Adds to both. No worker takes away what another one added: the sum of the hour begins anew only
    /// where nobody changed it since before the day began.
    fn add(&self, at: Slots, hour: u32, day: u32) -> Totals {
        let old_hour = self.hour.load(Ordering::Relaxed);
        let (old_day, day) = change(&self.day, |sum| sum.moved(at.day).plus(day));
        if old_day.moved(at.day).total() == 0 {
            let first = Sum::default().moved(at.hour).plus(hour);
            if replace(&self.hour, old_hour, first.0) {
                return Totals { hour: first.total(), day: day.total() };
            }
        }
        let (_, hour) = change(&self.hour, |sum| sum.moved(at.hour).plus(hour));
        Totals { hour: hour.total(), day: day.total() }
    }

    /// At least the other sums.
    fn raise(&self, at: Slots, (hour, day): (Sum, Sum)) {
        change(&self.hour, |sum| sum.moved(at.hour).max(hour.moved(at.hour)));
        change(&self.day, |sum| sum.moved(at.day).max(day.moved(at.day)));
    }

    /// What is added meanwhile is in what this gives, or comes to a place that has another key: who
    /// added it sees that, and adds it again.
    fn take(&self, at: Slots) -> (Sum, Sum) {
        let day = Sum(self.day.swap(0, Ordering::AcqRel));
        let hour = Sum(self.hour.swap(0, Ordering::AcqRel));
        Self { hour: hour.0.into(), day: day.0.into() }.read(at)
    }
}

fn replace(word: &AtomicU64, old: u64, new: u64) -> bool {
    word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The table.
pub(super) struct Pairs {
    keys: Box<[AtomicU64]>,
    sums: Box<[Sums]>,
    held: Held,
    floors: Box<[Sums]>,
    parts: [Mutex<()>; PARTS],
}

impl Pairs {
    /// With room for so many: a power of two, at least 8.
    pub(super) fn new(pairs: usize) -> Self {
        Self {
            keys: (0..pairs).map(|_| AtomicU64::new(0)).collect(),
            sums: (0..pairs).map(|_| Sums::default()).collect(),
            held: Held::new(),
            floors: (0..CLIENTS).map(|_| Sums::default()).collect(),
            parts: [const { Mutex::new(()) }; PARTS],
        }
    }

    pub(super) fn octets(&self) -> usize {
        let tables = size_of_val(&*self.keys) + size_of_val(&*self.sums);
        tables + self.held.octets() + size_of_val(&*self.floors)
    }

    /// The index of the first place of the bucket.
    #[inline]
    fn bucket(&self, hash: u64) -> usize {
        ((hash >> 45) as usize & !(WAYS - 1)) & (self.keys.len() - 1)
    }

    #[inline]
    fn find(&self, pair: Pair) -> Option<usize> {
        let first = self.bucket(pair.hash);
        let key = pair.key();
        (first..first + WAYS).find(|&at| self.keys[at].load(Ordering::Acquire) == key)
    }

    /// The sums of a pair.
    #[inline]
    pub(super) fn totals(&self, pair: Pair, at: Slots) -> Totals {
        match self.find(pair) {
            Some(place) => self.sums[place].totals(at),
            None => self.floors[usize::from(pair.client)].totals(at),
        }
    }

    /// Adds octets to the sums of a pair, and gives them; also says whether another pair had to be
    /// forgotten.
    pub(super) fn add(&self, pair: Pair, at: Slots, hour: u32, day: u32) -> (Totals, bool) {
        let (mut totals, mut forgot) = (Totals::default(), false);
        for _ in 0..TRIES {
            let place = self.find(pair).unwrap_or_else(|| {
                let (place, has_yielded) = self.claim(pair, at);
                forgot |= has_yielded;
                place
            });
            totals = self.sums[place].add(at, hour, day);
            // Another worker may have given the place away in between.
            if self.keys[place].load(Ordering::Acquire) == pair.key() {
                break;
            }
        }
        (totals, forgot)
    }

    /// Takes a place for a pair that has none; also says whether a pair that still counts yielded. Of
    /// two workers that meet a new pair at once, one makes its account and the other finds it.
    fn claim(&self, pair: Pair, at: Slots) -> (usize, bool) {
        let first = self.bucket(pair.hash);
        let part = &self.parts[(first / WAYS) & (PARTS - 1)];
        let _one_at_a_time = part.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = self.find(pair) {
            return (place, false);
        }
        let place = (first..first + WAYS)
            .min_by_key(|&place| self.rank(place, self.keys[place].load(Ordering::Relaxed), at))
            .unwrap_or(first);
        let old = self.keys[place].swap(CHANGING, Ordering::AcqRel);
        let sums = self.sums[place].take(at);
        let yields = old != 0 && sums.1.total() > 0;
        if old != 0 {
            self.held.take(client_of(old));
        }
        if yields {
            self.floors[usize::from(client_of(old))].raise(at, sums);
        }
        self.held.add(pair.client);
        let floor = self.floors[usize::from(pair.client)].read(at);
        if floor.1.total() > 0 {
            self.sums[place].raise(at, floor);
        }
        self.keys[place].store(pair.key(), Ordering::Release);
        (place, yields)
    }

    /// Who yields first: an empty place, one that counts no more, then the smallest of the client
    /// that has the most.
    fn rank(&self, place: usize, key: u64, at: Slots) -> (u8, u32, u32) {
        let day = self.sums[place].totals(at).day;
        match (key, day) {
            (0, _) => (0, 0, 0),
            (_, 0) => (1, 0, 0),
            _ => (2, u32::MAX - self.held.of(client_of(key)), day),
        }
    }
}

fn client_of(key: u64) -> u16 {
    (key >> 48) as u16 & (CLIENTS - 1) as u16
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const NOW: Slots = Slots { hour: 200, day: 70 };

    fn pair(hash: u64, client: u16) -> Pair {
        Pair { hash, client }
    }

    #[test]
    fn the_sum_of_a_pair_that_was_pushed_out_is_never_too_small() {
        let pairs = Pairs::new(8);
        pairs.add(pair(1, 7), NOW, 3_000, 3_000);
        let mut forgotten = 0;
        for hash in 2..500 {
            forgotten += u32::from(pairs.add(pair(hash, 7), NOW, 9, 9).1);
        }
        assert!(forgotten >= 490);
        assert_eq!(pairs.totals(pair(1, 7), NOW), Totals { hour: 3_000, day: 3_000 });
        // Larger ones than the hidden one: it yields, and comes back with no less than it had.
        for hash in 500..600 {
            pairs.add(pair(hash, 7), NOW, 4_000, 4_000);
        }
        assert!(pairs.totals(pair(1, 7), NOW).hour >= 3_000);
        let (again, _) = pairs.add(pair(1, 7), NOW, 8, 8);
        assert!(again.hour >= 3_008, "{again:?}");
    }

    #[test]
    fn what_is_added_while_another_worker_gives_the_place_away_is_never_lost() {
        for _ in 0..100 {
            let (pairs, start) = (Pairs::new(8), Barrier::new(2));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    for hash in 2..800 {
                        pairs.add(pair(hash, 7), NOW, 20, 20);
                    }
                });
                start.wait();
                for told in (20..=8_000).step_by(20) {
                    let totals = pairs.add(pair(1, 7), NOW, 20, 20).0;
                    assert!(totals.hour >= told && totals.day >= told, "{totals:?} after {told}");
                }
            });
        }
    }

    #[test]
    fn who_fills_the_table_changes_the_sums_of_nobody_else() {
        let pairs = Pairs::new(8);
        pairs.add(pair(1, 1), NOW, 50, 50);
        pairs.add(pair(2, 1), NOW, 60, 60);
        for hash in 3..5_000 {
            pairs.add(pair(hash, 2), NOW, 4_000, 4_000);
        }
        assert_eq!(pairs.totals(pair(1, 1), NOW).hour, 50);
        assert_eq!(pairs.totals(pair(2, 1), NOW).hour, 60);
        assert_eq!(pairs.totals(pair(9_999, 1), NOW).hour, 0, "a new pair of the same client");
        assert!(pairs.totals(pair(9_999, 2), NOW).hour >= 4_000, "a new pair of the greedy one");
    }

    #[test]
    fn many_clients_with_little_do_not_push_out_one_with_much() {
        let pairs = Pairs::new(8);
        pairs.add(pair(1, 1), NOW, 2_000, 2_000);
        for client in 2..20_000 {
            pairs.add(pair(client.into(), client), NOW, 20, 20);
        }
        assert_eq!(pairs.totals(pair(1, 1), NOW).hour, 2_000);
    }

    #[test]
    fn what_is_a_day_old_gives_its_place_away() {
        let pairs = Pairs::new(8);
        for hash in 1..=8 {
            pairs.add(pair(hash, 1), NOW, 100, 100);
        }
        let later = Slots { hour: 40, day: 74 };
        assert_eq!(pairs.totals(pair(1, 1), later), Totals::default());
        assert_eq!(pairs.add(pair(9, 1), later, 5, 5), (Totals { hour: 5, day: 5 }, false));
    }
}
