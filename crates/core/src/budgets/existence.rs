//! Whether what a client asked for exists, on its account of domains that do not.
//!
//! Only NXDOMAIN of a zone above the registered domain says that nobody registered it: below one that
//! exists, names come and go.
//!
//! What is not counted: names without a public suffix that is known, such as `wpad`, `host.lan` and the
//! random words by which a browser finds out whether it is lied to; names of addresses; answers that are
//! not NXDOMAIN, as those of an upstream that is down; names whose answer has records, such as an alias.

use std::hash::{BuildHasher, Hasher};

use super::misses::Missed;
use super::slots::Slots;
use super::{Asked, Budgets, Hashes};

/// How a question for a name ended, as far as it is about that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// Nobody registered the domain.
    Missing,
    /// The domain exists: an upstream answered just now.
    Answered,
    /// The domain exists: the cache answered, or only the name below it does not exist.
    Exists,
}

impl Budgets {
    /// Counts how a question ended. Gives what its client missed before and with it, where that is more
    /// than it was.
    pub fn ended(&self, asked: &Asked<'_>, existence: Existence) -> Option<(Missed, Missed)> {
        let at = Slots::at(asked.seconds);
        if existence != Existence::Missing {
            let hashes = self.hashes(asked);
            self.names.renew(self.of_use(&hashes), hashes.client, at);
            if existence == Existence::Answered {
                self.misses.answered(asked.client, at);
            }
            return None;
        }
        if !asked.domain.is_registrable(asked.name) {
            return None;
        }
        let hashes = self.hashes(asked);
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(hashes.pair);
        hasher.write(b"missing");
        let hash = hasher.finish();
        if self.names.remember(hash, hashes.client, at).in_hour {
            return None;
        }
        self.misses.missed(asked.client, (hash >> 32) as u32, at)
    }

    /// What a client missed whose question is to be held back for that: it missed too much, uses the
    /// domain no more than a domain that does not exist, and asked for another such domain within the
    /// last ten seconds. `is_spared` says that it is not held back, and is asked only where it matters.
    #[inline]
    pub fn holds_back(
        &self,
        asked: &Asked<'_>,
        is_spared: impl FnOnce() -> bool,
    ) -> Option<Missed> {
        let at = Slots::at(asked.seconds);
        let missed = self.misses.of(asked.client, at).filter(|missed| missed.is_over())?;
        if !asked.domain.is_registrable(asked.name) {
            return None;
        }
        let hashes = self.hashes(asked);
        let in_use = self.of_use(&hashes);
        let is_used = self.names.seen(in_use, hashes.client, at).in_day
            || self.pairs.totals(hashes.pair(), at).day != 0;
        if is_used || is_spared() {
            return None;
        }
        if self.throttle.take(asked.client, asked.seconds) {
            // Its other questions about the domain, such as that for the other addresses, pass with it.
            self.names.renew(in_use, hashes.client, at);
            return None;
        }
        Some(missed)
    }

    /// The hash under which it is remembered that a client uses a domain.
    fn of_use(&self, hashes: &Hashes) -> u64 {
        self.seed.hash_one((hashes.pair, "used"))
    }
}

#[cfg(test)]
mod tests {
    use keyhole_wire::{Name, RecordType};

    use super::super::RegisteredDomain;
    use super::super::misses::{ANSWERS, LIMIT};
    use super::*;

    fn asked(name: &Name, client: u64) -> Asked<'_> {
        let domain = RegisteredDomain::of(name);
        Asked { client, is_proved: true, name, domain, kind: RecordType::A, seconds: 5 }
    }

    fn ends(budgets: &Budgets, client: u64, name: &str, existence: Existence) -> Missed {
        let name = Name::from_text(name).unwrap();
        budgets.ended(&asked(&name, client), existence).unwrap_or_default().1
    }

    /// The number of the domain, of so many that do not exist, with which the client is conspicuous.
    fn first(budgets: &Budgets, client: u64, name: impl Fn(u32) -> String) -> Option<u32> {
        let missing = |number| ends(budgets, client, &name(number), Existence::Missing);
        (0..400).find(|number| missing(*number).is_over())
    }

    #[test]
    fn a_client_that_asks_for_domains_that_do_not_exist_is_conspicuous_and_no_other_is() {
        let budgets = Budgets::new();
        assert_eq!(first(&budgets, 1, |n| format!("xk{n}qz.com")), Some(LIMIT));
        assert_eq!(first(&budgets, 2, |n| format!("host{n}.example.com")), None, "one domain");
        assert_eq!(first(&budgets, 3, |n| format!("random{n}")), None, "Chromium, wpad");
        assert_eq!(first(&budgets, 4, |n| format!("random{n}.lan")), None, "a search domain");
        let blocklist = |n| format!("{n}.2.0.192.zen.spamhaus.org");
        assert_eq!(first(&budgets, 5, blocklist), None, "a mail server");
        assert_eq!(first(&budgets, 6, |n| format!("1.{}.0.192.in-addr.arpa", n % 250)), None);
        let again = |_| "missing.example.com".to_owned();
        assert_eq!(first(&budgets, 7, again), None, "the same name");
    }

    #[test]
    fn a_client_that_asks_much_may_miss_much() {
        let budgets = Budgets::new();
        ends(&budgets, 1, "missing.com", Existence::Missing);
        for number in 0..400 {
            ends(&budgets, 1, &format!("www{number}.com"), Existence::Answered);
        }
        let over = first(&budgets, 1, |n| format!("xk{n}qz.com"));
        assert_eq!(over, Some(LIMIT + 400 / ANSWERS - 1));
    }

    #[test]
    fn a_client_that_misses_too_much_gets_one_new_domain_in_ten_seconds() {
        let budgets = Budgets::new();
        ends(&budgets, 1, "www.known.com", Existence::Answered);
        ends(&budgets, 1, "bare.com", Existence::Exists);
        let is_held = |name: &str, seconds| {
            let name = Name::from_text(name).unwrap();
            budgets.holds_back(&Asked { seconds, ..asked(&name, 1) }, || name.as_wire()[1] == b'!')
        };
        let is_held = |name: &str, seconds| is_held(name, seconds).is_some();
        assert!(!is_held("new1.com", 5), "before it missed much");
        first(&budgets, 1, |n| format!("xk{n}qz.com"));
        assert_eq!([is_held("new1.com", 5), is_held("new2.com", 5)], [false, true]);
        assert!(!is_held("new1.com", 5) && !is_held("www.new1.com", 5), "the one that passed");
        for used in ["www.known.com", "known.com", "bare.com", "other.bare.com"] {
            assert!(!is_held(used, 5), "{used}");
        }
        for other in ["wpad", "printer.lan", "1.2.0.192.in-addr.arpa", "!spared.com"] {
            assert!(!is_held(other, 5), "{other}");
        }
        assert!(is_held("new2.com", 5) && !is_held("new2.com", 15));
    }
}
