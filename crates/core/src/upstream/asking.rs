//! The messages of one question at one upstream: the first one, and those beside it where nothing
//! comes.
//!
//! Where nothing comes for longer than the upstream usually takes, the connection may be dead, or the
//! name slow. One question that waits there is asked on another connection as well (RFC 7766 section
//! 6.2.1.1 lets servers answer in any order, and a query may be repeated without harm). Such a
//! repetition is limited: one for a question at a time, and for a connection, and a share of all
//! answers, so that a server that has too much to do gets no more of it.
//!
//! If it is answered there while the first connection stays silent, that one is overtaken: it gets
//! no new questions until it answers, and what waits on it moves on. If it is not answered either,
//! nothing is shown, and nothing else happens: a name that nobody answers costs one more message.

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
/// Messages of a question that wait on connections of which nothing is known to be wrong.
const MAX_WAITING: usize = 2;
/// Repetitions because its connection was overtaken, beside those.
const MAX_MOVES: u32 = 8;
/// How much longer a try may take for them.
const MAX_EXTENSION: u32 = 3;
/// The pause between two looks; it doubles with each one.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// The longest pause between two looks.
const MAX_LOOK: Duration = Duration::from_millis(200);

type Answering = Pin<Box<dyn Future<Output = Result<Reply, UpstreamError>> + Send>>;
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Lease, UpstreamError>> + Send + 'a>>;

/// One message.
struct Sent {
    connection: Arc<Connection>,
    at: Instant,
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
    moves: u32,
    look_at: Instant,
    pause: Duration,
    limit_at: Instant,
    /// The end of this try, whatever happens.
    end: Instant,
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
            moves: 0,
            look_at: now,
            pause: FIRST_LOOK,
            limit_at: now + limit,
            end: now + limit * MAX_EXTENSION,
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
                            self.pool.answered(one.at);
                            self.show_who_is_silent(index);
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
                        // The pool has noted why. Nothing was sent, and what waits goes on waiting.
                        Err(_) if waits => self.pool.silence.lock().give_back(),
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
    /// its error is not kept waiting for those before it, if they are on connections that others
    /// have overtaken.
    fn ends_all(&self, index: usize, error: &UpstreamError) -> bool {
        let is_newest = self.opening.is_none() && index + 1 == self.sent.len();
        let is_repeated = matches!(error.kind, ErrorKind::Lost | ErrorKind::Unprocessed);
        let waits = |one: &Sent| {
            let is_overtaken = one.connection.liveness.is_overtaken();
            one.answer.is_some() && !(is_newest && is_repeated && is_overtaken)
        };
        self.opening.is_none() && !self.sent.iter().any(waits)
    }

    /// This message was answered: connections that brought nothing since they were asked the same,
    /// and before, are overtaken.
    fn show_who_is_silent(&self, answered: usize) {
        let id = self.sent[answered].connection.id;
        for one in &self.sent[..answered] {
            let liveness = &one.connection.liveness;
            if one.answer.is_some() && one.connection.id != id && !liveness.active_after(one.at) {
                liveness.overtake();
            }
        }
    }

    fn send(&mut self, lease: Lease) {
        let connection = Arc::clone(&lease.connection);
        self.state.connection.store(connection.id, Relaxed);
        UpstreamCounters::count(&self.pool.counters.asked);
        let (question, state) = (self.question, Arc::clone(&self.state));
        let answer: Answering =
            Box::pin(async move { lease.connection.exchange(&question, &state).await });
        let now = Instant::now();
        self.sent.push(Sent { connection, at: now, answer: Some(answer) });
        self.look_at = now + self.pool.silence.lock().longest_wait(self.least, self.limit);
        self.pause = FIRST_LOOK;
    }

    /// Looks at the newest message that may still be answered, and repeats it where it may be lost.
    fn look(&mut self) {
        let now = Instant::now();
        let longest_wait = self.pool.silence.lock().longest_wait(self.least, self.limit);
        let Some(one) = self.sent.iter().rev().find(|one| one.answer.is_some()) else { return };
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
        let is_quiet = now.saturating_duration_since(quiet_since) >= longest_wait;
        // Two answers to one question may come at the same moment: it is overtaken if it stays so.
        if is_quiet && liveness.is_overtaken_for(FIRST_LOOK) {
            self.pool.lose(&one.connection);
            if self.moves < MAX_MOVES {
                self.moves += 1;
                // The upstream answers: the time of this try begins anew, within bounds.
                self.limit_at = self.end.min(now + self.limit);
                self.move_on(quiet_since);
            }
            return;
        }
        // On a connection that is in order, its server may have lost this message alone.
        let may_be_lost = if is_quiet {
            self.may_wait_for_one_more() && liveness.may_be_tested(longest_wait)
        } else {
            self.may_wait_for_one_more()
                && waited >= longest_wait * 2
                && liveness.has_overtaken(one.at)
        };
        if may_be_lost && self.pool.silence.lock().take_repeat(is_quiet) {
            self.move_on(quiet_since);
        }
    }

    fn may_wait_for_one_more(&self) -> bool {
        let waits = |one: &&Sent| one.answer.is_some() && !one.connection.liveness.is_overtaken();
        self.sent.iter().filter(waits).count() < MAX_WAITING
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
