//! One entry: what an upstream said, until when it holds, and whether asking again failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use keyhole_wire::Answer;

use crate::dnssec::Security;
use crate::reason::Reason;

/// Hits after which an entry counts as hot, worth a fetch before it expires.
const HOT_HITS: u32 = 3;
/// Entries kept for less are not fetched early: it would double their upstream traffic.
const MIN_PREFETCHED: Duration = Duration::from_secs(10);

/// An answer, a failure, or an expired answer together with the failure to renew it.
#[derive(Debug)]
pub struct CacheEntry {
    pub(super) cached: Option<CachedAnswer>,
    pub(super) failure: Option<FailureMark>,
    pub(super) hits: AtomicU32,
    pub(super) refreshed: AtomicBool,
}

/// An answer of an upstream, and until when it holds.
#[derive(Clone, Debug)]
pub struct CachedAnswer {
    /// The answer, shared with everyone who is writing it.
    pub answer: Arc<Answer>,
    /// The place of the upstream in its set.
    pub upstream: u16,
    /// What validation found out about it.
    pub security: Security,
    /// When it was stored.
    pub stored: Instant,
    /// Seconds that it had already spent in HTTP caches by then (RFC 8484 section 5.1).
    pub age: u32,
    /// Until when it is fresh.
    pub fresh_until: Instant,
    /// Until when it may serve if asking again fails (RFC 8767).
    pub stale_until: Instant,
}

/// A failure that is remembered (RFC 9520).
#[derive(Clone, Debug)]
pub struct FailureMark {
    /// Until when the question is not sent again.
    pub until: Instant,
    /// How many times in a row it failed.
    pub count: u32,
    /// Why it failed first-hand.
    pub reason: Reason,
    /// What the upstream said, if it said anything.
    pub answer: Option<Arc<Answer>>,
    /// The place in its set of the upstream that said so.
    pub upstream: Option<u16>,
}

/// The state of an entry at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The answer holds.
    Fresh,
    /// The answer expired but may serve if asking again fails.
    Stale,
    /// The answer expired, and asking again failed a moment ago: serve it without asking.
    StaleUnasked,
    /// Only a failure is remembered, and it still holds.
    Failed,
    /// Nothing holds any more.
    Gone,
}

impl CachedAnswer {
    /// Seconds to take off the TTLs at `now`.
    #[inline]
    pub fn age(&self, now: Instant) -> u32 {
        let kept = now.saturating_duration_since(self.stored).as_secs();
        self.age.saturating_add(u32::try_from(kept).unwrap_or(u32::MAX))
    }
}

impl CacheEntry {
    /// The state of the entry at `now`.
    #[inline]
    pub fn freshness(&self, now: Instant) -> Freshness {
        let failed = self.failure.as_ref().is_some_and(|mark| now < mark.until);
        match &self.cached {
            Some(cached) if now < cached.fresh_until => Freshness::Fresh,
            Some(cached) if now < cached.stale_until => {
                if failed {
                    Freshness::StaleUnasked
                } else {
                    Freshness::Stale
                }
            }
            _ if failed => Freshness::Failed,
            _ => Freshness::Gone,
        }
    }

    /// What the upstream said, fresh or not.
    #[inline]
    pub fn cached(&self) -> Option<&CachedAnswer> {
        self.cached.as_ref()
    }

    /// The failure that is remembered, over or not.
    pub fn failure(&self) -> Option<&FailureMark> {
        self.failure.as_ref()
    }

    /// Counts a fresh hit and says whether this is the one that should fetch the answer again: the
    /// entry is hot and less than a tenth of its time is left. True once in the life of an entry.
    #[inline]
    pub fn count_hit(&self, now: Instant) -> bool {
        let Some(cached) = &self.cached else { return false };
        // Lost counts do no harm, so no read-modify-write: a hot entry is shared by all cores.
        let hits = self.hits.load(Ordering::Relaxed);
        if hits < HOT_HITS {
            self.hits.store(hits + 1, Ordering::Relaxed);
            return false;
        }
        let life = cached.fresh_until.saturating_duration_since(cached.stored);
        if cached.fresh_until.saturating_duration_since(now) > life / 10
            || life < MIN_PREFETCHED
            || self.refreshed.load(Ordering::Relaxed)
        {
            return false;
        }
        !self.refreshed.swap(true, Ordering::Relaxed)
    }
}
