//! How many octets of distinct names all clients together told each registered domain within an hour,
//! and how many clients that were: what shows a channel that is split over many of them.
//!
//! So many domains are watched at once, those with the most octets ([`super::watched`]). A channel is
//! seen later by about what the least watched domain of its bucket has.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::cells::{Cells, rounding};
use super::slots::{Slots, Sum, age, change};
use super::watched::{Entry, Watched};

/// The octets of one unit of a sum: a slot of them reaches 64 KiB, and no limit is above 240 KiB.
const UNIT: u32 = 4;

/// Names that are told apart of a domain: so many of ten octets are above the usual limit.
const NAMES: usize = 1_024;
/// Clients that are told apart of a domain.
const CLIENTS: usize = 256;

/// What a client adds to what all of them together may tell a domain, in octets.
const PER_CLIENT: u32 = 128;
/// How often the limit goes into what the clients make of it at most.
const MOST: u32 = 16;

/// How much all clients together may tell a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitLimit {
    /// Octets of distinct names within an hour, beside what each client adds.
    pub octets: u32,
    /// Whether new names are held back beyond it.
    pub acts: bool,
}

/// What all clients together told a domain within an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// Octets of distinct names; of each client those until its own alert, and at most 1 KiB.
    pub octets: u32,
    /// About how many clients they came from.
    pub clients: u32,
}

impl SplitLimit {
    /// Whether it is exceeded. It grows with the clients: many of them ask a popular domain for many
    /// names, but each of them for few that nobody else asks for.
    pub fn is_over(self, told: Together) -> bool {
        told.octets > self.with(told.clients)
    }

    /// The limit for so many clients, in octets.
    pub fn with(self, clients: u32) -> u32 {
        let most = self.octets.saturating_mul(MOST);
        self.octets.saturating_add(PER_CLIENT.saturating_mul(clients)).min(most)
    }
}

/// A name that a client asks for the first time in an hour.
#[derive(Clone, Copy)]
pub(super) struct Told {
    /// The hash of the domain, under which counts what clients told it that surely asked themselves.
    pub(super) proved: u64,
    /// The same for what anybody may have sent in the name of others: it holds nobody back.
    pub(super) unproved: u64,
    /// Which of both it is.
    pub(super) is_proved: bool,
    /// The hash of name and domain.
    pub(super) name: u64,
    /// The number of the client.
    pub(super) client: u64,
    /// The octets of the name.
    pub(super) octets: u32,
}

/// What was told a domain, by whether its clients surely asked themselves.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) proved: Together,
    unproved: Together,
}

impl Counted {
    /// Both. A name that was told under both counts twice.
    pub(super) fn all(self) -> Together {
        Together {
            octets: self.proved.octets + self.unproved.octets,
            clients: self.proved.clients + self.unproved.clients,
        }
    }
}

struct Domain {
    /// The slot of the day in which it was last told something.
    day: AtomicU8,
    octets: AtomicU64,
    clients: AtomicU64,
    names: Cells<NAMES>,
    who: Cells<CLIENTS>,
}

impl Entry for Domain {
    fn new() -> Self {
        Self {
            day: AtomicU8::new(0),
            octets: AtomicU64::new(0),
            clients: AtomicU64::new(0),
            names: Cells::new(),
            who: Cells::new(),
        }
    }

    fn begin(&self, at: Slots) {
        let nothing = Sum::default().moved(at.hour).0;
        self.day.store(at.day, Ordering::Relaxed);
        self.octets.store(nothing, Ordering::Relaxed);
        self.clients.store(nothing, Ordering::Relaxed);
        self.names.begin(at);
        self.who.begin(at);
    }

    #[inline]
    fn is_fresh(&self, at: Slots) -> bool {
        age(at.day, self.day.load(Ordering::Relaxed)).is_some()
    }

    fn weight(&self, at: Slots) -> u32 {
        self.together(at).octets
    }
}

impl Domain {
    #[inline]
    fn together(&self, at: Slots) -> Together {
        let read = |word: &AtomicU64| Sum(word.load(Ordering::Relaxed)).moved(at.hour).total();
        Together { octets: UNIT * read(&self.octets), clients: read(&self.clients) }
    }

    /// Forgets what is older than an hour, in the first slot of a day: the numbers of slots of the hour
    /// come again while the domain is still fresh.
    #[cold]
    fn sweep(&self, at: Slots) {
        for word in [&self.octets, &self.clients] {
            change(word, |sum| sum.moved(at.hour));
        }
        self.names.sweep(at);
        self.who.sweep(at);
    }

    fn tell(&self, told: &Told, at: Slots) {
        if self.day.swap(at.day, Ordering::Relaxed) != at.day {
            self.sweep(at);
        }
        let add = |word: &AtomicU64, more: u32| {
            change(word, |sum| sum.moved(at.hour).plus(more));
        };
        // The client first: with it, the limit is higher.
        if let Some(clients) = self.who.meet(told.client, 1, at) {
            add(&self.clients, clients);
        }
        if let Some(octets) = self.names.meet(told.name, told.octets, at) {
            add(&self.octets, (octets + rounding(told.name.rotate_left(20), UNIT)) / UNIT);
        }
    }
}

/// The domains that are watched.
pub(super) struct Domains(Watched<Domain>);

impl Domains {
    /// With room for so many: a power of two, at least 8.
    pub(super) fn new(domains: usize) -> Self {
        Self(Watched::new(domains))
    }

    pub(super) fn octets(&self) -> usize {
        self.0.octets()
    }

    /// What was told the domain of a name.
    #[inline]
    pub(super) fn counted(&self, told: &Told, at: Slots) -> Counted {
        let of = |domain| self.together(domain, at);
        Counted { proved: of(told.proved), unproved: of(told.unproved) }
    }

    #[inline]
    fn together(&self, domain: u64, at: Slots) -> Together {
        self.0.find(domain, at).map_or_else(Together::default, |domain| domain.together(at))
    }

    /// Counts a name, and gives what was told its domain before and with it.
    pub(super) fn tell(&self, told: &Told, at: Slots) -> (Counted, Counted) {
        let before = self.counted(told, at);
        let key = if told.is_proved { told.proved } else { told.unproved };
        let chance = (told.name >> 32) as u32;
        if let Some(domain) = self.0.find_or_begin(key, chance, told.octets, at) {
            domain.tell(told, at);
        }
        (before, self.counted(told, at))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    const NOW: Slots = Slots { hour: 200, day: 70 };
    const LIMIT: SplitLimit = SplitLimit { octets: 4_096, acts: false };

    struct Asking(RandomState);

    impl Asking {
        fn domain(&self, domain: u64) -> u64 {
            self.told(domain, 0, 0, 0).proved
        }

        fn told(&self, domain: u64, name: u64, client: u64, octets: u32) -> Told {
            let (hash, client) = (self.0.hash_one((domain, name)), self.0.hash_one(client));
            let [proved, unproved] = [0, 1].map(|account| self.0.hash_one((domain, account)));
            Told { proved, unproved, is_proved: true, name: hash, client, octets }
        }
    }

    #[test]
    fn names_that_many_ask_count_once_and_each_client_raises_the_limit() {
        let (asking, domains) = (Asking(RandomState::new()), Domains::new(8));
        let mut last = Together::default();
        for client in 0..100 {
            for name in 0..40 {
                last = domains.tell(&asking.told(1, name, client, 20), NOW).1.all();
            }
        }
        assert!((600..1_000).contains(&last.octets), "{last:?}");
        assert!((85..115).contains(&last.clients), "{last:?}");
        assert_eq!(LIMIT.with(100), 4_096 + 12_800);
        assert_eq!(LIMIT.with(1_000_000), 65_536);
    }

    #[test]
    fn a_channel_over_many_clients_is_seen_while_each_has_told_little() {
        let asking = Asking(RandomState::new());
        for clients in [10, 50, 400] {
            let domains = Domains::new(8);
            let told = |name| domains.tell(&asking.told(1, name, name % clients, 60), NOW).1.all();
            let first = (0..4_000).find(|name| LIMIT.is_over(told(*name))).unwrap() as u32;
            let expected = LIMIT.with(clients as u32) / 60;
            assert!(first.abs_diff(expected) <= expected / 5, "{first} of {expected}");
        }
    }

    #[test]
    fn whoever_asks_for_many_domains_pushes_out_none_that_is_told_much() {
        let (asking, domains) = (Asking(RandomState::new()), Domains::new(8));
        for name in 0..100 {
            domains.tell(&asking.told(1, name, name, 40), NOW);
        }
        for domain in 2..600 {
            domains.tell(&asking.told(domain, 0, 1, 10), NOW);
        }
        let told = domains.together(asking.domain(1), NOW);
        assert!(told.octets > 3_600, "{told:?}");
        // In a full table, one that is told much comes in.
        let told = |name| domains.tell(&asking.told(9_999, name, name % 40, 40), NOW).1.all();
        assert!((0..400).any(|name| LIMIT.is_over(told(name))), "{:?}", told(0));
    }

    #[test]
    fn a_domain_that_is_told_something_every_day_is_counted_alike_when_numbers_come_again() {
        let asking = Asking(RandomState::new());
        let at = |slot: u32| Slots { hour: (200 + slot) as u8, day: (70 + slot / 24) as u8 };
        // After 128 slots a free cell has the number of now, and after 256 one that was counted.
        for (later, others) in [(128, 5_000), (256, 0)] {
            let domains = Domains::new(8);
            let told = |name, at| domains.tell(&asking.told(1, name, name, 40), at);
            let all = |first: u64, at| (first..first + 100).for_each(|name| _ = told(name, at));
            all(0, at(0));
            let then = domains.together(asking.domain(1), at(0));
            (24..later).step_by(24).for_each(|slot| _ = told(u64::from(slot) << 20, at(slot)));
            assert_eq!(domains.together(asking.domain(1), at(later)), Together::default());
            all(others, at(later));
            let now = domains.together(asking.domain(1), at(later));
            assert!(now.octets.abs_diff(then.octets) < 800, "{later}: {now:?} {then:?}");
            assert!(now.clients.abs_diff(then.clients) < 30, "{later}: {now:?} {then:?}");
        }
    }

    #[test]
    fn what_is_an_hour_old_counts_no_more_and_a_wrapped_number_is_not_taken_for_it() {
        let (asking, domains) = (Asking(RandomState::new()), Domains::new(8));
        let told = |at| domains.tell(&asking.told(1, 1, 1, 40), at).1.all().octets;
        assert_eq!(told(NOW), 40);
        assert_eq!(told(Slots { hour: 203, day: 70 }), 40);
        assert_eq!(told(Slots { hour: 204, day: 70 }), 40, "counted anew");
        assert_eq!(domains.together(asking.domain(1), Slots { hour: 204, day: 90 }).octets, 0);
    }
}
