//! The attempts of one question at the upstreams of its set.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;

use keyhole_wire::{Answer, Name, RecordType};
use tokio::time::{Instant, sleep_until};

use super::error::{ErrorKind, UpstreamError};
use super::exchange::{AttemptState, Question, Reply};
use super::server::Budget;
use super::set::{MAX_MESSAGES, UpstreamSet};
use crate::policy::Permitted;
use crate::reason::Reason;
use crate::shares::Owner;

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
    /// Asks until an upstream answers, all that may be asked have failed, or the deadline is over.
    ///
    /// A connection that fails leads to the next upstream at once, silence to a second attempt
    /// beside the first after `hedge_ms`. A SERVFAIL or the like is kept while one more upstream is
    /// tried. `name` is in lower case.
    pub async fn ask(
        &self,
        permitted: Permitted,
        name: &Name,
        kind: RecordType,
        deadline: std::time::Instant,
    ) -> Result<UpstreamAnswer, Reason> {
        self.ask_noting(permitted, name, kind, deadline, Arc::default()).await
    }

    /// The same; `is_placed` turns true as soon as an upstream has a place for the question.
    pub(crate) async fn ask_noting(
        &self,
        permitted: Permitted,
        name: &Name,
        kind: RecordType,
        deadline: std::time::Instant,
        is_placed: Arc<AtomicBool>,
    ) -> Result<UpstreamAnswer, Reason> {
        let question = Question { name: *name, kind, owner: permitted.owner() };
        let budget = Budget::of(MAX_MESSAGES);
        self.probe(question, &budget);
        let mut attempts = Attempts::new(self, question, budget, deadline.into());
        attempts.is_placed = is_placed;
        attempts.run().await.map_err(|error| error.reason())
    }

    /// Sends a copy of the question to one upstream that is away, if it is time to see whether it
    /// is back. Nobody waits for that answer. With no healthy upstream the question itself does it.
    fn probe(&self, question: Question, budget: &Arc<Budget>) {
        if !self.upstreams.iter().any(|upstream| upstream.is_healthy()) {
            return;
        }
        let due = self.upstreams.iter().find(|upstream| upstream.take_probe());
        if let Some(upstream) = due.filter(|_| budget.take()) {
            let question = Question { owner: Owner::OWN, ..question };
            let (upstream, attempt) = (Arc::clone(upstream), self.attempt(question, Budget::of(1)));
            // What comes of it shows in the health of the upstream alone.
            tokio::spawn(async move { upstream.ask(attempt).await.is_ok() });
        }
    }
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<Reply, UpstreamError>> + Send + 'a>>;

/// An attempt under way.
struct Running<'a> {
    place: usize,
    state: Arc<AttemptState>,
    work: Work<'a>,
}

/// Which attempts are under way, which may still come, and what was learned so far.
pub(super) struct Attempts<'a> {
    set: &'a UpstreamSet,
    question: Question,
    budget: Arc<Budget>,
    is_placed: Arc<AtomicBool>,
    deadline: Instant,
    /// Places not asked yet, best first.
    left: std::vec::IntoIter<usize>,
    running: Vec<Running<'a>>,
    /// When a second attempt starts beside the first; none once it did.
    hedge_at: Option<Instant>,
    /// A query on a connection that died was sent once more already.
    repeated: bool,
    /// What an upstream said that could not resolve the name.
    unresolved: Option<UpstreamAnswer>,
    worst: Option<UpstreamError>,
    flawed: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        set: &'a UpstreamSet,
        question: Question,
        budget: Arc<Budget>,
        deadline: Instant,
    ) -> Self {
        let left = set.order().into_iter();
        let (hedge_at, running) = (Some(Instant::now() + set.hedge_after()), Vec::with_capacity(2));
        let (unresolved, worst) = (None, None);
        Self {
            set,
            question,
            budget,
            is_placed: Arc::default(),
            deadline,
            left,
            running,
            hedge_at,
            repeated: false,
            unresolved,
            worst,
            flawed: false,
        }
    }

    /// Runs to the end. What is still under way then is taken back.
    pub(super) async fn run(mut self) -> Result<UpstreamAnswer, UpstreamError> {
        self.start_next();
        while !self.running.is_empty() {
            let hedge_at = self.hedge_at;
            tokio::select! {
                biased;
                (place, state, outcome) = first_to_end(&mut self.running) => {
                    if let Some(asked) = self.take_outcome(place, &state, outcome) {
                        return Ok(asked);
                    }
                }
                () = sleep_until(hedge_at.unwrap_or(self.deadline)), if hedge_at.is_some() => {
                    self.hedge_at = None;
                    self.hedge();
                }
                () = sleep_until(self.deadline) => {
                    if !self.is_placed.load(Relaxed) {
                        return self.unresolved.ok_or_else(no_place);
                    }
                    let now_flawed = |attempt: &Running<'_>| attempt.state.flawed.load(Relaxed) > 0;
                    let flawed = self.flawed || self.running.iter().any(now_flawed);
                    return self.unresolved.ok_or_else(|| out_of_time(flawed));
                }
            }
        }
        if let Some(unresolved) = self.unresolved {
            return Ok(unresolved);
        }
        let nothing = || UpstreamError::new(ErrorKind::Unreachable, "the set has no upstream");
        Err(self.worst.unwrap_or_else(nothing))
    }

    /// Takes in how an attempt ended and starts the next where that helps.
    fn take_outcome(
        &mut self,
        place: usize,
        state: &AttemptState,
        outcome: Result<Reply, UpstreamError>,
    ) -> Option<UpstreamAnswer> {
        self.flawed |= state.flawed.load(Relaxed) > 0;
        match outcome {
            Ok(Reply { answer, age }) => {
                let upstream = u16::try_from(place).unwrap_or(u16::MAX);
                let asked = UpstreamAnswer { answer, upstream, age };
                if !asked.answer.is_failure() {
                    return Some(asked);
                }
                // One more opinion, not three: the name itself may well be broken.
                if self.unresolved.is_some() || (self.running.is_empty() && !self.start_next()) {
                    return Some(self.unresolved.take().unwrap_or(asked));
                }
                self.unresolved = Some(asked);
            }
            Err(error) => {
                let lost = error.kind == ErrorKind::Lost;
                if self.worst.as_ref().is_none_or(|worst| worst.kind < error.kind) {
                    self.worst = Some(error);
                }
                if !self.start_next() && lost && !self.repeated {
                    self.repeated = true;
                    self.start(place, state.connection.load(Relaxed));
                }
            }
        }
        None
    }

    /// Starts a second attempt: at the next upstream, or else on another connection.
    fn hedge(&mut self) {
        if self.start_next() {
            return;
        }
        if let Some(first) = self.running.first() {
            let (place, used) = (first.place, first.state.connection.load(Relaxed));
            // While its first connection is still opening, another one would not be faster.
            if used != 0 {
                self.start(place, used);
            }
        }
    }

    fn start_next(&mut self) -> bool {
        if self.budget.is_empty() {
            return false;
        }
        match self.left.next() {
            Some(place) => self.start(place, 0),
            None => return false,
        }
        true
    }

    fn start(&mut self, place: usize, avoid: u64) {
        // The newest attempt gets its time before another one starts beside it.
        self.hedge_at = self.hedge_at.map(|_| Instant::now() + self.set.hedge_after());
        let mut attempt = self.set.attempt(self.question, Arc::clone(&self.budget));
        attempt.avoid = avoid;
        attempt.is_placed = Arc::clone(&self.is_placed);
        let state = Arc::clone(&attempt.state);
        let upstream = &self.set.upstreams[place];
        self.running.push(Running { place, state, work: Box::pin(upstream.ask(attempt)) });
    }
}

/// Waits for the first attempt that ends and takes it out.
async fn first_to_end(
    running: &mut Vec<Running<'_>>,
) -> (usize, Arc<AttemptState>, Result<Reply, UpstreamError>) {
    poll_fn(|context| {
        for index in 0..running.len() {
            if let Poll::Ready(outcome) = running[index].work.as_mut().poll(context) {
                let ended = running.swap_remove(index);
                return Poll::Ready((ended.place, ended.state, outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// The error of a question that waited for its turn until it was too late.
fn no_place() -> UpstreamError {
    UpstreamError::new(ErrorKind::Busy, "no place before the deadline")
}

/// The error when a deadline ends everything.
fn out_of_time(flawed: bool) -> UpstreamError {
    if flawed {
        return UpstreamError::invalid("only nonsense came before the deadline");
    }
    UpstreamError::new(ErrorKind::Timeout, "no answer before the deadline")
}
