//! Which clients ask for many registered domains that do not exist: malware does that which looks for its
//! server under names that it computes (a domain generation algorithm).
//!
//! Counted are the registered domains that a client asked for and that do not exist (NXDOMAIN), each once
//! within an hour, against the answers for it that came from an upstream and not from the cache. So a
//! client that asks much, as one that asks for many does, may also miss much.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::slots::{Slots, Sum, age, change};
use super::watched::{Entry, Watched};

/// How many domains that do not exist are the limit within an hour. A page that people open asks for none
/// or few; programs that compute names ask for hundreds in a row.
pub(super) const LIMIT: u32 = 50;
/// One more for so many answers.
pub(super) const ANSWERS: u32 = 4;

/// What a client asked for within an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Registered domains that do not exist.
    pub domains: u32,
    /// Answers that were not in the cache, since its first miss.
    pub answers: u32,
}

impl Missed {
    /// Whether that is more than a client needs.
    pub fn is_over(self) -> bool {
        self.domains > LIMIT + self.answers / ANSWERS
    }
}

/// One client.
struct Client {
    /// The slot of the day in which it last asked.
    day: AtomicU8,
    domains: AtomicU64,
    answers: AtomicU64,
}

impl Entry for Client {
    fn new() -> Self {
        Self { day: AtomicU8::new(0), domains: AtomicU64::new(0), answers: AtomicU64::new(0) }
    }

    fn begin(&self, at: Slots) {
        let nothing = Sum::default().moved(at.hour).0;
        self.day.store(at.day, Ordering::Relaxed);
        self.domains.store(nothing, Ordering::Relaxed);
        self.answers.store(nothing, Ordering::Relaxed);
    }

    #[inline]
    fn is_fresh(&self, at: Slots) -> bool {
        age(at.day, self.day.load(Ordering::Relaxed)).is_some()
    }

    fn weight(&self, at: Slots) -> u32 {
        self.missed(at).domains
    }
}

impl Client {
    fn missed(&self, at: Slots) -> Missed {
        let read = |word: &AtomicU64| Sum(word.load(Ordering::Relaxed)).moved(at.hour).total();
        Missed { domains: read(&self.domains), answers: read(&self.answers) }
    }

    fn add(&self, word: &AtomicU64, at: Slots) {
        if self.day.swap(at.day, Ordering::Relaxed) != at.day {
            // The numbers of slots of the hour come again while the client is still fresh.
            for word in [&self.domains, &self.answers] {
                change(word, |sum| sum.moved(at.hour));
            }
        }
        change(word, |sum| sum.moved(at.hour).plus(1));
    }
}

/// The clients that missed something.
pub(super) struct Misses(Watched<Client>);

impl Misses {
    /// With room for so many: a power of two, at least 8.
    pub(super) fn new(clients: usize) -> Self {
        Self(Watched::new(clients))
    }

    pub(super) fn octets(&self) -> usize {
        self.0.octets()
    }

    /// Counts an answer for a client that missed something.
    pub(super) fn answered(&self, client: u64, at: Slots) {
        if let Some(client) = self.0.find(client, at) {
            client.add(&client.answers, at);
        }
    }

    /// Counts a domain that does not exist, and gives what its client missed before and with it;
    /// `chance` is part of the hash of both.
    pub(super) fn missed(&self, client: u64, chance: u32, at: Slots) -> Option<(Missed, Missed)> {
        let client = self.0.find_or_begin(client, chance, 1, at)?;
        let before = client.missed(at);
        client.add(&client.domains, at);
        Some((before, client.missed(at)))
    }

    /// What a client missed.
    #[inline]
    pub(super) fn of(&self, client: u64, at: Slots) -> Option<Missed> {
        Some(self.0.find(client, at)?.missed(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_does_not_count_again_when_the_numbers_of_slots_do() {
        let misses = Misses::new(8);
        let at = |slot: u32| Slots { hour: slot as u8, day: (slot / 24) as u8 };
        for _ in 0..60 {
            misses.missed(1, 0, at(0));
        }
        assert!(misses.of(1, at(0)).unwrap().is_over());
        // It is answered every day, and misses nothing more.
        (1..=10).for_each(|day| misses.answered(1, at(24 * day)));
        for slot in [254, 255, 256, 257, 258, 259] {
            assert_eq!(misses.of(1, at(slot)).unwrap().domains, 0, "{slot}");
        }
    }
}
