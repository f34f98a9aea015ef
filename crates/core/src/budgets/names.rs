//! Which names were asked, by whom and when: a hash of each in a table of fixed size.
//!
//! A name that had to be forgotten is charged again. That never hides anything.

use std::sync::atomic::{AtomicU64, Ordering};

use super::held::Held;
use super::slots::{Slots, age};

/// Names in a bucket: one line of the cache.
const WAYS: usize = 8;
/// How often a place is tried while other workers change it.
const TRIES: usize = 4;

/// Whether a name is charged already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) in_hour: bool,
    pub(super) in_day: bool,
}

/// An entry: 32 bits of the hash, the client, and the slots in which the name was charged.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    #[inline]
    fn new(hash: u64, client: u16, at: Slots) -> Self {
        // Never 0, which is an empty place. The bits below choose the bucket.
        let print = (hash >> 32).max(1);
        Self(print << 32 | u64::from(client) << 16 | u64::from(at.hour) << 8 | u64::from(at.day))
    }

    #[inline]
    fn is_of(self, other: Self) -> bool {
        self.0 >> 16 == other.0 >> 16
    }

    fn client(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    fn seen(self, at: Slots) -> Seen {
        let in_day = age(at.day, self.0 as u8).is_some();
        // The number of the slot of the hour is without doubt only within the day.
        Seen { in_hour: in_day && age(at.hour, (self.0 >> 8) as u8).is_some(), in_day }
    }

    /// The same, charged now where it was not.
    fn charged(self, at: Slots) -> Self {
        let Seen { in_hour, in_day } = self.seen(at);
        let hour = if in_hour { self.0 >> 8 & 0xff } else { at.hour.into() };
        let day = if in_day { self.0 & 0xff } else { at.day.into() };
        Self(self.0 & !0xffff | hour << 8 | day)
    }
}

/// The table.
pub(super) struct Names {
    entries: Box<[AtomicU64]>,
    held: Held,
}

impl Names {
    /// With room for so many: a multiple of 8.
    pub(super) fn new(entries: usize) -> Self {
        Self { entries: (0..entries).map(|_| AtomicU64::new(0)).collect(), held: Held::new() }
    }

    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.entries) + self.held.octets()
    }

    #[inline]
    fn bucket(&self, hash: u64) -> &[AtomicU64] {
        // The lower half of the hash as a fraction of all buckets.
        let buckets = (self.entries.len() / WAYS) as u64;
        let first = (((hash & 0xffff_ffff) * buckets) >> 32) as usize * WAYS;
        &self.entries[first..first + WAYS]
    }

    /// Whether a name is charged already; changes nothing.
    #[inline]
    pub(super) fn seen(&self, hash: u64, client: u16, at: Slots) -> Seen {
        let wanted = Entry::new(hash, client, at);
        let mut entries = self.bucket(hash).iter().map(load);
        let found = entries.find(|entry| entry.is_of(wanted));
        found.map_or(Seen { in_hour: false, in_day: false }, |entry| entry.seen(at))
    }

    /// Notes a name as charged, and says whether it was before.
    pub(super) fn remember(&self, hash: u64, client: u16, at: Slots) -> Seen {
        self.put(hash, client, at, |entry, _| entry.charged(at))
    }

    /// Notes that it was met, for a day from now on.
    pub(super) fn renew(&self, hash: u64, client: u16, at: Slots) {
        self.put(hash, client, at, |_, wanted| wanted);
    }

    #[inline]
    fn put(
        &self,
        hash: u64,
        client: u16,
        at: Slots,
        again: impl Fn(Entry, Entry) -> Entry,
    ) -> Seen {
        let wanted = Entry::new(hash, client, at);
        let bucket = self.bucket(hash);
        for _ in 0..TRIES {
            let found =
                bucket.iter().map(|word| (word, load(word))).find(|(_, one)| one.is_of(wanted));
            if let Some((word, entry)) = found {
                let charged = again(entry, wanted);
                if charged == entry || replace(word, entry, charged) {
                    return entry.seen(at);
                }
                continue;
            }
            let Some((word, entry)) = self.place(bucket, at) else { break };
            if replace(word, entry, wanted) {
                if entry.0 != 0 {
                    self.held.take(entry.client());
                }
                self.held.add(client);
                break;
            }
        }
        Seen { in_hour: false, in_day: false }
    }

    /// The place to give away: an empty one, one whose entry counts no more, or one of the client
    /// that has the most.
    fn place<'b>(&self, bucket: &'b [AtomicU64], at: Slots) -> Option<(&'b AtomicU64, Entry)> {
        let rank = |entry: Entry| match entry {
            Entry(0) => (0, 0),
            one if !one.seen(at).in_day => (1, 0),
            one => (2, u32::MAX - self.held.of(one.client())),
        };
        bucket.iter().map(|word| (word, load(word))).min_by_key(|(_, entry)| rank(*entry))
    }
}

#[inline]
fn load(word: &AtomicU64) -> Entry {
    Entry(word.load(Ordering::Relaxed))
}

fn replace(word: &AtomicU64, old: Entry, new: Entry) -> bool {
    word.compare_exchange(old.0, new.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Slots = Slots { hour: 9, day: 3 };

    #[test]
    fn a_name_counts_once_in_each_window() {
        let names = Names::new(8);
        assert_eq!(names.remember(5 << 32, 1, NOW), Seen { in_hour: false, in_day: false });
        assert_eq!(names.remember(5 << 32, 1, NOW), Seen { in_hour: true, in_day: true });
        assert!(!names.seen(5 << 32, 2, NOW).in_day, "of another client");
        let later = Slots { hour: 13, day: 4 };
        assert_eq!(names.remember(5 << 32, 1, later), Seen { in_hour: false, in_day: true });
        assert_eq!(names.seen(5 << 32, 1, later), Seen { in_hour: true, in_day: true });
        assert!(!names.seen(5 << 32, 1, Slots { hour: 21, day: 7 }).in_day);
    }

    #[test]
    fn what_is_renewed_is_remembered_for_a_day_from_then_on() {
        let names = Names::new(8);
        for day in 0..20 {
            names.renew(5 << 32, 1, Slots { hour: 24 * (day % 8), day });
            assert!(names.seen(5 << 32, 1, Slots { hour: 0, day: day + 3 }).in_day, "{day}");
        }
        assert!(!names.seen(5 << 32, 1, Slots { hour: 0, day: 23 }).in_day);
        assert_eq!(names.held.of(1), 1);
    }

    #[test]
    fn a_client_that_fills_the_table_pushes_out_its_own_names() {
        let names = Names::new(8);
        names.remember(7 << 32, 1, NOW);
        names.remember(8 << 32, 1, NOW);
        (100..1_000).for_each(|hash| {
            names.remember(hash << 32, 2, NOW);
        });
        assert!(names.seen(7 << 32, 1, NOW).in_hour && names.seen(8 << 32, 1, NOW).in_hour);
        assert_eq!(names.held.of(2), 6);
    }
}
