//! One upstream: a question goes in, an answer or an error comes out, and both are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use keyhole_wire::Rcode;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::asking::Asking;
use super::connect::Connector;
use super::connection::Connection;
use super::counters::UpstreamCounters;
use super::error::{ErrorKind, UpstreamError};
use super::exchange::{AttemptState, Question, Reply};
use super::identity::Identities;
use super::open::Wanted;
use super::pool::{Pool, jitter};
use super::repeat::Signs;
use crate::Error;
use crate::document::UpstreamDocument;

/// One upstream with its connections, health and counters. It lives as long as a snapshot in use
/// names it, and longer snapshots do not disturb it.
pub struct Upstream {
    document: UpstreamDocument,
    pool: Arc<Pool>,
}

/// How many messages may still go out for one question of a client.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub(super) fn of(messages: u32) -> Arc<Self> {
        Arc::new(Self(AtomicU32::new(messages)))
    }

    /// Takes one message; false if none is left.
    pub(super) fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Gives back a message that does not count.
    pub(super) fn give_back(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// One attempt to get an answer.
pub(super) struct Attempt {
    pub(super) question: Question,
    /// Without an answer for so long it has failed.
    pub(super) limit: Duration,
    /// Taken back after so long, it counts as silence.
    pub(super) silence: Duration,
    /// It is not repeated on suspicion earlier.
    pub(super) least: Duration,
    pub(super) budget: Arc<Budget>,
    pub(super) state: Arc<AttemptState>,
    /// A connection that is not to be used, or 0.
    pub(super) avoid: u64,
    /// The first one at this upstream: it goes out whatever became of the others.
    pub(super) is_first: bool,
    /// Turns true as soon as there is a place for it.
    pub(super) is_placed: Arc<AtomicBool>,
}

impl Upstream {
    /// Checks the document, which is at `place`. Connects to nothing yet.
    pub(super) fn new(
        place: &str,
        document: &UpstreamDocument,
        identities: &Identities,
    ) -> Result<Self, Error> {
        let counters = Arc::new(UpstreamCounters::default());
        let connector = Connector::new(place, document, identities, &counters)?;
        Ok(Self { document: document.clone(), pool: Pool::new(connector, counters) })
    }

    /// The document that it was made from.
    pub fn document(&self) -> &UpstreamDocument {
        &self.document
    }

    /// Whether it is fit to be asked first.
    pub(super) fn is_healthy(&self) -> bool {
        self.pool.health.lock().is_healthy()
    }

    /// Whether it began to fail a moment ago.
    pub(super) fn fails_briefly(&self) -> bool {
        self.pool.health.lock().fails_briefly(Instant::now())
    }

    /// Signs of whether it answers others.
    pub(super) fn signs(&self) -> Signs {
        let answers_now = self.pool.health.lock().answers_now(Instant::now());
        Signs { answered: self.answers(), answers_now }
    }

    /// Answers that it has given.
    pub(super) fn answers(&self) -> u64 {
        self.pool.counters.answered.load(Relaxed)
    }

    /// Whether it is away and should get a copy of a real query by now.
    pub(super) fn take_probe(&self) -> bool {
        self.pool.health.lock().take_probe(Instant::now())
    }

    /// Makes new connections show the newest certificate of this identity.
    pub(super) fn renew(&self, identity: &str) {
        self.pool.renew(identity);
    }

    /// Asks, and repeats what may be lost. Dropping the future takes the query back.
    pub(super) async fn ask(&self, attempt: Attempt) -> Result<Reply, UpstreamError> {
        let asked_pause = self.pool.health.lock().asked_pause(Instant::now());
        if let Some(pause) = asked_pause {
            attempt.is_placed.store(true, Relaxed);
            let words = format!("asked to be left alone, for {} ms more", pause.as_millis());
            return Err(UpstreamError::busy_there(words, Some(pause)));
        }
        let Attempt { question, limit, state, .. } = &attempt;
        let times = (*limit, attempt.silence, attempt.least);
        let mut asking = Asking::new(&self.pool, *question, state, times);
        let (mut has_place, wanted) = (None, Wanted::but(attempt.avoid));
        let placed = timeout(*limit, async {
            has_place = Some(self.pool.room.take(question.owner, || ()).await);
            asking.since = Some(Instant::now());
            attempt.is_placed.store(true, Relaxed);
            let lease = self.pool.take(&wanted).await?;
            if !attempt.budget.take() && !attempt.is_first {
                let words = "asked often enough for this question";
                return Err(UpstreamError::new(ErrorKind::Busy, words));
            }
            Ok(lease)
        });
        let outcome = match placed.await {
            Ok(Ok(lease)) => {
                asking.run(lease, |error, connection| self.failed(error, connection)).await
            }
            Ok(Err(error)) => {
                // Where opening a connection failed, that was noted.
                self.pool.counters.fail(error.kind);
                Err(error)
            }
            Err(_) => Err(UpstreamError::new(ErrorKind::Timeout, "no connection in time")),
        };
        match outcome {
            Ok(reply) => {
                asking.is_over = true;
                self.note_answer(reply.answer.rcode());
                UpstreamCounters::count(&self.pool.counters.answered);
                Ok(reply)
            }
            Err(error) if error.kind != ErrorKind::Timeout => {
                asking.is_over = true;
                Err(error)
            }
            Err(_) if asking.since.is_none() => {
                let words = format!("no place within {} ms", limit.as_millis());
                let error = UpstreamError::new(ErrorKind::Busy, words);
                self.pool.counters.fail(error.kind);
                Err(error)
            }
            Err(_) => {
                // Without a connection it is not silence, and counted as what it is.
                asking.is_over = !asking.has_sent();
                Err(self.timed_out(state, *limit))
            }
        }
    }

    fn note_answer(&self, rcode: Rcode) {
        let (mut health, now) = (self.pool.health.lock(), Instant::now());
        match rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN => health.answered(now),
            Rcode::REFUSED => {
                UpstreamCounters::count(&self.pool.counters.refused);
                health.failed_to_resolve(now);
                health.refused_query(now, jitter());
            }
            _ => health.failed_to_resolve(now),
        }
    }

    /// Another upstream could answer what this one could not.
    pub(super) fn was_outdone(&self) {
        self.pool.health.lock().refused_query(Instant::now(), jitter());
    }

    /// A message failed on its connection.
    fn failed(&self, error: &UpstreamError, connection: &Connection) {
        self.pool.counters.fail(error.kind);
        if connection.liveness.is_useless() {
            self.pool.pass_over(connection);
        }
        if connection.liveness.is_closed() {
            connection.liveness.cut();
        }
        let mut health = self.pool.health.lock();
        match error.kind {
            ErrorKind::Unprocessed => health.turned_away(error, Instant::now(), jitter()),
            ErrorKind::Lost if connection.liveness.is_first_useless_end() => {
                health.was_useless(error, Instant::now(), jitter());
            }
            _ if error.is_response => {
                health.answered_without_dns(error, Instant::now(), jitter());
            }
            _ => health.note(error),
        }
    }

    fn timed_out(&self, state: &AttemptState, limit: Duration) -> UpstreamError {
        let within = limit.as_millis();
        let error = if state.connection.load(Relaxed) == 0 {
            let words = format!("no connection within {within} ms");
            UpstreamError::new(ErrorKind::Unreachable, words)
        } else if state.flawed.load(Relaxed) > 0 {
            UpstreamError::invalid(format!("only sent what is no answer, for {within} ms"))
        } else {
            UpstreamError::new(ErrorKind::Timeout, format!("no answer within {within} ms"))
        };
        self.pool.counters.fail(error.kind);
        let mut health = self.pool.health.lock();
        match error.kind {
            ErrorKind::Unreachable => health.refused(&error, Instant::now(), jitter()),
            _ => health.note(&error),
        }
        drop(health);
        error
    }

    /// Counters and state for people and metrics.
    pub(super) fn stats(&self) -> Value {
        let mut all = self.pool.counters.as_json();
        let health = self.pool.health.lock();
        all.insert("name".into(), json!(self.document.name));
        all.insert("protocol".into(), json!(self.document.protocol));
        all.insert("healthy".into(), json!(health.is_healthy()));
        all.insert("last_error".into(), json!(health.last_error()));
        drop(health);
        all.insert("connections".into(), json!(self.pool.open_connections()));
        Value::Object(all)
    }
}
