//! How often something may happen for one owner: so many times a second, and as many at once.
//!
//! For each owner only the time is kept at which all that happened so far would have been due (the
//! generic cell rate algorithm, ITU-T I.371).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::owner::Owner;

/// Owners that are remembered before those that have rested are forgotten.
const MIN_SWEEP: usize = 1024;

/// The rates of all owners, shared by all workers.
pub struct Rates {
    step: Duration,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    due: HashMap<u64, Instant, RandomState>,
    sweep_at: usize,
}

impl Rates {
    /// So many times a second for each owner.
    pub fn new(per_second: u32) -> Self {
        Self { step: Duration::from_secs(1) / per_second.max(1), table: Mutex::default() }
    }

    /// Counts one more for this owner, unless it is too soon.
    pub fn take(&self, owner: Owner, now: Instant) -> bool {
        let key = owner.turn();
        let mut table = self.table.lock();
        let due = table.due.get(&key).map_or(now, |due| (*due).max(now));
        if due - now > Duration::from_secs(1) - self.step {
            return false;
        }
        if table.due.len() >= table.sweep_at.max(MIN_SWEEP) {
            table.due.retain(|_, due| *due > now);
            table.sweep_at = 2 * table.due.len();
        }
        table.due.insert(key, due + self.step);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Owner {
        Owner::network(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn each_owner_has_a_second_s_worth_at_once_and_then_its_rate() {
        let (rates, now) = (Rates::new(10), Instant::now());
        let taken = |owner, now| (0..).take_while(|_| rates.take(owner, now)).count();
        assert_eq!(taken(network(1), now), 10);
        assert_eq!(taken(network(2), now), 10);
        assert_eq!(taken(network(1), now + Duration::from_millis(250)), 2);
        assert_eq!(taken(network(1), now + Duration::from_secs(60)), 10);
    }

    #[test]
    fn a_flood_of_addresses_is_forgotten_when_it_is_over() {
        let (rates, now) = (Rates::new(10), Instant::now());
        for number in 0..10_000 {
            assert!(rates.take(network(number), now));
        }
        let later = now + Duration::from_secs(2);
        (0..20_000).for_each(|number| assert!(rates.take(network(number + 10_000), later)));
        assert!(rates.table.lock().due.len() <= 40_000);
        let last = later + Duration::from_secs(2);
        (0..50_000).for_each(|number| assert!(rates.take(network(number), last)));
        assert!(!rates.table.lock().due.values().any(|due| *due < later));
    }
}
