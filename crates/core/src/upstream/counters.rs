//! Counters of one upstream, and the certificate that it showed last.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::error::ErrorKind;
use super::server_certificate::ServerCertificate;
use crate::histogram::Histogram;

/// What one upstream was asked and what came of it, since it was first prepared.
#[derive(Debug, Default)]
pub(super) struct UpstreamCounters {
    pub(super) asked: AtomicU64,
    pub(super) answered: AtomicU64,
    /// Answers that only said that the upstream does not answer such queries.
    pub(super) refused: AtomicU64,
    pub(super) handshakes: AtomicU64,
    /// Messages on a stream that matched no question or were no answer to theirs.
    pub(super) flawed: AtomicU64,
    failed: [AtomicU64; ErrorKind::ALL.len()],
    rtt_micros: AtomicU64,
    round_trips: Histogram,
    certificate: Mutex<Option<ServerCertificate>>,
}

impl UpstreamCounters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn fail(&self, kind: ErrorKind) {
        self.failed[kind as usize].fetch_add(1, Relaxed);
    }

    /// The certificate in a handshake that succeeded.
    pub(super) fn showed(&self, der: &[u8]) {
        *self.certificate.lock() = ServerCertificate::read(der);
    }

    /// Counts one round trip, and takes it into the moving average with a weight of one eighth (as RFC 6298).
    pub(super) fn round_trip(&self, took: Duration) {
        self.round_trips.add(took);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let old = self.rtt_micros.load(Relaxed);
        let new = if old == 0 { took } else { (old / 8).saturating_mul(7) + took / 8 };
        // A lost update of an average does no harm.
        self.rtt_micros.store(new.max(1), Relaxed);
    }

    pub(super) fn as_json(&self) -> Map<String, Value> {
        let failed: Map<String, Value> = ErrorKind::ALL
            .iter()
            .map(|kind| (kind.word().into(), self.failed[*kind as usize].load(Relaxed).into()))
            .collect();
        let mut all = Map::new();
        all.insert("asked".into(), self.asked.load(Relaxed).into());
        all.insert("answered".into(), self.answered.load(Relaxed).into());
        all.insert("failed".into(), Value::Object(failed));
        all.insert("flawed_messages".into(), self.flawed.load(Relaxed).into());
        all.insert("refused".into(), self.refused.load(Relaxed).into());
        all.insert("handshakes".into(), self.handshakes.load(Relaxed).into());
        all.insert("rtt".into(), json!(self.rtt_micros.load(Relaxed) as f64 / 1e6));
        let certificate = self.certificate.lock().as_ref().map(ServerCertificate::as_json);
        all.insert("certificate".into(), json!(certificate));
        all.insert("round_trips".into(), Histogram::document([&self.round_trips].into_iter()));
        all
    }
}
