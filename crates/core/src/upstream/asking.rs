//! The messages of one question at one upstream: the first one, and those beside it where nothing
//! comes.
//!
//! A connection that is silent for longer than the upstream usually takes gets no new questions
//! until it answers. What waits on it is asked on another one as well (RFC 7766 section 6.2.1.1
//! lets servers answer in any order, and a query may be repeated without harm):
//!
//! - at once, where that one has answered what was asked later, and several questions wait here:
//!   then the silence is that of the connection. Or where the connections of this upstream bring a
//!   few answers each, and this one has brought them;
//! - else on suspicion, which is limited for each connection and by a share of all answers, so that
//!   a server that has too much to do gets no more of it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Lease};
use super::counters::UpstreamCounters;
use super::error::{ErrorKind, UpstreamError};
use super::exchange::{AttemptState, Question, Reply};
use super::open::Wanted;
use super::pool::{Pool, jitter};

/// Silent queries in a row after which their connection gets no further ones.
const SILENT_ON_CONNECTION: u32 = 2;
/// Questions that wait on one connection, after which its silence is not that of a name: so many
/// are more than the types that one program asks for.
const SILENT_QUESTIONS: u32 = 4;
/// Repetitions of a question.
const MAX_REPEATS: u32 = 2;
/// Repetitions because its connection is lost, beside those.
const MAX_MOVES: u32 = 8;
/// The pause between two looks; it doubles with each one.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// The longest pause between two looks.
const MAX_LOOK: Duration = Duration::from_millis(400);

type Answering = Pin<Box<dyn Future<Output = Result<Reply, UpstreamError>> + Send>>;
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Lease, UpstreamError>> + Send + 'a>>;

/// One message.
struct Sent {
    connection: Arc<Connection>,
    at: Instant,
    /// Its connection knows that it waits for too long.
    is_noted: bool,
    /// None once it has failed.
    answer: Option<Answering>,
}

/// A question at one upstream. Dropped without an answer, it is counted as silence, also when it
/// was taken back because another upstream was faster.
pub(super) struct Asking<'a> {
    pool: &'a Arc<Pool>,
    question: Question,
    state: Arc<AttemptState>,
    /// Without an answer for so long it has failed.
    limit: Duration,
    /// Taken back after so long, it counts as silence.
    silence: Duration,
    /// It is not repeated earlier.
    least: Duration,
    /// Since when it has a place: from then on silence says something of the upstream.
    pub(super) since: Option<Instant>,
    sent: Vec<Sent>,
    opening: Option<Opening<'a>>,
    repeats: u32,
    moves: u32,
    look_at: Instant,
    pause: Duration,
    limit_at: Instant,
    /// What comes of it is known.
    pub(super) is_over: bool,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        pool: &'a Arc<Pool>,
        question: Question,
        state: &Arc<AttemptState>,
        (limit, silence, least): (Duration, Duration, Duration),
    ) -> Self {
        let (now, state) = (Instant::now(), Arc::clone(state));
        Self {
            pool,
            question,
            state,
            limit,
            silence,
            least,
            since: None,
            sent: Vec::with_capacity(1),
            opening: None,
            repeats: 0,
            moves: 0,
            look_at: now,
            pause: FIRST_LOOK,
            limit_at: now + limit,
            is_over: false,
        }
    }

    /// Whether a message was sent.
    pub(super) fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Asks on this connection until an answer comes, the last message has failed, or the time is
    /// over. `failed` is told of every message that did, but not that the time was over.
    pub(super) async fn run(
        &mut self,
        lease: Lease,
        failed: impl Fn(&UpstreamError, &Connection),
    ) -> Result<Reply, UpstreamError> {
        self.send(lease);
        loop {
            let waits = self.sent.iter().any(|one| one.answer.is_some());
            tokio::select! {
                biased;
                (index, outcome) = first_to_end(&mut self.sent), if waits => {
                    let one = &self.sent[index];
                    match outcome {
                        Ok(reply) => {
                            one.connection.liveness.answered_what_was_asked(one.at);
                            self.pool.answered(one.connection.id, one.at);
                            return Ok(reply);
                        }
                        Err(error) => {
                            failed(&error, &one.connection);
                            if self.ends_all(index, &error) {
                                return Err(error);
                            }
                        }
                    }
                }
                opened = poll_opening(&mut self.opening), if self.opening.is_some() => {
                    self.opening = None;
                    match opened {
                        Ok(lease) => self.send(lease),
                        // The pool has noted why. What waits goes on waiting.
                        Err(_) if waits => {}
                        Err(error) => return Err(error),
                    }
                }
                () = sleep_until(self.look_at), if waits && self.opening.is_none() => self.look(),
                () = sleep_until(self.limit_at) => {
                    return Err(UpstreamError::new(ErrorKind::Timeout, "no answer in time"));
                }
            }
        }
    }

    /// Whether nothing is left to wait for when this message has failed. What may be repeated for
    /// its error is not kept waiting for those before it, which were silent.
    fn ends_all(&self, index: usize, error: &UpstreamError) -> bool {
        let others = self.opening.is_some() || self.sent.iter().any(|one| one.answer.is_some());
        let is_newest = self.opening.is_none() && index + 1 == self.sent.len();
        let is_repeated = matches!(error.kind, ErrorKind::Lost | ErrorKind::Unprocessed);
        !others || (is_newest && is_repeated)
    }

    fn send(&mut self, lease: Lease) {
        let connection = Arc::clone(&lease.connection);
        self.state.connection.store(connection.id, Relaxed);
        UpstreamCounters::count(&self.pool.counters.asked);
        let (question, state) = (self.question, Arc::clone(&self.state));
        let answer: Answering =
            Box::pin(async move { lease.connection.exchange(&question, &state).await });
        let now = Instant::now();
        self.sent.push(Sent { connection, at: now, is_noted: false, answer: Some(answer) });
        self.look_at = now + self.pool.silence.lock().longest_wait(self.least, self.limit);
        self.pause = FIRST_LOOK;
    }

    /// Looks at the newest message, and repeats it where it may be lost.
    fn look(&mut self) {
        let now = Instant::now();
        let (is_first, longest_wait) =
            (self.sent.len() == 1, self.pool.silence.lock().longest_wait(self.least, self.limit));
        let Some(one) = self.sent.last_mut() else { return };
        let waited = now.saturating_duration_since(one.at);
        // Meanwhile it may have turned out that answers take longer here.
        if waited < longest_wait {
            self.look_at = one.at + longest_wait;
            return;
        }
        self.look_at = now + self.pause;
        self.pause = (self.pause * 2).min(MAX_LOOK);
        let liveness = &one.connection.liveness;
        let quiet_since = liveness.quiet_since(one.at);
        if now.saturating_duration_since(quiet_since) < longest_wait {
            // The connection is in order. Its server may have lost this message alone.
            if waited >= longest_wait * 2
                && liveness.has_overtaken(one.at)
                && self.repeats < MAX_REPEATS
                && self.pool.silence.lock().take_repeat()
            {
                self.repeat(quiet_since);
            }
            return;
        }
        if !one.is_noted {
            one.is_noted = true;
            let count = liveness.note_silent_question();
            // A name that nobody answers takes no second connection out of use.
            if is_first || count >= SILENT_QUESTIONS {
                liveness.doubt();
            }
        }
        let is_spent = self.pool.is_spent(&one.connection);
        let is_overtaken = self.pool.silence.lock().is_overtaken(one.connection.id, quiet_since);
        if is_spent || (is_overtaken && liveness.silent_questions() >= SILENT_QUESTIONS) {
            self.pool.lose(&one.connection);
            if self.moves < MAX_MOVES {
                self.moves += 1;
                // The upstream answers: the time of this try begins with its next message.
                self.limit_at = now + self.limit;
                self.move_on(quiet_since);
            }
        } else if self.repeats < MAX_REPEATS
            && (is_overtaken || liveness.may_be_tested())
            && self.pool.silence.lock().take_repeat()
        {
            liveness.test();
            self.repeat(quiet_since);
        }
    }

    /// Asks on another connection on suspicion.
    fn repeat(&mut self, quiet_since: Instant) {
        self.repeats += 1;
        self.move_on(quiet_since);
    }

    /// Asks on another connection as well, on one that brought something since then or is new.
    fn move_on(&mut self, quiet_since: Instant) {
        let Some(newest) = self.sent.last() else { return };
        self.pool.pass_over(&newest.connection);
        let avoid = self.sent.iter().map(|one| one.connection.id).collect();
        let wanted = Wanted { avoid, alive_since: Some(quiet_since) };
        let pool = self.pool;
        self.opening = Some(Box::pin(async move { pool.take(&wanted).await }));
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // While it waits for its turn, silence says nothing of the upstream.
        let Some(began) = self.since.filter(|_| !self.is_over) else { return };
        let since = self.sent.first().map_or(began, |one| one.at);
        let waited = since.elapsed();
        if waited < self.silence {
            return;
        }
        // Answers to others on the same connection show that only this name is slow.
        if self.sent.iter().any(|one| one.connection.liveness.active_after(one.at)) {
            return;
        }
        let name = &self.question.name;
        let in_a_row = self.pool.health.lock().was_silent(name, Instant::now(), jitter());
        if in_a_row >= SILENT_ON_CONNECTION || waited >= self.limit {
            for one in &self.sent {
                self.pool.retire(one.connection.id);
            }
        }
    }
}

/// Waits for the first message that ends; its answer is taken out.
async fn first_to_end(sent: &mut [Sent]) -> (usize, Result<Reply, UpstreamError>) {
    poll_fn(|context| {
        for (index, one) in sent.iter_mut().enumerate() {
            let Some(answer) = &mut one.answer else { continue };
            if let Poll::Ready(outcome) = answer.as_mut().poll(context) {
                one.answer = None;
                return Poll::Ready((index, outcome));
            }
        }
        Poll::Pending
    })
    .await
}

async fn poll_opening(opening: &mut Option<Opening<'_>>) -> Result<Lease, UpstreamError> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}
