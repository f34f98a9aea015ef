//! Looking up: the cache first, then upstream, with one query under way per question.
//!
//! Nothing is looked up without a permit. Answers never depend on a client that leaves: what goes
//! upstream runs in a task of its own, and everyone who asks the same meanwhile waits for the same
//! answer.

mod answer;
mod flights;
mod validation;

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Name, RecordType};
use parking_lot::Mutex;
use tokio::time::timeout_at;

pub use answer::{AnswerSource, Failure, LookupAnswer};

use crate::cache::{Cache, CacheEntry, FailedLookup, Freshness, KeyRef};
use crate::dnssec::Counts;
use crate::options::CacheOptions;
use crate::policy::Permit;
use crate::reason::Reason;
use crate::shares::{Owner, Room, Share};
use crate::upstream::{ExchangeLog, UpstreamSet};
use answer::cached_answer;
use flights::{Flight, JoinOutcome, MAX_IN_FLIGHT, Shared, UpstreamResult};

/// How long a client waits before an expired answer serves (RFC 8767 section 5 names 1.8 s).
const STALE_AFTER: Duration = Duration::from_millis(1800);

/// The cache and what is under way; one for the engine, shared by all its runtimes.
pub struct Lookup {
    shared: Arc<Shared>,
}

impl Lookup {
    /// An empty cache, and nothing under way.
    pub fn new(options: &CacheOptions) -> Self {
        Self::with_stale_after(options, STALE_AFTER)
    }

    /// Like [`Lookup::new`], with another time to wait before an expired answer serves.
    pub fn with_stale_after(options: &CacheOptions, stale_after: Duration) -> Self {
        let (cache, flights) = (Cache::new(options), Mutex::default());
        let (prefetch, room) = (options.prefetch, Room::new(Share::of(MAX_IN_FLIGHT)));
        let (last, dnssec) = Default::default();
        let shared = Shared { cache, flights, room, last, stale_after, prefetch, dnssec };
        Self { shared: Arc::new(shared) }
    }

    /// The same with a limit for what one client may have under way. Call it before anything is
    /// looked up.
    pub fn sharing(mut self, share: Share) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.room = Room::new(Share { all: MAX_IN_FLIGHT, ..share });
        }
        self
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
                let mut found = cached_answer(&entry, AnswerSource::Cached, now)?;
                found.refresh = self.shared.prefetch && entry.count_hit(now);
                Some(found)
            }
            Freshness::StaleUnasked => cached_answer(&entry, AnswerSource::Stale, now),
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
        // What was not validated is told as that each time: it says how to help.
        let is_told = mark.reason.is_dnssec();
        let reason = if is_told { mark.reason } else { Reason::CachedFailure };
        Some(Failure { reason, answer, upstream })
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
        self.wait_logging(permit, set, lower, kind, deadline, None).await
    }

    /// The same; the exchanges with upstreams go into `log` if this question starts them.
    pub(crate) async fn wait_logging(
        &self,
        permit: &Permit,
        set: &Arc<UpstreamSet>,
        lower: &Name,
        kind: RecordType,
        deadline: Instant,
        log: Option<&Arc<ExchangeLog>>,
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
            && let Some(found) = cached_answer(entry, AnswerSource::Stale, now)
        {
            return Ok(found);
        }
        let until = match &stale {
            Some(_) => deadline.min(now + self.shared.stale_after),
            None => deadline,
        };
        let outcome = loop {
            let times = (deadline, Instant::now());
            let joined = self.shared.join(permit.permitted(), set, (lower, kind), times, log);
            let flight = match joined {
                JoinOutcome::Answer(found) => return Ok(found),
                JoinOutcome::Full => break Err(Failure::without_answer(Reason::Overloaded)),
                JoinOutcome::Flight(flight) => flight,
            };
            let is_own = flight.owner == permit.permitted().owner();
            match end_of(flight, until).await {
                // It ended for want of the share of another client: this one has its own.
                Err(failure) if failure.reason == Reason::Overloaded && !is_own => {}
                outcome => break outcome,
            }
        };
        let now = Instant::now();
        let stale = stale.and_then(|entry| cached_answer(&entry, AnswerSource::Stale, now));
        match (outcome, stale) {
            (Ok(result), Some(stale)) if result.answer.is_failure() => Ok(stale),
            (Ok(result), _) => Ok(result.into()),
            // Nothing stands in for what was withheld: it may be that somebody else made it. That
            // keys did not come is a failure of the upstream like any other.
            (Err(failure), _) if failure.reason.is_withheld() => Err(failure),
            (Err(failure), Some(stale)) => {
                // Whoever asks next need not wait as long (RFC 8767 section 5).
                let Failure { reason, answer, upstream } = failure;
                if reason == Reason::Overloaded {
                    return Ok(stale);
                }
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
        if flights.contains_key(&key) {
            return;
        }
        let Ok(place) = self.shared.room.take(Owner::REFRESH) else { return };
        let (ended, flight) = self.shared.flight(Owner::REFRESH);
        flights.insert(key, flight.clone());
        drop(flights);
        let deadline = Instant::now() + set.max_duration();
        let permitted = permit.permitted().refreshing();
        self.shared.start(permitted, set, (lower, kind), deadline, (ended, flight, Some(place)));
    }

    /// Octets that the cache holds.
    pub fn cached_octets(&self) -> u64 {
        self.shared.cache.octets()
    }

    /// Entries that the cache holds.
    pub fn cached_entries(&self) -> usize {
        self.shared.cache.entries()
    }

    /// What DNSSEC validation found out.
    pub fn dnssec(&self) -> &Counts {
        &self.shared.dnssec
    }

    /// Questions under way upstream.
    pub fn under_way(&self) -> usize {
        self.shared.flights.lock().len()
    }
}

/// Waits for the end of a flight, until then.
async fn end_of(mut flight: Flight, until: Instant) -> Result<UpstreamResult, Failure> {
    match timeout_at(until.into(), flight.ended.wait_for(Option::is_some)).await {
        Ok(Ok(ended)) => {
            ended.clone().unwrap_or_else(|| Err(Failure::without_answer(Reason::InternalError)))
        }
        // The task ended without a result: it panicked, or its runtime ended.
        Ok(Err(_)) => Err(Failure::without_answer(Reason::InternalError)),
        Err(_) => Err(Failure::without_answer(Reason::UpstreamTimeout)),
    }
}

fn is_stale(entry: &CacheEntry, now: Instant) -> bool {
    matches!(entry.freshness(now), Freshness::Stale | Freshness::StaleUnasked)
}
