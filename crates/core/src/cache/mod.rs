//! The cache: what upstreams said, bounded in octets, on monotonic time.
//!
//! It never holds a verdict: the policy decides about every hit again. It reads no clock.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 2308 section 5 | negative answers are kept for their SOA's time, and not without a SOA |
//! | RFC 8767 | expired answers serve while asking again fails, but do not stay forever |
//! | RFC 9520 section 3.2 | failures are kept for 1 to 300 seconds, longer each time |

mod entry;
mod key;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use keyhole_wire::Answer;
use parking_lot::Mutex;
use quick_cache::sync::{Cache as Store, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

pub use entry::{CacheEntry, CachedAnswer, FailureMark, Freshness};
pub use key::{Key, KeyRef};

use crate::dnssec::Security;
use crate::options::CacheOptions;
use crate::policy::Permitted;
use crate::reason::Reason;

/// Octets per entry beside key, answer and the entry itself: the slot and hash table of the store,
/// which grow by doubling, its memory of evicted keys, counters of shared pointers, and what the
/// allocator rounds up. Measured by the test of the memory bound.
const OVERHEAD: usize = 192;
/// An average entry; it only sizes the tables of the store.
const TYPICAL_ENTRY: u64 = 1024;
/// A failure is remembered for at most five minutes (RFC 9520 section 3.2).
const MAX_FAILURE: Duration = Duration::from_secs(300);
/// When no upstream could be asked, for at most this: they may be back at any moment.
const MAX_OUTAGE: Duration = Duration::from_secs(4);
/// An expired answer is asked for again at most this often (RFC 8767 section 5).
const RECHECK: Duration = Duration::from_secs(30);

/// Answers and failures by upstream set, name and type; shared by all cores.
pub struct Cache {
    store: Store<Key, Arc<CacheEntry>, InOctets, RandomState>,
    /// Held by who changes an entry: what it becomes depends on what it was, and two flights of one
    /// question may end at once. Who reads does not wait for it.
    changing: Mutex<()>,
    limits: CacheOptions,
}

/// A failure to be remembered.
#[derive(Clone, Debug)]
pub struct FailedLookup {
    /// Why.
    pub reason: Reason,
    /// What the upstream said, if it said anything.
    pub answer: Option<Arc<Answer>>,
    /// The place of that upstream in its set.
    pub upstream: Option<u16>,
}

impl Cache {
    /// An empty cache that stays within `options.octets`.
    pub fn new(options: &CacheOptions) -> Self {
        let typical = usize::try_from(options.octets / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        let sizes = OptionsBuilder::new()
            .estimated_items_capacity(typical.max(64))
            .weight_capacity(options.octets)
            .build()
            .expect("both required sizes are given");
        let store = Store::with_options(
            sizes,
            InOctets,
            RandomState::default(),
            DefaultLifecycle::default(),
        );
        Self { store, changing: Mutex::default(), limits: options.clone() }
    }

    /// The entry of a question in any state: one hash, one lock, no allocation.
    #[inline]
    pub fn get(&self, _: Permitted, key: KeyRef<'_>) -> Option<Arc<CacheEntry>> {
        self.store.get(&key)
    }

    /// Keeps an answer that is `age` seconds old and came from the upstream at place `upstream`.
    /// One that must not be kept (TTL 0, negative without SOA) only takes the old entry away.
    pub fn store(
        &self,
        key: KeyRef<'_>,
        answer: Arc<Answer>,
        upstream: u16,
        age: u32,
        security: Security,
        now: Instant,
    ) {
        // Not even what has expired serves once its signatures are no longer valid.
        let end = now + seconds(answer.valid_for());
        let life = self.life(&answer, age).min(answer.valid_for());
        let _changing = self.changing.lock();
        if life == 0 {
            self.store.remove(&key);
            return;
        }
        let fresh_until = now + seconds(life);
        let stale_until = (fresh_until + seconds(self.limits.stale)).min(end);
        let (stored, until) = (now, fresh_until);
        let cached = CachedAnswer {
            answer,
            upstream,
            security,
            stored,
            age,
            fresh_until: until,
            stale_until,
        };
        self.insert(key, Some(cached), None);
    }

    /// Remembers that asking failed (RFC 9520), beside an expired answer if there is one.
    pub fn fail(&self, key: KeyRef<'_>, failed: FailedLookup, now: Instant) {
        let _changing = self.changing.lock();
        self.mark_failed(key, failed, now);
    }

    fn mark_failed(&self, key: KeyRef<'_>, failed: FailedLookup, now: Instant) {
        let old = self.store.peek(&key);
        let cached = old.as_ref().and_then(|entry| entry.cached.clone());
        let cached = cached.filter(|cached| now < cached.stale_until);
        let count = 1 + old.as_ref().and_then(|entry| recent_failures(entry, now)).unwrap_or(0);
        // Where nothing may serve once it has expired, the pause is that of a plain failure.
        let serves = self.limits.stale > 0 && cached.is_some();
        let length = if serves { RECHECK } else { self.failure_length(&failed, count) };
        let FailedLookup { reason, answer, upstream } = failed;
        let mark = FailureMark { until: now + length, count, reason, answer, upstream };
        self.insert(key, cached, Some(mark));
    }

    /// Remembers that an answer was withheld. What is left of an older answer serves while it is
    /// fresh, and no longer.
    pub fn refuse(&self, key: KeyRef<'_>, failed: FailedLookup, now: Instant) {
        let _changing = self.changing.lock();
        let old = self.store.peek(&key);
        if old.as_ref().is_some_and(|entry| entry.freshness(now) == Freshness::Fresh) {
            return;
        }
        let count = 1 + old.as_ref().and_then(|entry| recent_failures(entry, now)).unwrap_or(0);
        let until = now + self.failure_length(&failed, count);
        let FailedLookup { reason, answer, upstream } = failed;
        let mark = FailureMark { until, count, reason, answer, upstream };
        self.insert(key, None, Some(mark));
    }

    /// Takes an entry away.
    pub fn forget(&self, key: KeyRef<'_>) {
        let _changing = self.changing.lock();
        self.store.remove(&key);
    }

    /// Like [`Cache::fail`], but only where an expired answer may serve and no failure is
    /// remembered yet.
    pub fn fail_expired(&self, key: KeyRef<'_>, failed: FailedLookup, now: Instant) {
        let _changing = self.changing.lock();
        if self.store.peek(&key).is_some_and(|entry| entry.freshness(now) == Freshness::Stale) {
            self.mark_failed(key, failed, now);
        }
    }

    /// Octets that all entries weigh.
    pub fn octets(&self) -> u64 {
        self.store.weight()
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.store.len()
    }

    /// Seconds for which an answer is kept; 0: not at all.
    fn life(&self, answer: &Answer, age: u32) -> u32 {
        let ttl = answer.ttl();
        let limits = &self.limits;
        if answer.is_negative() {
            // No SOA, no negative caching (RFC 2308 section 5).
            if ttl == 0 {
                return 0;
            }
            return ttl.saturating_sub(age).max(limits.min_ttl).min(limits.max_negative_ttl);
        }
        ttl.saturating_sub(age).max(limits.min_ttl).min(limits.max_ttl)
    }

    fn failure_length(&self, failed: &FailedLookup, count: u32) -> Duration {
        let doublings = count.saturating_sub(1).min(16);
        // An upstream that answered will likely answer the same; one that is away may come back.
        let (first, longest) = if failed.answer.is_some() {
            (seconds(self.limits.failure_ttl.clamp(1, 300)), MAX_FAILURE)
        } else {
            (seconds(1), MAX_OUTAGE)
        };
        (first * (1 << doublings)).min(longest)
    }

    fn insert(&self, key: KeyRef<'_>, cached: Option<CachedAnswer>, failure: Option<FailureMark>) {
        // Where asking has just failed, hits on what is left must not ask again.
        let (hits, refreshed) = (AtomicU32::new(0), AtomicBool::new(failure.is_some()));
        self.store
            .insert(key.to_owned(), Arc::new(CacheEntry { cached, failure, hits, refreshed }));
    }
}

/// How many failures in a row count: an old one is forgotten once it has been over for as long as
/// the longest time that a failure is kept.
fn recent_failures(entry: &CacheEntry, now: Instant) -> Option<u32> {
    let mark = entry.failure.as_ref()?;
    (now < mark.until + MAX_FAILURE).then_some(mark.count)
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

/// Weighs entries by the memory that they take.
#[derive(Clone)]
struct InOctets;

impl Weighter<Key, Arc<CacheEntry>> for InOctets {
    fn weight(&self, key: &Key, entry: &Arc<CacheEntry>) -> u64 {
        let cached = entry.cached.as_ref().map_or(0, |cached| cached.answer.octets());
        let failed = entry.failure.as_ref().and_then(|mark| mark.answer.as_ref());
        let failed = failed.map_or(0, |answer| answer.octets());
        (size_of::<Key>()
            + key.heap_octets()
            + size_of::<CacheEntry>()
            + cached
            + failed
            + OVERHEAD) as u64
    }
}
