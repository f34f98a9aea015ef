//! Questions under way upstream: each is asked once, and everyone who asks the same waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, Name, RecordType};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::answer::{AnswerSource, Failure, LookupAnswer, cached_answer};
use crate::cache::{Cache, FailedLookup, Freshness, Key, KeyRef};
use crate::dnssec::{Counts, Security};
use crate::policy::Permitted;
use crate::reason::Reason;
use crate::shares::{Full, Owner, Place, Room};
use crate::tls_version::TlsVersion;
use crate::upstream::{ExchangeLog, Noting, UpstreamAnswer, UpstreamSet};

/// Questions under way upstream, all together; further ones are refused.
pub(super) const MAX_IN_FLIGHT: usize = 65_536;

/// The cache and the flights.
pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) flights: Mutex<HashMap<Key, Flight>>,
    /// Whose flights they are: they go on when those who asked have left.
    pub(super) room: Arc<Room>,
    pub(super) last: AtomicU64,
    pub(super) stale_after: Duration,
    pub(super) prefetch: bool,
    /// What validation found out.
    pub(super) dnssec: Counts,
}

/// A question under way upstream.
#[derive(Clone)]
pub(super) struct Flight {
    /// How it ended; none while it goes on.
    pub(super) ended: watch::Receiver<Option<Result<UpstreamResult, Failure>>>,
    /// On whose account it goes.
    pub(super) owner: Owner,
    /// Whether an upstream had a place for it, which may take a while for a busy owner; and its
    /// exchanges, for the trace of the query that started it.
    noting: Noting,
    id: u64,
}

/// What came back from upstream.
#[derive(Clone, Debug)]
pub(super) struct UpstreamResult {
    pub(super) answer: Arc<Answer>,
    upstream: u16,
    age: u32,
    tls: Option<TlsVersion>,
    security: Security,
}

/// Where the end of a flight is told.
pub(super) type Ended = watch::Sender<Option<Result<UpstreamResult, Failure>>>;

/// How joining a flight ended.
pub(super) enum JoinOutcome {
    Flight(Flight),
    Answer(LookupAnswer),
    Full,
}

impl Shared {
    /// Joins the flight of a question, or starts it, at a place of its owner.
    pub(super) fn join(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        asked: (&Name, RecordType),
        times: (Instant, Instant),
        log: Option<&Arc<ExchangeLog>>,
    ) -> JoinOutcome {
        let take = || self.room.take(permitted.owner()).map(Some);
        self.join_with(permitted, set, asked, times, log, take)
    }

    /// The same for a question that another flight has and waits for: that flight's place is its.
    pub(super) fn join_within(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        asked: (&Name, RecordType),
        times: (Instant, Instant),
        log: Option<&Arc<ExchangeLog>>,
    ) -> JoinOutcome {
        self.join_with(permitted, set, asked, times, log, || Ok(None))
    }

    fn join_with(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        (lower, kind): (&Name, RecordType),
        (deadline, now): (Instant, Instant),
        log: Option<&Arc<ExchangeLog>>,
        take: impl FnOnce() -> Result<Option<Place>, Full>,
    ) -> JoinOutcome {
        let key = KeyRef::new(set.id(), lower, kind);
        let owned = key.to_owned();
        let mut flights = self.flights.lock();
        let owner = permitted.owner();
        let under_way = flights.get(&owned);
        if let Some(flight) = under_way.filter(|flight| flight.serves(owner)) {
            return JoinOutcome::Flight(flight.clone());
        }
        // A flight may have ended since the cache was read: it stores its answer before that.
        if let Some(entry) = self.cache.get(permitted, key)
            && entry.freshness(now) == Freshness::Fresh
            && let Some(found) = cached_answer(&entry, AnswerSource::Cached, now)
        {
            return JoinOutcome::Answer(found);
        }
        let Ok(place) = take() else { return JoinOutcome::Full };
        let (ended, mut flight) = self.flight(owner);
        flight.noting.log = log.cloned();
        flights.insert(owned, flight.clone());
        drop(flights);
        self.start(permitted, set, (lower, kind), deadline, (ended, flight.clone(), place));
        JoinOutcome::Flight(flight)
    }

    /// A flight that has not started.
    pub(super) fn flight(&self, owner: Owner) -> (Ended, Flight) {
        let (send, ended) = watch::channel(None);
        let id = self.last.fetch_add(1, Relaxed);
        (send, Flight { ended, owner, noting: Noting::default(), id })
    }

    /// Starts the task that asks upstream for a flight that is on the table. The table must not be
    /// locked: a runtime that is ending drops the task at once, which takes the flight off it.
    pub(super) fn start(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        (lower, kind): (&Name, RecordType),
        deadline: Instant,
        (ended, flight, place): (Ended, Flight, Option<Place>),
    ) {
        let (shared, set, name) = (Arc::clone(self), Arc::clone(set), *lower);
        let key = KeyRef::new(set.id(), lower, kind).to_owned();
        let guard = InFlightGuard { shared: Arc::clone(self), key, id: flight.id, place };
        tokio::spawn(async move {
            let log = flight.noting.log.clone();
            let is_within = guard.place.is_none();
            let asked = set.ask_noting(permitted, &name, kind, deadline, flight.noting).await;
            let judged = match asked {
                Ok(asked) => shared.judge(permitted, &set, asked, deadline, log.as_ref()).await,
                // What is asked for another flight has what that one has left. That it was too
                // little says nothing of the name.
                Err(_) if is_within && deadline <= Instant::now() => Err(Reason::Overloaded),
                Err(reason) => Err(reason),
            };
            let outcome = shared.store(guard.key.borrow(), judged);
            drop(guard);
            ended.send_replace(Some(outcome));
        });
    }

    /// Takes what came of asking into the cache.
    fn store(
        &self,
        key: KeyRef<'_>,
        judged: Result<(UpstreamAnswer, Security), Reason>,
    ) -> Result<UpstreamResult, Failure> {
        let now = Instant::now();
        match judged {
            Ok((UpstreamAnswer { answer, upstream, age, tls }, security)) => {
                let answer = Arc::new(answer);
                if answer.is_failure() {
                    let (reason, cached) = (Reason::Forwarded, Some(Arc::clone(&answer)));
                    let failing = FailedLookup { reason, answer: cached, upstream: Some(upstream) };
                    self.cache.fail(key, failing, now);
                } else {
                    let answer = Arc::clone(&answer);
                    self.cache.store(key, answer, upstream, age, security, now);
                }
                Ok(UpstreamResult { answer, upstream, age, tls, security })
            }
            // Whose share is used up says nothing of the name.
            Err(Reason::Overloaded) => Err(Failure::without_answer(Reason::Overloaded)),
            Err(reason) if reason.is_withheld() => {
                let failed = FailedLookup { reason, answer: None, upstream: None };
                self.cache.refuse(key, failed, now);
                Err(Failure::without_answer(reason))
            }
            Err(reason) => {
                self.cache.fail(key, FailedLookup { reason, answer: None, upstream: None }, now);
                Err(Failure::without_answer(reason))
            }
        }
    }
}

impl Flight {
    /// Whether waiting for it is as good as asking again. One that still waits for its own owner's
    /// turn at the upstream would make another client wait for that owner.
    fn serves(&self, owner: Owner) -> bool {
        self.owner == owner || self.noting.is_placed.load(Relaxed)
    }
}

/// Makes room for the next flight, even if the task is dropped with its runtime or panics.
struct InFlightGuard {
    shared: Arc<Shared>,
    key: Key,
    id: u64,
    /// None where the place of another flight covers it.
    place: Option<Place>,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut flights = self.shared.flights.lock();
        if flights.get(&self.key).is_some_and(|flight| flight.id == self.id) {
            flights.remove(&self.key);
        }
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
            tls: result.tls,
            security: result.security,
            refresh: false,
        }
    }
}
