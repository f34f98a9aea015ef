//! Looking up: the cache first, then upstream, with one query under way per question.
//!
//! Nothing is looked up without a permit. Answers never depend on a client that leaves: what goes
//! upstream runs in a task of its own, and everyone who asks the same meanwhile waits for the same
//! answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, Name, RecordType};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::cache::{Cache, CacheEntry, FailedLookup, Freshness, Key, KeyRef};
use crate::options::CacheOptions;
use crate::policy::{Permit, Permitted};
use crate::reason::Reason;
use crate::upstream::{UpstreamAnswer, UpstreamSet};

/// How long a client waits before an expired answer serves (RFC 8767 section 5 names 1.8 s).
const STALE_AFTER: Duration = Duration::from_millis(1800);
/// The TTL with which an expired answer serves, seconds (RFC 8767 section 4).
const STALE_TTL: u32 = 30;
/// Questions under way upstream, all together; further ones are refused.
const MAX_IN_FLIGHT: usize = 65_536;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerSource {
    /// An upstream was asked for it.
    Forwarded,
    /// The cache held it.
    Cached,
    /// The cache held it, it has expired, and asking again failed or takes long.
    Stale,
}

/// An answer that was found.
#[derive(Clone, Debug)]
pub struct LookupAnswer {
    /// What an upstream said; right after asking this may be that it failed
    /// ([`Answer::is_failure`]).
    pub answer: Arc<Answer>,
    /// Seconds to take off its TTLs.
    pub age: u32,
    /// Where it came from.
    pub source: AnswerSource,
    /// The longest TTL that the reply may show, for stale answers.
    pub ttl_cap: Option<u32>,
    /// The place in its set of the upstream that said so.
    pub upstream: Option<u16>,
    /// The answer is hot and about to expire: call [`Lookup::refresh`]. True once per entry.
    pub refresh: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What ended it.
    pub reason: Reason,
    /// For a remembered failure: what the upstream said then, if it said anything.
    pub answer: Option<Arc<Answer>>,
    /// The place in its set of the upstream that said so.
    pub upstream: Option<u16>,
}

/// The cache and what is under way; one for the engine, shared by all its runtimes.
pub struct Lookup {
    shared: Arc<Shared>,
}

struct Shared {
    cache: Cache,
    flights: Mutex<HashMap<Key, Flight>>,
    stale_after: Duration,
    prefetch: bool,
}

/// How a flight ended; none while it goes on.
type Flight = watch::Receiver<Option<Result<UpstreamResult, Failure>>>;

/// What came back from upstream.
#[derive(Clone, Debug)]
struct UpstreamResult {
    answer: Arc<Answer>,
    upstream: u16,
    age: u32,
}

enum JoinOutcome {
    Flight(Flight),
    Answer(LookupAnswer),
    Full,
}

impl Lookup {
    /// An empty cache, and nothing under way.
    pub fn new(options: &CacheOptions) -> Self {
        Self::with_patience(options, STALE_AFTER)
    }

    /// Like [`Lookup::new`], with another time to wait before an expired answer serves.
    pub fn with_patience(options: &CacheOptions, stale_after: Duration) -> Self {
        let (cache, flights) = (Cache::new(options), Mutex::default());
        let prefetch = options.prefetch;
        Self { shared: Arc::new(Shared { cache, flights, stale_after, prefetch }) }
    }

    /// The answer, if the cache holds it. Never waits and never allocates. `lower` is in lower
    /// case.
    #[inline]
    pub fn ready(
        &self,
        permit: &Permit,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        now: Instant,
    ) -> Option<LookupAnswer> {
        let entry =
            self.shared.cache.get(permit.permitted(), KeyRef::new(set.id(), lower, kind))?;
        match entry.freshness(now) {
            Freshness::Fresh => {
                let mut found = found(&entry, AnswerSource::Cached, now)?;
                found.refresh = self.shared.prefetch && entry.count_hit(now);
                Some(found)
            }
            Freshness::StaleUnasked => found(&entry, AnswerSource::Stale, now),
            Freshness::Stale | Freshness::Failed | Freshness::Gone => None,
        }
    }

    /// The failure that the cache remembers for a question (RFC 9520). Never waits. `lower` is in
    /// lower case.
    pub fn failed(
        &self,
        permit: &Permit,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        now: Instant,
    ) -> Option<Failure> {
        let entry =
            self.shared.cache.get(permit.permitted(), KeyRef::new(set.id(), lower, kind))?;
        if entry.freshness(now) != Freshness::Failed {
            return None;
        }
        let mark = entry.failure()?;
        let (answer, upstream) = (mark.answer.clone(), mark.upstream);
        Some(Failure { reason: Reason::CachedFailure, answer, upstream })
    }

    /// The answer from cache or upstream, by the deadline. `lower` is in lower case.
    ///
    /// # Errors
    /// [`Failure`] says why nothing came, and that a failure is remembered.
    pub async fn wait(
        &self,
        permit: &Permit,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        deadline: Instant,
    ) -> Result<LookupAnswer, Failure> {
        let now = Instant::now();
        if let Some(failure) = self.failed(permit, set, lower, kind, now) {
            return Err(failure);
        }
        let key = KeyRef::new(set.id(), lower, kind);
        let stale =
            self.shared.cache.get(permit.permitted(), key).filter(|entry| is_stale(entry, now));
        if let Some(entry) = &stale
            && entry.freshness(now) == Freshness::StaleUnasked
            && let Some(found) = found(entry, AnswerSource::Stale, now)
        {
            return Ok(found);
        }
        let mut flight = match self.shared.join(permit.permitted(), set, lower, kind, deadline, now)
        {
            JoinOutcome::Answer(found) => return Ok(found),
            JoinOutcome::Full => {
                let stale = stale.and_then(|entry| found(&entry, AnswerSource::Stale, now));
                return stale.ok_or_else(|| bare(Reason::Overloaded));
            }
            JoinOutcome::Flight(flight) => flight,
        };
        let until = match &stale {
            Some(_) => deadline.min(now + self.shared.stale_after),
            None => deadline,
        };
        let ended = timeout_at(until.into(), flight.wait_for(Option::is_some)).await;
        let outcome = match ended {
            Ok(Ok(ended)) => ended.clone().unwrap_or_else(|| Err(bare(Reason::InternalError))),
            // The task ended without a result: it panicked, or its runtime ended.
            Ok(Err(_)) => Err(bare(Reason::InternalError)),
            Err(_) => Err(bare(Reason::UpstreamTimeout)),
        };
        let now = Instant::now();
        let stale = stale.and_then(|entry| found(&entry, AnswerSource::Stale, now));
        match (outcome, stale) {
            (Ok(result), Some(stale)) if result.answer.is_failure() => Ok(stale),
            (Ok(result), _) => Ok(result.into()),
            (Err(failure), Some(stale)) => {
                // Whoever asks next need not wait as long (RFC 8767 section 5).
                let Failure { reason, answer, upstream } = failure;
                self.shared.cache.fail_expired(key, FailedLookup { reason, answer, upstream }, now);
                Ok(stale)
            }
            (Err(failure), None) => Err(failure),
        }
    }

    /// Asks for an answer again before it expires; returns at once. Call it where
    /// [`LookupAnswer::refresh`] says so. Outside of a runtime, where nothing can be asked, it does
    /// nothing.
    pub fn refresh(&self, permit: &Permit, set: &Arc<UpstreamSet>, lower: &Name, kind: RecordType) {
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let key = KeyRef::new(set.id(), lower, kind).to_owned();
        let mut flights = self.shared.flights.lock();
        if flights.len() >= MAX_IN_FLIGHT || flights.contains_key(&key) {
            return;
        }
        let (ended, flight) = watch::channel(None);
        flights.insert(key, flight);
        drop(flights);
        let deadline = Instant::now() + set.max_duration();
        self.shared.start(permit.permitted(), set, lower, kind, deadline, ended);
    }

    /// Octets that the cache holds.
    pub fn cached_octets(&self) -> u64 {
        self.shared.cache.octets()
    }

    /// Entries that the cache holds.
    pub fn cached_entries(&self) -> usize {
        self.shared.cache.entries()
    }

    /// Questions under way upstream.
    pub fn under_way(&self) -> usize {
        self.shared.flights.lock().len()
    }
}

impl Shared {
    /// Joins the flight of a question, or starts it.
    fn join(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        deadline: Instant,
        now: Instant,
    ) -> JoinOutcome {
        let key = KeyRef::new(set.id(), lower, kind);
        let owned = key.to_owned();
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(&owned) {
            return JoinOutcome::Flight(flight.clone());
        }
        // A flight may have ended since the cache was read: it stores its answer before that.
        if let Some(entry) = self.cache.get(permitted, key)
            && entry.freshness(now) == Freshness::Fresh
            && let Some(found) = found(&entry, AnswerSource::Cached, now)
        {
            return JoinOutcome::Answer(found);
        }
        if flights.len() >= MAX_IN_FLIGHT {
            return JoinOutcome::Full;
        }
        let (ended, flight) = watch::channel(None);
        flights.insert(owned, flight.clone());
        drop(flights);
        self.start(permitted, set, lower, kind, deadline, ended);
        JoinOutcome::Flight(flight)
    }

    /// Starts the task that asks upstream for a flight that is on the table. The table must not be
    /// locked: a runtime that is ending drops the task at once, which takes the flight off it.
    fn start(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        deadline: Instant,
        ended: watch::Sender<Option<Result<UpstreamResult, Failure>>>,
    ) {
        let (shared, set, name) = (Arc::clone(self), Arc::clone(set), *lower);
        let key = KeyRef::new(set.id(), lower, kind).to_owned();
        let guard = InFlightGuard { shared: Arc::clone(self), key };
        tokio::spawn(async move {
            let asked = set.ask(permitted, &name, kind, deadline).await;
            let outcome = shared.store(guard.key.borrow(), asked);
            drop(guard);
            ended.send_replace(Some(outcome));
        });
    }

    /// Takes what came of asking into the cache.
    fn store(
        &self,
        key: KeyRef<'_>,
        asked: Result<UpstreamAnswer, Reason>,
    ) -> Result<UpstreamResult, Failure> {
        let now = Instant::now();
        match asked {
            Ok(UpstreamAnswer { answer, upstream, age }) => {
                let answer = Arc::new(answer);
                if answer.is_failure() {
                    let (reason, cached) = (Reason::Forwarded, Some(Arc::clone(&answer)));
                    let failing = FailedLookup { reason, answer: cached, upstream: Some(upstream) };
                    self.cache.fail(key, failing, now);
                } else {
                    self.cache.store(key, Arc::clone(&answer), upstream, age, now);
                }
                Ok(UpstreamResult { answer, upstream, age })
            }
            Err(reason) => {
                self.cache.fail(key, FailedLookup { reason, answer: None, upstream: None }, now);
                Err(bare(reason))
            }
        }
    }
}

/// Makes room for the next flight, even if the task is dropped with its runtime or panics.
struct InFlightGuard {
    shared: Arc<Shared>,
    key: Key,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.shared.flights.lock().remove(&self.key);
    }
}

impl From<UpstreamResult> for LookupAnswer {
    fn from(result: UpstreamResult) -> Self {
        Self {
            answer: result.answer,
            age: result.age,
            source: AnswerSource::Forwarded,
            ttl_cap: None,
            upstream: Some(result.upstream),
            refresh: false,
        }
    }
}

fn is_stale(entry: &CacheEntry, now: Instant) -> bool {
    matches!(entry.freshness(now), Freshness::Stale | Freshness::StaleUnasked)
}

#[inline]
fn found(entry: &CacheEntry, source: AnswerSource, now: Instant) -> Option<LookupAnswer> {
    let cached = entry.cached()?;
    Some(LookupAnswer {
        answer: Arc::clone(&cached.answer),
        age: cached.age(now),
        source,
        ttl_cap: (source == AnswerSource::Stale).then_some(STALE_TTL),
        upstream: Some(cached.upstream),
        refresh: false,
    })
}

fn bare(reason: Reason) -> Failure {
    Failure { reason, answer: None, upstream: None }
}
