//! Counters: one shard for each worker, written without contention and read by `stats`.

mod ended;

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::Reason;
use crate::histogram::Histogram;
use crate::shares::Full;
use crate::transport::Transport;
use ended::{Ended, EndedByWorker, Table};

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
    #[doc = "Answers over UDP that were left out, but for the flag TC, because more than 1.5 octets for each one asked would have gone to an address that nobody proved."]
    UdpCut, "udp_cut";
    #[doc = "Pairs of a client and a registered domain whose names carried more octets than the alert of the policy within an hour."]
    TunnelAlerts, "tunnel_alerts";
    #[doc = "Times that all clients together came to have told a registered domain more by names within an hour than one channel split over them may carry."]
    TunnelSplits, "tunnel_splits";
    #[doc = "Times that a client came to have asked for more domains within an hour that do not exist than people and their programs do."]
    MissingDomains, "missing_domains";
    #[doc = "Pairs of a client and a registered domain that were forgotten for others before their day was over, because the table of budgets was full."]
    BudgetsForgotten, "budgets_forgotten";
    #[doc = "Answers of upstreams that DNSSEC validation found signed."]
    DnssecSecure, "dnssec_secure";
    #[doc = "Answers of upstreams from zones that are proved to be unsigned, or that no trust anchor covers."]
    DnssecInsecure, "dnssec_insecure";
    #[doc = "Answers of upstreams that failed DNSSEC validation."]
    DnssecBogus, "dnssec_bogus";
    #[doc = "Answers of upstreams that could not be validated: keys did not come, or a limit was reached."]
    DnssecIndeterminate, "dnssec_indeterminate";
}

/// How long a query took from its arrival to its end.
#[derive(Clone, Copy, Debug)]
pub enum Took {
    /// It was answered without asking anybody.
    AnsweredHere(Duration),
    /// It waited for an upstream.
    Waited(Duration),
}

impl Took {
    /// The same without how.
    #[inline]
    pub fn duration(self) -> Duration {
        match self {
            Self::AnsweredHere(took) | Self::Waited(took) => took,
        }
    }
}

/// What one worker counted beside [`Ended`]. Aligned so that two workers never share a cache line.
#[repr(align(128))]
struct Shard {
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
    ended: EndedByWorker,
    shards: Box<[Shard]>,
}

impl Counters {
    /// One shard for each worker. `memory` is the descriptor of memory that outlives this process;
    /// where it cannot be used, counts end with the process. `id` is a number for new memory.
    pub fn new(workers: usize, memory: Option<RawFd>, id: u64) -> Self {
        let workers = workers.max(1);
        let shared = memory.and_then(|memory| EndedByWorker::shared(memory, workers, id).ok());
        let shard = || Shard {
            answered_here: Histogram::default(),
            waited: Histogram::default(),
            totals: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        Self {
            ended: shared.unwrap_or_else(|| EndedByWorker::own(workers)),
            shards: (0..workers).map(|_| shard()).collect(),
        }
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
        let (Some(shard), Some(ended)) = (self.shards.get(worker), self.ended.all().get(worker))
        else {
            return;
        };
        if !is_logged {
            ended.unlogged[transport.index()][reason as usize].fetch_add(1, Ordering::Release);
        }
        // Whoever sees this count also finds the event, which was written before it.
        ended.all[transport.index()][reason as usize].fetch_add(1, Ordering::Release);
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

    /// Counts one more.
    #[cold]
    pub fn add(&self, worker: usize, total: Total) {
        if let Some(shard) = self.shards.get(worker) {
            shard.add(total, 1);
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
    /// their policy keeps out of the query log, `earlier` the same of engines before this one in the
    /// same memory, with the number of that memory as `id`, `durations` as histograms in seconds, `totals` by the
    /// word of each counter.
    pub fn document(&self) -> Value {
        let mut document = self.queries_document();
        let totals: Map<String, Value> = Total::ALL
            .iter()
            .map(|one| (one.word().into(), self.sum(|shard| &shard.totals[*one as usize]).into()))
            .collect();
        document["durations"] = json!({
            "answered_here": Histogram::document(self.shards.iter().map(|one| &one.answered_here)),
            "waited": Histogram::document(self.shards.iter().map(|one| &one.waited)),
        });
        document["totals"] = Value::Object(totals);
        document
    }

    /// How many queries have ended, and why: the part of [`Self::document`] that is asked for many
    /// times each second.
    pub fn queries_document(&self) -> Value {
        let ended = self.ended.all();
        let earlier = self.ended.earlier().map(|(id, earlier)| {
            let earlier = std::slice::from_ref(earlier);
            json!({
                "id": format!("{id:016x}"),
                "queries": by_reason(earlier, |one| &one.all),
                "unlogged": by_reason(earlier, |one| &one.unlogged),
            })
        });
        json!({
            "queries": by_reason(ended, |one| &one.all),
            "unlogged": by_reason(ended, |one| &one.unlogged),
            "earlier": earlier,
        })
    }

    fn sum<'a>(&'a self, pick: impl Fn(&'a Shard) -> &'a AtomicU64) -> u64 {
        self.shards.iter().map(|shard| pick(shard).load(Ordering::Acquire)).sum()
    }
}

fn by_reason(shards: &[Ended], pick: fn(&Ended) -> &Table) -> Value {
    let mut queries = Map::new();
    for transport in Transport::ALL {
        let mut reasons = Map::new();
        for reason in Reason::ALL {
            let cells = shards.iter().map(|one| &pick(one)[transport.index()][*reason as usize]);
            let count: u64 = cells.map(|cell| cell.load(Ordering::Acquire)).sum();
            if count > 0 {
                reasons.insert(reason.word().into(), count.into());
            }
        }
        queries.insert(transport.word().into(), reasons.into());
    }
    queries.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_workers_add_up() {
        let counters = Counters::new(2, None, 0);
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
