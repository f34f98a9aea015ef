//! One upstream: a question goes in, an answer or a fault comes out, and both are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::connect::Connector;
use super::fault::{Fault, FaultKind};
use super::identity::Identities;
use super::link::{Connection, Notes, Question, Reply};
use super::pool::{Pool, jitter};
use super::tally::Tally;
use crate::Error;
use crate::snapshot::document::UpstreamDocument;

/// Silent queries in a row after which their connection gets no further ones.
const SILENT_ON_CONNECTION: u32 = 2;

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

    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// One try to get an answer.
pub(super) struct Try {
    pub(super) question: Question,
    /// Without an answer for so long it has failed.
    pub(super) patience: Duration,
    /// Taken back after so long, it counts as silence.
    pub(super) silence: Duration,
    pub(super) budget: Arc<Budget>,
    pub(super) notes: Arc<Notes>,
    /// A connection that is not to be used, or 0.
    pub(super) avoid: u64,
}

impl Upstream {
    /// Checks the document, which is at `place`. Connects to nothing yet.
    pub(super) fn new(
        place: &str,
        document: &UpstreamDocument,
        identities: &Identities,
    ) -> Result<Self, Error> {
        let tally = Arc::new(Tally::default());
        let connector = Connector::new(place, document, identities, &tally)?;
        Ok(Self { document: document.clone(), pool: Pool::new(connector, tally) })
    }

    /// The document that it was made from.
    pub fn document(&self) -> &UpstreamDocument {
        &self.document
    }

    /// Whether it is fit to be asked first.
    pub(super) fn is_healthy(&self) -> bool {
        self.pool.health.lock().is_healthy()
    }

    /// Whether it is away and should get a copy of a real query by now.
    pub(super) fn take_probe(&self) -> bool {
        self.pool.health.lock().take_probe(Instant::now())
    }

    /// Makes new connections show the newest certificate of this identity.
    pub(super) fn renew(&self, identity: &str) {
        self.pool.renew(identity);
    }

    /// Asks once. Dropping the future takes the query back.
    pub(super) async fn ask(&self, attempt: Try) -> Result<Reply, Fault> {
        let Try { question, patience, silence, budget, notes, avoid } = attempt;
        let mut listening = Listening {
            pool: &self.pool,
            connection: None,
            since: Instant::now(),
            silence,
            patience,
            over: false,
        };
        let work = async {
            let lease = self.pool.take(avoid).await?;
            if !budget.take() {
                return Err(Fault::new(FaultKind::Busy, "asked often enough for this question"));
            }
            notes.connection.store(lease.connection.id, Relaxed);
            listening.connection = Some(Arc::clone(&lease.connection));
            listening.since = Instant::now();
            Tally::count(&self.pool.tally.asked);
            lease.connection.exchange(&question, &notes).await
        };
        let outcome = timeout(patience, work).await;
        match outcome {
            Ok(Ok(reply)) => {
                listening.over = true;
                self.pool.health.lock().answered();
                Tally::count(&self.pool.tally.answered);
                self.pool.tally.round_trip(listening.since.elapsed());
                Ok(reply)
            }
            Ok(Err(fault)) => {
                listening.over = true;
                self.failed(&fault, listening.connection.as_deref());
                Err(fault)
            }
            Err(_) => Err(self.timed_out(&notes, patience)),
        }
    }

    fn failed(&self, fault: &Fault, connection: Option<&Connection>) {
        self.pool.tally.fail(fault.kind);
        // Without a connection the fault was noted when opening failed.
        let Some(connection) = connection else { return };
        let mut health = self.pool.health.lock();
        match fault.kind {
            FaultKind::Lost if connection.vital.answers.load(Relaxed) == 0 => {
                health.was_useless(fault, Instant::now(), jitter());
            }
            _ => health.note(fault),
        }
        drop(health);
        if fault.kind == FaultKind::Lost {
            self.pool.retire(connection.id);
        }
    }

    fn timed_out(&self, notes: &Notes, patience: Duration) -> Fault {
        let within = patience.as_millis();
        let fault = if notes.connection.load(Relaxed) == 0 {
            let words = format!("no connection within {within} ms");
            Fault::new(FaultKind::Unreachable, words)
        } else if notes.flawed.load(Relaxed) > 0 {
            Fault::invalid(format!("only sent what is no answer, for {within} ms"))
        } else {
            Fault::new(FaultKind::Timeout, format!("no answer within {within} ms"))
        };
        self.pool.tally.fail(fault.kind);
        self.pool.health.lock().note(&fault);
        fault
    }

    /// Counters and state for people and metrics.
    pub(super) fn stats(&self) -> Value {
        let mut all = self.pool.tally.as_json();
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

/// Notices silence, also when a try is taken back because another upstream was faster.
struct Listening<'a> {
    pool: &'a Pool,
    connection: Option<Arc<Connection>>,
    since: Instant,
    silence: Duration,
    patience: Duration,
    over: bool,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        if self.over || waited < self.silence {
            return;
        }
        // Answers to others on the same connection show that only this name is slow.
        let connection = self.connection.as_ref();
        if connection.is_some_and(|connection| connection.vital.heard_after(self.since)) {
            return;
        }
        let in_a_row = self.pool.health.lock().was_silent(Instant::now(), jitter());
        if let Some(connection) = connection
            && (in_a_row >= SILENT_ON_CONNECTION || waited >= self.patience)
        {
            self.pool.retire(connection.id);
        }
    }
}
