//! Who holds how much, and who may have more.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::owner::{Key, Owner};

/// Places for Keyhole's own questions, beside those of all clients.
const OWN: usize = 16;

/// How many places there are, and how many one client may hold.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// All together.
    pub all: usize,
    /// One identity.
    pub per_identity: usize,
    /// One network.
    pub per_network: usize,
}

impl Share {
    /// Only what is free limits a client.
    pub const fn of(all: usize) -> Self {
        Self { all, per_identity: all, per_network: all }
    }

    /// All together whose addresses may be forged: whoever forges many of them leaves a quarter to
    /// the others.
    const fn unproved(self) -> usize {
        self.all - self.all / 4
    }
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The identity holds its share.
    Identity,
    /// The network holds its share.
    Network,
}

/// The places that are taken, and by whom.
pub(super) struct Counts {
    pub(super) share: Share,
    total: usize,
    /// Of them, those whose addresses may be forged.
    unproved: usize,
    own: usize,
    held: HashMap<Key, usize, RandomState>,
}

impl Counts {
    pub(super) fn new(share: Share) -> Self {
        Self { share, total: 0, unproved: 0, own: 0, held: HashMap::default() }
    }

    pub(super) fn total(&self) -> usize {
        self.total + self.own
    }

    /// Takes a place for this owner.
    pub(super) fn take(&mut self, owner: Owner) -> Result<(), Full> {
        self.check(owner)?;
        if owner.is_own {
            self.own += 1;
            return Ok(());
        }
        self.total += 1;
        self.unproved += usize::from(owner.is_unproved);
        for key in owner.keys() {
            *self.held.entry(key).or_default() += 1;
        }
        Ok(())
    }

    pub(super) fn check(&self, owner: Owner) -> Result<(), Full> {
        if owner.is_own {
            return if self.own < OWN { Ok(()) } else { Err(Full::All) };
        }
        let free = self.share.all.saturating_sub(self.total);
        if free == 0 || (owner.is_unproved && self.unproved >= self.share.unproved()) {
            return Err(Full::All);
        }
        let is_over = |key: Option<Key>, most: usize| {
            let held = key.and_then(|key| self.held.get(&key)).copied().unwrap_or(0);
            held > 0 && held >= most.min(free.saturating_mul(2))
        };
        if is_over(owner.identity, self.share.per_identity) {
            return Err(Full::Identity);
        }
        if is_over(owner.network, self.share.per_network) {
            return Err(Full::Network);
        }
        Ok(())
    }

    /// Counts a place that is taken for an identity as well.
    pub(super) fn add(&mut self, owner: &mut Owner, other: Owner) -> Result<(), Full> {
        let Some(key) = other.identity.filter(|_| owner.identity.is_none()) else { return Ok(()) };
        let held = self.held.get(&key).copied().unwrap_or(0);
        if held >= self.share.per_identity {
            return Err(Full::Identity);
        }
        self.held.insert(key, held + 1);
        owner.identity = Some(key);
        Ok(())
    }

    /// Gives a place of this owner back.
    pub(super) fn give_back(&mut self, owner: Owner) {
        if owner.is_own {
            self.own -= 1;
            return;
        }
        self.total -= 1;
        self.unproved -= usize::from(owner.is_unproved);
        for key in owner.keys() {
            if let Some(held) = self.held.get_mut(&key) {
                *held -= 1;
                if *held == 0 {
                    // The table holds who has places only; no flood of addresses makes it grow.
                    self.held.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Owner {
        Owner::network([192, 0, 2, last].into())
    }

    fn fill(counts: &mut Counts, owner: Owner) -> usize {
        (0..).take_while(|_| counts.take(owner).is_ok()).count()
    }

    #[test]
    fn greedy_clients_leave_room_for_the_next_one() {
        let mut counts = Counts::new(Share::of(300));
        assert_eq!(fill(&mut counts, network(1)), 200);
        assert_eq!(fill(&mut counts, network(2)), 67);
        for last in 3..=9 {
            assert!(counts.take(network(last)).is_ok(), "{last}");
        }
    }

    #[test]
    fn an_identity_and_a_network_have_limits_of_their_own() {
        let mut counts = Counts::new(Share { all: 100, per_identity: 2, per_network: 5 });
        let address = Some([192, 0, 2, 1].into());
        let owner = |name: &str| Owner::identity(name.as_bytes(), address);
        assert_eq!(fill(&mut counts, owner("a")), 2);
        assert_eq!(counts.check(owner("a")), Err(Full::Identity));
        assert_eq!(fill(&mut counts, owner("b")), 2);
        assert_eq!(fill(&mut counts, owner("c")), 1);
        assert_eq!(counts.check(owner("d")), Err(Full::Network));
        counts.give_back(owner("a"));
        assert_eq!(fill(&mut counts, owner("d")), 1);
    }

    #[test]
    fn many_addresses_that_may_be_forged_leave_a_quarter_to_the_others() {
        let mut counts = Counts::new(Share { all: 100, per_identity: 100, per_network: 5 });
        let unproved = |last: u8| Owner::unproved([192, 0, 2, last].into());
        assert_eq!((1..=99).map(|last| fill(&mut counts, unproved(last))).sum::<usize>(), 75);
        assert_eq!(fill(&mut counts, network(1)), 5, "the same network with a proof");
        (1..=15).for_each(|last| (0..5).for_each(|_| counts.give_back(unproved(last))));
        assert_eq!((counts.unproved, counts.total), (0, 5));
    }

    #[test]
    fn own_questions_have_places_that_no_client_can_take() {
        let mut counts = Counts::new(Share::of(1));
        assert_eq!(fill(&mut counts, network(1)), 1);
        assert_eq!(fill(&mut counts, Owner::OWN), OWN);
        assert_eq!(counts.total(), 1 + OWN);
        (0..OWN).for_each(|_| counts.give_back(Owner::OWN));
        counts.give_back(network(1));
        assert_eq!((counts.total(), counts.held.len()), (0, 0));
    }
}
