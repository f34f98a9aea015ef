//! The attempts of one question at the upstreams of its set.

mod failures;
mod rounds;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;

use keyhole_wire::{Answer, Name, RecordType};
use tokio::time::{Instant, sleep_until};

use super::error::{ErrorKind, UpstreamError};
use super::exchange::{AttemptState, Question, Reply};
use super::exchange_log::ExchangeLog;
use super::repeat::Repetition;
use super::server::Budget;
use super::set::{MAX_MESSAGES, UpstreamSet};
use crate::policy::Permitted;
use crate::reason::Reason;
use crate::shares::Owner;
use crate::tls_version::TlsVersion;

/// What a set answered.
#[derive(Debug)]
pub struct UpstreamAnswer {
    /// What the upstream said, perhaps that it failed ([`Answer::is_failure`]).
    pub answer: Answer,
    /// The place of the upstream in the set.
    pub upstream: u16,
    /// Seconds that the answer has spent in HTTP caches (RFC 8484 section 5.1).
    pub age: u32,
    /// The version of TLS of the connection to the upstream; none over cleartext.
    pub tls: Option<TlsVersion>,
}

/// What is noted while a question is under way.
#[derive(Clone, Default)]
pub(crate) struct Noting {
    /// Turns true as soon as an upstream has a place for the question.
    pub(crate) is_placed: Arc<AtomicBool>,
    /// The exchanges, for the trace of the query that it is for.
    pub(crate) log: Option<Arc<ExchangeLog>>,
}

impl UpstreamSet {
    /// Asks until an upstream answers, all that may be asked have failed, or the deadline is over.
    ///
    /// A connection that fails leads to the next upstream at once, silence to a second attempt
    /// beside the first after `hedge_ms`; of one upstream another connection is asked where one is
    /// silent. What an upstream has not processed is put to it again, and an upstream that cannot
    /// be reached since a moment ago is asked once more. A SERVFAIL or the like is kept while the
    /// others are asked, and serves once none of them can be expected to
    /// say anything better. `name` is in lower case.
    pub async fn ask(
        &self,
        permitted: Permitted,
        name: &Name,
        kind: RecordType,
        deadline: std::time::Instant,
    ) -> Result<UpstreamAnswer, Reason> {
        self.ask_noting(permitted, name, kind, deadline, Noting::default()).await
    }

    /// The same, noting how it goes.
    pub(crate) async fn ask_noting(
        &self,
        permitted: Permitted,
        name: &Name,
        kind: RecordType,
        deadline: std::time::Instant,
        noting: Noting,
    ) -> Result<UpstreamAnswer, Reason> {
        let checking_disabled = self.checking_disabled;
        let owner = permitted.owner();
        let question =
            Question { name: *name, kind, owner, checking_disabled, edns: true, trace: None };
        let budget = Budget::of(MAX_MESSAGES);
        self.probe(question, &budget);
        let mut attempts = Attempts::new(self, question, budget, deadline.into());
        (attempts.is_placed, attempts.log) = (noting.is_placed, noting.log);
        attempts.run().await.map_err(|error| error.reason())
    }

    /// Sends a copy of the question to one upstream that is away, if it is time to see whether it
    /// is back. Nobody waits for that answer. Where the question itself goes, no copy is needed.
    fn probe(&self, question: Question, budget: &Arc<Budget>) {
        let first = self.order().first().copied();
        let mut others = (0..self.upstreams.len()).filter(|place| Some(*place) != first);
        let due = others.find(|place| self.upstreams[*place].take_probe());
        let due = due.map(|place| &self.upstreams[place]);
        if let Some(upstream) = due.filter(|_| budget.take()) {
            let question = Question { owner: Owner::OWN, ..question };
            let (upstream, attempt) =
                (Arc::clone(upstream), self.attempt(question, Budget::of(1), 0));
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
    /// Answers that the upstream had given before.
    answered: u64,
    /// Its place in the log of exchanges.
    logged: Option<usize>,
    work: Work<'a>,
}

/// Which attempts are under way, which may still come, and what was learned so far.
pub(super) struct Attempts<'a> {
    set: &'a UpstreamSet,
    question: Question,
    budget: Arc<Budget>,
    is_placed: Arc<AtomicBool>,
    log: Option<Arc<ExchangeLog>>,
    deadline: Instant,
    /// Places not asked yet, best first.
    left: std::vec::IntoIter<usize>,
    running: Vec<Running<'a>>,
    /// When one more attempt starts beside those under way, if any is to.
    hedge_at: Option<Instant>,
    /// What is to be repeated after a pause.
    repetitions: Vec<Repetition>,
    /// Repetitions so far.
    repeated: u32,
    /// When all upstreams are asked once more.
    round_at: Option<Instant>,
    /// How often they were.
    rounds: u32,
    /// Places that were asked without EDNS.
    plain: Vec<usize>,
    /// Places that answered and could not resolve the name.
    failed: Vec<usize>,
    /// The best of what those said.
    unresolved: Option<UpstreamAnswer>,
    worst: Option<UpstreamError>,
    /// An upstream could not be reached, or did not keep its connection until the answer.
    was_out_of_reach: bool,
    /// Places where asking this question once more leads nowhere.
    hopeless: Vec<usize>,
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
        let (plain, failed) = (Vec::new(), Vec::new());
        let (unresolved, worst) = (None, None);
        Self {
            set,
            question,
            budget,
            is_placed: Arc::default(),
            log: None,
            deadline,
            left,
            running,
            hedge_at,
            repetitions: Vec::new(),
            repeated: 0,
            round_at: None,
            rounds: 0,
            plain,
            failed,
            unresolved,
            worst,
            was_out_of_reach: false,
            hopeless: Vec::new(),
            flawed: false,
        }
    }

    /// Runs to the end. What is still under way then is taken back.
    pub(super) async fn run(mut self) -> Result<UpstreamAnswer, UpstreamError> {
        self.start_next();
        while !(self.is_at_rest() && self.round_at.is_none()) {
            let (hedge_at, round_at) = (self.hedge_at, self.round_at);
            let repeat_at = self.repetitions.iter().map(|one| one.at).min();
            tokio::select! {
                biased;
                (ended, outcome) = first_to_end(&mut self.running) => {
                    if let Some(asked) = self.take_outcome(&ended, outcome) {
                        return Ok(asked);
                    }
                }
                () = sleep_until(hedge_at.unwrap_or(self.deadline)), if hedge_at.is_some() => {
                    self.hedge_at = None;
                    self.hedge();
                }
                () = sleep_until(repeat_at.unwrap_or(self.deadline)), if repeat_at.is_some() => {
                    self.repeat_due();
                }
                () = sleep_until(round_at.unwrap_or(self.deadline)), if round_at.is_some() => {
                    self.start_round();
                }
                () = sleep_until(self.deadline) => {
                    if !self.is_placed.load(Relaxed) {
                        return self.unresolved.ok_or_else(no_place);
                    }
                    let now_flawed = |attempt: &Running<'_>| attempt.state.flawed.load(Relaxed) > 0;
                    let flawed = self.flawed || self.running.iter().any(now_flawed);
                    let is_known = self.running.is_empty() || self.rounds > 0;
                    let turned_away = self.worst.take().filter(|_| is_known);
                    let error = turned_away.unwrap_or_else(|| out_of_time(flawed));
                    return self.unresolved.ok_or(error);
                }
            }
            if !self.may_get_better() {
                break;
            }
            if self.is_at_rest() {
                self.round_at = self.next_round();
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
        ended: &Running<'_>,
        outcome: Result<Reply, UpstreamError>,
    ) -> Option<UpstreamAnswer> {
        let place = ended.place;
        self.flawed |= ended.state.flawed.load(Relaxed) > 0;
        if let (Some(log), Some(logged)) = (&self.log, ended.logged) {
            log.end(logged, outcome.as_ref().err().map(|error| error.kind));
        }
        match outcome {
            Ok(Reply { answer, age, tls }) => {
                let upstream = u16::try_from(place).unwrap_or(u16::MAX);
                let asked = UpstreamAnswer { answer, upstream, age, tls };
                if !asked.answer.is_failure() {
                    for place in &self.failed {
                        self.set.upstreams[*place].was_outdone();
                    }
                    return Some(asked);
                }
                self.take_failure(place, asked);
            }
            Err(error) => {
                self.plan_repetition(ended, &error);
                self.note_error(place, error);
                self.start_next();
            }
        }
        None
    }

    /// Starts one more attempt beside those under way, at the next upstream. Whether one of those
    /// is to be asked once more, it knows itself.
    fn hedge(&mut self) {
        let has_more = self.start_next() && self.left.len() > 0;
        self.hedge_at = Some(Instant::now() + self.set.hedge_after()).filter(|_| has_more);
    }

    fn start_next(&mut self) -> bool {
        if self.budget.is_empty() {
            if self.left.len() == 0 || !self.running.is_empty() || self.rounds > 0 {
                return false;
            }
            // Whatever became of the others: each upstream is asked once.
            self.budget.give_back();
        }
        // While it opens a connection, repetitions elsewhere may use up the messages.
        let is_first = self.rounds == 0;
        self.left.next().map(|place| self.start_as(place, 0, is_first)).is_some()
    }

    fn start(&mut self, place: usize, avoid: u64) {
        self.start_as(place, avoid, false);
    }

    fn start_as(&mut self, place: usize, avoid: u64, is_first: bool) {
        // The newest attempt gets its time before another one starts beside it.
        self.hedge_at = self.hedge_at.map(|_| Instant::now() + self.set.hedge_after());
        let upstream = &self.set.upstreams[place];
        let logged = self.log.as_ref().and_then(|log| log.begin(upstream.document()));
        let (logged, trace) = logged.map_or((None, None), |(at, trace)| (Some(at), trace));
        let question = Question { edns: !self.plain.contains(&place), trace, ..self.question };
        let left = u32::try_from(self.left.len()).unwrap_or(u32::MAX);
        let mut attempt = self.set.attempt(question, Arc::clone(&self.budget), left);
        (attempt.avoid, attempt.is_first) = (avoid, is_first);
        attempt.is_placed = Arc::clone(&self.is_placed);
        let state = Arc::clone(&attempt.state);
        let (answered, work) = (upstream.answers(), Box::pin(upstream.ask(attempt)));
        self.running.push(Running { place, state, answered, logged, work });
    }
}

/// Waits for the first attempt that ends and takes it out.
async fn first_to_end<'a>(
    running: &mut Vec<Running<'a>>,
) -> (Running<'a>, Result<Reply, UpstreamError>) {
    poll_fn(|context| {
        for index in 0..running.len() {
            if let Poll::Ready(outcome) = running[index].work.as_mut().poll(context) {
                return Poll::Ready((running.swap_remove(index), outcome));
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
