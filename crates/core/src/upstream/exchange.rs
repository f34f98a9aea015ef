//! One question and its answer on a connection, and whether that connection lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use keyhole_wire::{Answer, Name, RecordType, UpstreamForm, write_query_as};
use tokio::time::Instant;

use super::error::UpstreamError;
use crate::shares::Owner;
use crate::tls_version::TlsVersion;
use crate::trace_context::TraceContext;

/// Queries are padded to a multiple of this (RFC 8467 section 4.1).
const PADDED_TO: usize = 128;
/// Queries under way on one connection; identifiers stay sparse, so that they stay random.
pub(super) const MAX_IN_FLIGHT: usize = 1000;
/// A connection without a query for so long is closed.
pub(super) const IDLE: Duration = Duration::from_secs(120);

/// What is asked: all that an upstream ever learns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// In lower case.
    pub(super) name: Name,
    pub(super) kind: RecordType,
    /// The client checks DNSSEC itself.
    pub(super) checking_disabled: bool,
    /// With EDNS, unless the upstream cannot read it.
    pub(super) edns: bool,
    /// On whose account it goes.
    pub(super) owner: Owner,
    /// The trace that it belongs to, where the upstream is a forwarder of our own.
    pub(super) trace: Option<TraceContext>,
}

impl Question {
    /// The query as a DNS message, behind whatever `out` holds already.
    pub(super) fn write(&self, id: u16, out: &mut Vec<u8>) {
        self.write_as(id, self.trace, out);
    }

    /// The same without its trace, which HTTP says in a header.
    pub(super) fn write_for_http(&self, out: &mut Vec<u8>) {
        // With HTTP the identifier means nothing; 0 is kind to caches (RFC 8484 section 4.1).
        self.write_as(0, None, out);
    }

    fn write_as(&self, id: u16, trace: Option<TraceContext>, out: &mut Vec<u8>) {
        let (checking_disabled, edns) = (self.checking_disabled, self.edns);
        let trace_context = trace.map(|trace| trace.option());
        let form = UpstreamForm { checking_disabled, edns, block: PADDED_TO, trace_context };
        write_query_as(&self.name, self.kind, id, form, out);
    }

    /// Reads a message as the answer to this question.
    pub(super) fn read(&self, message: &[u8], id: u16) -> Result<Answer, UpstreamError> {
        Answer::read(message, id, &self.name, self.kind)
            .map_err(|error| UpstreamError::invalid(format!("sent what is no answer: {error}")))
    }

    /// Whether a message is the only answer to this question that will come, readable or not.
    pub(super) fn is_claimed_by(&self, message: &[u8], id: u16) -> bool {
        Answer::claims(message, id, &self.name, self.kind)
    }

    /// Whether a message answers another question, readable or not.
    pub(super) fn is_not_of(&self, message: &[u8], id: u16) -> bool {
        Answer::is_for_another(message, id, &self.name, self.kind)
    }
}

/// An answer and how it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// Seconds that it has spent in HTTP caches (RFC 8484 section 5.1).
    pub(super) age: u32,
    /// None over cleartext.
    pub(super) tls: Option<TlsVersion>,
}

/// What is known about one attempt while it is under way.
#[derive(Debug, Default)]
pub(super) struct AttemptState {
    /// Messages that came for it and were no answer to it.
    pub(super) flawed: AtomicU32,
    /// The connection in use, 0 for none yet.
    pub(super) connection: AtomicU64,
}

/// Signs of life of one connection.
#[derive(Debug)]
pub(super) struct Liveness {
    opened: Instant,
    active_micros: AtomicU64,
    asked_micros: AtomicU64,
    /// When the question was asked that was asked last of those that were answered.
    answered_micros: AtomicU64,
    pub(super) answers: AtomicUsize,
    pub(super) in_flight: AtomicUsize,
    closed: AtomicBool,
    judged: AtomicBool,
    cut: AtomicBool,
    /// Since when it is silent although another connection answered the same; 0 for not. No new
    /// question goes there then until an answer comes.
    overtaken_micros: AtomicU64,
    /// When a question of it was repeated elsewhere on suspicion last; 0 for never.
    tested_micros: AtomicU64,
    lost: AtomicBool,
}

impl Liveness {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            active_micros: AtomicU64::new(0),
            asked_micros: AtomicU64::new(0),
            answered_micros: AtomicU64::new(0),
            answers: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            judged: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            overtaken_micros: AtomicU64::new(0),
            tested_micros: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        })
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.opened).as_micros()).unwrap_or(u64::MAX)
    }

    /// A query starts here now.
    pub(super) fn query_started(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        // 0 means that nothing was asked.
        self.asked_micros.store(self.micros(Instant::now()).max(1), Relaxed);
    }

    /// An answer came in, or one that is too late.
    pub(super) fn touch(&self) {
        self.active_micros.store(self.micros(Instant::now()), Relaxed);
        self.overtaken_micros.store(0, Relaxed);
    }

    /// A question that was asked then was answered.
    pub(super) fn answered_what_was_asked(&self, at: Instant) {
        self.answered_micros.fetch_max(self.micros(at), Relaxed);
    }

    /// Whether a question that was asked after this moment was answered. Where answers come in the
    /// order of the questions, that is never so.
    pub(super) fn has_overtaken(&self, asked_at: Instant) -> bool {
        self.answered_micros.load(Relaxed) > self.micros(asked_at)
    }

    /// Since when nothing came for a question that was asked then.
    pub(super) fn quiet_since(&self, asked_at: Instant) -> Instant {
        asked_at.max(self.opened + Duration::from_micros(self.active_micros.load(Relaxed)))
    }

    /// Whether it was opened, or brought an answer, after this moment.
    pub(super) fn lives_since(&self, moment: Instant) -> bool {
        self.opened > moment || self.active_after(moment)
    }

    /// Another connection answered what was asked here before, and nothing came here since: no new
    /// question goes here until an answer comes.
    pub(super) fn overtake(&self) {
        let now = self.micros(Instant::now()).max(1);
        // The first one counts.
        let _ = self.overtaken_micros.compare_exchange(0, now, Relaxed, Relaxed);
    }

    /// Whether that is so.
    pub(super) fn is_overtaken(&self) -> bool {
        self.overtaken_micros.load(Relaxed) > 0
    }

    /// Whether it has been so for this long.
    pub(super) fn is_overtaken_for(&self, time: Duration) -> bool {
        let since = self.overtaken_micros.load(Relaxed);
        since > 0 && Instant::now() >= self.opened + Duration::from_micros(since) + time
    }

    /// Whether a question may be repeated elsewhere on suspicion now: one in this time, since what
    /// it shows holds for all that wait here. True once for each.
    pub(super) fn may_be_tested(&self, every: Duration) -> bool {
        let now = self.micros(Instant::now()).max(1);
        let every = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        let due = |last: u64| (last == 0 || now.saturating_sub(last) >= every).then_some(now);
        self.tested_micros.fetch_update(Relaxed, Relaxed, due).is_ok()
    }

    /// Whether a question of it was repeated elsewhere since it brought something last.
    pub(super) fn is_suspected(&self) -> bool {
        self.tested_micros.load(Relaxed) > self.active_micros.load(Relaxed)
    }

    /// It will bring nothing any more. True once.
    pub(super) fn lose(&self) -> bool {
        !self.lost.swap(true, Relaxed)
    }

    /// Whether an answer came in after `moment`.
    pub(super) fn active_after(&self, moment: Instant) -> bool {
        self.active_micros.load(Relaxed) > self.micros(moment)
    }

    /// Whether nothing was asked for [`IDLE`] and nothing is under way.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let asked = Duration::from_micros(self.asked_micros.load(Relaxed));
        self.in_flight.load(Relaxed) == 0 && now >= self.opened + asked + IDLE
    }

    /// No query may start here any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// Whether it has brought an answer.
    pub(super) fn has_answered(&self) -> bool {
        self.answers.load(Relaxed) > 0
    }

    /// Whether it ended without a single answer.
    pub(super) fn is_useless(&self) -> bool {
        self.is_closed() && !self.has_answered()
    }

    /// The same; true once, however many queries were on it.
    pub(super) fn is_first_useless_end(&self) -> bool {
        self.is_useless() && !self.judged.swap(true, Relaxed)
    }

    /// Whether it ended before any query was put on it; true once.
    pub(super) fn ended_unused(&self) -> bool {
        self.asked_micros.load(Relaxed) == 0 && self.is_first_useless_end()
    }

    /// A query on it was not answered because it ended.
    pub(super) fn cut(&self) {
        self.cut.store(true, Relaxed);
    }

    /// Whether it ended with queries under way.
    pub(super) fn was_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }
}

/// Marks a connection closed when the task that drives it ends, however it ends.
pub(super) struct ClosedAtEnd(pub(super) Arc<Liveness>);

impl Drop for ClosedAtEnd {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ends_before_any_query_counts_once_as_useless() {
        let unused = Liveness::new();
        assert!(!unused.ended_unused(), "it is open");
        unused.close();
        assert!(unused.ended_unused());
        assert!(!unused.ended_unused() && !unused.is_first_useless_end(), "it was counted");
        // At once after it was opened: the query that was lost on it tells of its end.
        let asked = Liveness::new();
        asked.query_started();
        asked.close();
        assert!(!asked.ended_unused());
        assert!(asked.is_first_useless_end());
    }
}
