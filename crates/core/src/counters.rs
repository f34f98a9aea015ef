//! Counters: one shard for each worker, written without contention and read by `stats`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::Reason;
use crate::histogram::Histogram;
use crate::shares::Full;
use crate::transport::Transport;

const REASONS: usize = Reason::ALL.len();
const TRANSPORTS: usize = Transport::ALL.len();

macro_rules! totals {
    ($(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {
        /// What is counted once for all queries; a row is all that a further counter needs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Total { $(#[doc = $doc] $name),* }

        impl Total {
            /// Every counter, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in statistics, API and reference.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }
            /// What it counts, and in which unit.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }
        }
    };
}

totals! {
    #[doc = "Queries that a rule or list would have blocked if it did not only observe."]
    Observed, "observed";
    #[doc = "Keyhole's own queries, which are counted nowhere else."]
    Own, "own";
    #[doc = "Queries that were overloaded because their client's identity had its share."]
    OverIdentityShare, "over_identity_share";
    #[doc = "Queries that were overloaded because their client's network had its share."]
    OverNetworkShare, "over_network_share";
}

/// How long a query took from its arrival to its end.
#[derive(Clone, Copy, Debug)]
pub enum Took {
    /// It was answered without asking anybody.
    AnsweredHere(Duration),
    /// It waited for an upstream.
    Waited(Duration),
}

/// What one worker counted. Aligned so that two workers never share a cache line.
#[repr(align(128))]
struct Shard {
    ended: [[AtomicU64; REASONS]; TRANSPORTS],
    /// Those of `ended` whose policy keeps them out of the query log.
    unlogged: [[AtomicU64; REASONS]; TRANSPORTS],
    answered_here: Histogram,
    waited: Histogram,
    totals: [AtomicU64; Total::ALL.len()],
}

impl Shard {
    fn add(&self, total: Total, count: u64) {
        self.totals[total as usize].fetch_add(count, Ordering::Relaxed);
    }
}

/// The counters of all workers.
pub struct Counters {
    shards: Box<[Shard]>,
}

impl Counters {
    /// One shard for each worker.
    pub fn new(workers: usize) -> Self {
        let shard = || Shard {
            ended: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            unlogged: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            answered_here: Histogram::default(),
            waited: Histogram::default(),
            totals: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        Self { shards: (0..workers.max(1)).map(|_| shard()).collect() }
    }

    /// Counts one query that ended; `took` is how long that took, `is_logged` whether its policy
    /// lets it into the query log.
    #[inline]
    pub fn count(
        &self,
        worker: usize,
        transport: Transport,
        reason: Reason,
        observed: bool,
        took: Took,
        is_logged: bool,
    ) {
        let Some(shard) = self.shards.get(worker) else { return };
        if !is_logged {
            shard.unlogged[transport.index()][reason as usize].fetch_add(1, Ordering::Release);
        }
        // Whoever sees this count also finds the event, which was written before it.
        shard.ended[transport.index()][reason as usize].fetch_add(1, Ordering::Release);
        if observed {
            shard.add(Total::Observed, 1);
        }
        match took {
            Took::AnsweredHere(took) => shard.answered_here.add(took),
            Took::Waited(took) => shard.waited.add(took),
        }
    }

    /// Counts one of Keyhole's own queries.
    #[cold]
    pub fn count_own(&self, worker: usize) {
        if let Some(shard) = self.shards.get(worker) {
            shard.add(Total::Own, 1);
        }
    }

    /// Counts one query that found no place to wait, by whose share was used up.
    pub fn over_share(&self, worker: usize, full: Full) {
        let total = match full {
            Full::All => return,
            Full::Identity => Total::OverIdentityShare,
            Full::Network => Total::OverNetworkShare,
        };
        if let Some(shard) = self.shards.get(worker) {
            shard.add(total, 1);
        }
    }

    /// All counts as a document: `queries` by transport and reason, `unlogged` those of them that
    /// their policy keeps out of the query log, `durations` as histograms in seconds, `totals` by the
    /// word of each counter.
    pub fn document(&self) -> Value {
        let queries = self.by_reason(|shard| &shard.ended);
        let unlogged = self.by_reason(|shard| &shard.unlogged);
        let totals: Map<String, Value> = Total::ALL
            .iter()
            .map(|one| (one.word().into(), self.sum(|shard| &shard.totals[*one as usize]).into()))
            .collect();
        json!({
            "queries": queries,
            "unlogged": unlogged,
            "durations": {
                "answered_here": Histogram::document(self.shards.iter().map(|one| &one.answered_here)),
                "waited": Histogram::document(self.shards.iter().map(|one| &one.waited)),
            },
            "totals": totals,
        })
    }

    fn by_reason(&self, pick: fn(&Shard) -> &[[AtomicU64; REASONS]; TRANSPORTS]) -> Value {
        let mut queries = Map::new();
        for transport in Transport::ALL {
            let mut reasons = Map::new();
            for reason in Reason::ALL {
                let count = self.sum(|shard| &pick(shard)[transport.index()][*reason as usize]);
                if count > 0 {
                    reasons.insert(reason.word().into(), count.into());
                }
            }
            queries.insert(transport.word().into(), reasons.into());
        }
        queries.into()
    }

    fn sum<'a>(&'a self, pick: impl Fn(&'a Shard) -> &'a AtomicU64) -> u64 {
        self.shards.iter().map(|shard| pick(shard).load(Ordering::Acquire)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_workers_add_up() {
        let counters = Counters::new(2);
        let here = Took::AnsweredHere(Duration::from_micros(7));
        counters.count(0, Transport::Udp, Reason::Cached, false, here, true);
        counters.count(1, Transport::Udp, Reason::Cached, true, here, false);
        let wait = Took::Waited(Duration::from_millis(3));
        counters.count(1, Transport::Doh, Reason::Forwarded, false, wait, true);
        let document = counters.document();
        assert_eq!(document["queries"]["udp"]["cached"], 2);
        assert_eq!(document["queries"]["doh"]["forwarded"], 1);
        assert_eq!(document["unlogged"]["udp"], json!({"cached": 1}));
        assert_eq!(document["unlogged"]["doh"], json!({}));
        assert_eq!(document["totals"]["observed"], 1);
        let durations = &document["durations"];
        assert_eq!(durations["answered_here"]["buckets"][0], json!([0.00001, 2]));
        assert_eq!(durations["waited"]["buckets"][6], json!([0.005, 1]));
        assert_eq!(durations["waited"]["sum"], json!(0.003));
    }
}
