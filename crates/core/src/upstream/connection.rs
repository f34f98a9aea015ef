//! One live connection to an upstream, whatever it speaks.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::doh::DohConnection;
use super::error::UpstreamError;
use super::exchange::{AttemptState, Liveness, MAX_IN_FLIGHT, Question, Reply};
use super::lives::Lives;
use super::stream::StreamConnection;
use crate::tls_version::TlsVersion;

/// What a connection speaks.
pub(super) enum Carrier {
    Doh(DohConnection),
    Stream(StreamConnection),
}

/// One live connection. It ends when the pool and all queries on it have let go of it.
pub(super) struct Connection {
    /// Never 0, never used twice within a pool.
    pub(super) id: u64,
    /// Which certificate of ours it showed.
    pub(super) issue: u64,
    /// The place of its address among those of the upstream.
    pub(super) address: usize,
    pub(super) liveness: Arc<Liveness>,
    pub(super) carrier: Carrier,
    /// None for cleartext.
    pub(super) tls: Option<TlsVersion>,
    /// Where it is noted how it ended.
    pub(super) lives: Arc<Lives>,
}

impl Connection {
    /// Queries under way on it.
    pub(super) fn load(&self) -> usize {
        self.liveness.in_flight.load(Relaxed)
    }

    /// Answers that it has brought.
    pub(super) fn answers(&self) -> usize {
        self.liveness.answers.load(Relaxed)
    }

    /// Questions that it takes at once.
    pub(super) fn capacity(&self) -> usize {
        match &self.carrier {
            Carrier::Doh(carrier) => carrier.capacity().clamp(1, MAX_IN_FLIGHT),
            Carrier::Stream(_) => MAX_IN_FLIGHT,
        }
    }

    /// Asks and waits for the answer; dropping the future takes the query back.
    pub(super) async fn exchange(
        &self,
        question: &Question,
        state: &Arc<AttemptState>,
    ) -> Result<Reply, UpstreamError> {
        match &self.carrier {
            Carrier::Doh(carrier) => {
                let (answer, age) = carrier.exchange(question).await?;
                self.liveness.touch();
                self.liveness.answers.fetch_add(1, Relaxed);
                self.lives.has_brought(self.answers());
                Ok(Reply { answer, age, tls: self.tls })
            }
            // What drives the stream counts its answers as they come.
            Carrier::Stream(carrier) => {
                let answer = carrier.exchange(question, state).await?;
                self.lives.has_brought(self.answers());
                Ok(Reply { answer, age: 0, tls: self.tls })
            }
        }
    }
}

impl Drop for Connection {
    /// Only now it is known how many answers it brought: those to queries before its end come
    /// behind that, too.
    fn drop(&mut self) {
        if self.liveness.was_cut() && self.answers() > 0 && self.liveness.lose() {
            self.lives.ended_early(self.answers());
        }
    }
}

/// The right to one query on a connection.
pub(super) struct Lease {
    pub(super) connection: Arc<Connection>,
}

impl Lease {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        connection.liveness.query_started();
        Self { connection: Arc::clone(connection) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.liveness.in_flight.fetch_sub(1, Relaxed);
    }
}
