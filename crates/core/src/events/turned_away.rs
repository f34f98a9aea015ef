//! Queries that are turned away: the first of a kind one by one, the others summed up.
//!
//! A stranger pays nothing for a query that is refused, so that the log must not pay for each of
//! them either. Each worker gathers what it turns away in a small table of its own; whoever takes
//! events takes the sums from time to time. None is forgotten: the lines of a kind add up to all of
//! its queries.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::Reason;
use crate::transport::Transport;

/// How long queries of a kind are gathered for one line.
const GATHERED: Duration = Duration::from_secs(10);
/// Queries of a kind that are written one by one in that time.
const WHOLE_OF_KIND: u32 = 16;
/// Queries of all kinds that are written one by one in that time.
const WHOLE: u32 = 128;
/// Kinds that are told apart; those that come on top are gathered without a network.
const MAX_KINDS: usize = 64;

/// What makes queries alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) transport: Transport,
    pub(super) reason: Reason,
    /// The network prefix; none where it may not be logged, and where there was no room.
    pub(super) network: Option<IpAddr>,
}

/// Queries of one kind that were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) kind: Kind,
    pub(super) count: u64,
    /// When the first of them came.
    pub(super) first: Instant,
}

struct Gathered {
    whole: u32,
    count: u64,
    first: Instant,
}

/// What one worker has turned away.
pub(super) struct TurnedAway(Mutex<Table>);

struct Table {
    since: Instant,
    whole: u32,
    kinds: HashMap<Kind, Gathered, RandomState>,
}

impl TurnedAway {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Table { since: now, whole: 0, kinds: HashMap::default() }))
    }

    /// Counts one query. True where it is to be written down itself.
    pub(super) fn add(&self, kind: Kind, now: Instant) -> bool {
        let mut table = self.0.lock();
        let has_room = table.kinds.len() < MAX_KINDS || table.kinds.contains_key(&kind);
        // As many kinds as there are reasons and transports: no flood makes it grow.
        let kind = if has_room { kind } else { Kind { network: None, ..kind } };
        let is_whole = table.whole < WHOLE;
        let gathered =
            table.kinds.entry(kind).or_insert(Gathered { whole: 0, count: 0, first: now });
        if is_whole && gathered.whole < WHOLE_OF_KIND {
            gathered.whole += 1;
            table.whole += 1;
            return true;
        }
        if gathered.count == 0 {
            gathered.first = now;
        }
        gathered.count += 1;
        false
    }

    /// The sums, once their time is over; at once with `all`.
    pub(super) fn take(&self, now: Instant, all: bool) -> Vec<Sum> {
        let mut table = self.0.lock();
        let is_over = now.saturating_duration_since(table.since) >= GATHERED;
        if !is_over && !all {
            return Vec::new();
        }
        if is_over {
            (table.since, table.whole) = (now, 0);
        }
        let mut sums = Vec::new();
        table.kinds.retain(|kind, gathered| {
            let Gathered { count, first, .. } = *gathered;
            if count > 0 {
                sums.push(Sum { kind: *kind, count, first });
                gathered.count = 0;
            }
            !is_over
        });
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(network: &str) -> Kind {
        let network = Some(network.parse().unwrap());
        Kind { transport: Transport::Udp, reason: Reason::NetworkNotServed, network }
    }

    #[test]
    fn the_first_of_a_kind_are_whole_and_the_others_one_sum() {
        let now = Instant::now();
        let table = TurnedAway::new(now);
        let whole = (0..10_000).filter(|_| table.add(kind("192.0.2.1"), now)).count();
        assert_eq!(whole, 16);
        assert!(table.add(kind("192.0.2.2"), now), "another one is told apart");
        assert!(table.take(now, false).is_empty());
        let sum = Sum { kind: kind("192.0.2.1"), count: 9_984, first: now };
        assert_eq!(table.take(now + GATHERED, false), [sum]);
        assert!(table.add(kind("192.0.2.1"), now), "the next time has begun");
        assert!(table.take(now + 2 * GATHERED, true).is_empty());
    }

    #[test]
    fn a_flood_of_networks_adds_up_in_bounded_memory() {
        let now = Instant::now();
        let table = TurnedAway::new(now);
        let networks = (0..5_000).map(|n| format!("10.0.{}.{}", n / 250, n % 250));
        let whole = networks.filter(|one| table.add(kind(one), now)).count();
        assert!(whole <= WHOLE as usize, "{whole}");
        let sums = table.take(now, true);
        assert!(sums.len() <= MAX_KINDS + 1, "{}", sums.len());
        let summed: u64 = sums.iter().map(|sum| sum.count).sum();
        assert_eq!(summed + whole as u64, 5_000);
        assert!(sums.iter().any(|sum| sum.kind.network.is_none()));
    }
}
