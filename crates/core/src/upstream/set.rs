//! A group of upstreams that answer the same question the same way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, Name, RecordType};

use super::attempts::Attempts;
use super::connection::{AttemptState, Question};
use super::error::UpstreamError;
use super::server::{Attempt, Budget, Upstream};
use crate::reason::Reason;
use crate::snapshot::document::UpstreamSetDocument;

/// Messages that may go out for one question of a client, over all upstreams and attempts.
const MAX_MESSAGES: u32 = 3;

/// Upstreams in the order of preference, and how long to wait for them.
pub struct UpstreamSet {
    pub(super) id: u64,
    pub(super) document: UpstreamSetDocument,
    pub(super) upstreams: Vec<Arc<Upstream>>,
}

/// What a set answered.
#[derive(Debug)]
pub struct UpstreamAnswer {
    /// What the upstream said, perhaps that it failed ([`Answer::is_failure`]).
    pub answer: Answer,
    /// The place of the upstream in the set.
    pub upstream: u16,
    /// Seconds that the answer has spent in HTTP caches (RFC 8484 section 5.1).
    pub age: u32,
}

impl UpstreamSet {
    /// Equal for sets with equal upstreams in equal order, within one process and beyond; part of
    /// the key of the cache.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The word for explanation.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// The name of the upstream at a place, as in [`UpstreamAnswer::upstream`].
    pub fn upstream_name(&self, place: u16) -> Option<&str> {
        self.upstreams.get(usize::from(place)).map(|upstream| upstream.document().name.as_str())
    }

    /// The longest that asking can take when nothing limits it further: every message in turn.
    pub fn max_duration(&self) -> Duration {
        self.attempt_timeout() * MAX_MESSAGES
    }

    /// Asks until an upstream answers, all that may be asked have failed, or the deadline is over.
    ///
    /// A connection that fails leads to the next upstream at once, silence to a second attempt beside
    /// the first after `hedge_ms`. A SERVFAIL or the like is kept while one more
    /// upstream is tried. `name` is in lower case.
    pub async fn ask(
        &self,
        name: &Name,
        kind: RecordType,
        deadline: Instant,
    ) -> Result<UpstreamAnswer, Reason> {
        let question = Question { name: *name, kind };
        let budget = Budget::of(MAX_MESSAGES);
        self.probe(question, &budget);
        let attempts = Attempts::new(self, question, budget, deadline.into());
        attempts.run().await.map_err(|error| error.reason())
    }

    /// The places to ask, best first: healthy ones in the order of preference, then the others.
    pub(super) fn order(&self) -> Vec<usize> {
        let (mut healthy, away): (Vec<_>, Vec<_>) =
            (0..self.upstreams.len()).partition(|place| self.upstreams[*place].is_healthy());
        healthy.extend(away);
        healthy
    }

    pub(super) fn hedge_after(&self) -> Duration {
        Duration::from_millis(self.document.hedge_ms)
    }

    pub(super) fn attempt_timeout(&self) -> Duration {
        Duration::from_millis(self.document.timeout_ms)
    }

    /// Sends a copy of the question to one upstream that is away, if it is time to see whether it
    /// is back. Nobody waits for that answer. With no healthy upstream the question itself does it.
    fn probe(&self, question: Question, budget: &Arc<Budget>) {
        if !self.upstreams.iter().any(|upstream| upstream.is_healthy()) {
            return;
        }
        let due = self.upstreams.iter().find(|upstream| upstream.take_probe());
        if let Some(upstream) = due.filter(|_| budget.take()) {
            let (upstream, attempt) = (Arc::clone(upstream), self.attempt(question, Budget::of(1)));
            // What comes of it shows in the health of the upstream alone.
            tokio::spawn(async move { upstream.ask(attempt).await.is_ok() });
        }
    }

    pub(super) fn attempt(&self, question: Question, budget: Arc<Budget>) -> Attempt {
        let (limit, silence) = (self.attempt_timeout(), self.hedge_after());
        Attempt {
            question,
            limit,
            silence,
            budget,
            state: Arc::new(AttemptState::default()),
            avoid: 0,
        }
    }
}

/// The error when a deadline ends everything.
pub(super) fn out_of_time(flawed: bool) -> UpstreamError {
    if flawed {
        return UpstreamError::invalid("only nonsense came before the deadline");
    }
    UpstreamError::new(super::error::ErrorKind::Timeout, "no answer before the deadline")
}
