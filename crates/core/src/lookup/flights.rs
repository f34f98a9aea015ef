//! Questions under way upstream: each is asked once, and everyone who asks the same waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, Name, RecordType};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::answer::{AnswerSource, Failure, LookupAnswer, cached_answer};
use crate::cache::{Cache, FailedLookup, Freshness, Key, KeyRef};
use crate::policy::Permitted;
use crate::reason::Reason;
use crate::upstream::{UpstreamAnswer, UpstreamSet};

/// Questions under way upstream, all together; further ones are refused.
pub(super) const MAX_IN_FLIGHT: usize = 65_536;

/// The cache and the flights.
pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) flights: Mutex<HashMap<Key, Flight>>,
    pub(super) stale_after: Duration,
    pub(super) prefetch: bool,
}

/// How a flight ended; none while it goes on.
pub(super) type Flight = watch::Receiver<Option<Result<UpstreamResult, Failure>>>;

/// What came back from upstream.
#[derive(Clone, Debug)]
pub(super) struct UpstreamResult {
    pub(super) answer: Arc<Answer>,
    upstream: u16,
    age: u32,
}

/// How joining a flight ended.
pub(super) enum JoinOutcome {
    Flight(Flight),
    Answer(LookupAnswer),
    Full,
}

impl Shared {
    /// Joins the flight of a question, or starts it.
    pub(super) fn join(
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
            && let Some(found) = cached_answer(&entry, AnswerSource::Cached, now)
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
    pub(super) fn start(
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
                Err(Failure::without_answer(reason))
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
