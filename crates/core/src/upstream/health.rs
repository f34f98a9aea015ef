//! Whether an upstream is fit to be asked first, and when it is worth another connection.

use std::time::Duration;

use keyhole_wire::Name;
use tokio::time::Instant;

use super::error::UpstreamError;

/// Queries in a row without any sign of life after which an upstream counts as away. One or two
/// may only be slow names.
const SILENT_QUERIES: u32 = 3;
/// In this time further questions for a name without an answer count no more than the first one.
const SAME_NAME: Duration = Duration::from_secs(2);
/// Queries in a row that were turned away unprocessed after which others are asked first.
const TURNED_AWAY: u32 = 8;
/// Queries in a row that an upstream refused, or could not answer where another one could, after
/// which others are asked first.
const REFUSED_QUERIES: u32 = 5;
/// An upstream that answered anybody within this time answers now.
const RECENT: Duration = Duration::from_secs(5);
/// Connections in a row without an answer after which the upstream counts as refusing them.
const USELESS_CONNECTIONS: u32 = 3;
/// The first pause after a failed connection; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause, before jitter: an upstream that is back is in use again within 5 seconds.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// An upstream that failed for less than this may be on its way back: it restarts, or the network
/// changes.
const BRIEFLY: Duration = Duration::from_secs(10);
/// The longest pause meanwhile, so that whoever waits for it still gets an answer.
const MAX_BRIEF_PAUSE: Duration = Duration::from_millis(400);
/// The longest time that an upstream is left alone because it asked for it.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The state of one upstream. It knows no clock and no randomness; both come in.
///
/// Silence, connections that fail, refusals and the errors of HTTP, which come over TLS, count
/// against an upstream. Nonsense does not: otherwise forged errors could take it out of use.
#[derive(Debug)]
pub(super) struct Health {
    failures: u32,
    silent: u32,
    /// The name that stayed without an answer last, and when that was counted.
    silent_name: Option<(Name, Instant)>,
    useless: u32,
    turned_away: u32,
    refused_queries: u32,
    answered_at: Option<Instant>,
    retry_at: Option<Instant>,
    /// Since when no connection brings an answer, for reasons that may pass.
    failing_since: Option<Instant>,
    /// Until when it asked to be left alone.
    busy_until: Option<Instant>,
    refused: Option<UpstreamError>,
    last_error: Option<String>,
}

impl Health {
    /// An upstream that was not asked yet.
    pub(super) fn new() -> Self {
        Self {
            failures: 0,
            silent: 0,
            silent_name: None,
            useless: 0,
            turned_away: 0,
            refused_queries: 0,
            answered_at: None,
            retry_at: None,
            failing_since: None,
            busy_until: None,
            refused: None,
            last_error: None,
        }
    }

    /// An answer came that says something of the name.
    pub(super) fn answered(&mut self, now: Instant) {
        self.refused_queries = 0;
        self.failed_to_resolve(now);
    }

    /// An answer came, whatever it says.
    pub(super) fn failed_to_resolve(&mut self, now: Instant) {
        self.answered_at = Some(now);
        self.silent = 0;
        self.silent_name = None;
        self.useless = 0;
        self.turned_away = 0;
        self.failing_since = None;
        self.refused = None;
        // Who refuses everything stays away until it answers something, and who asked to be left
        // alone is left alone, whatever it answers to queries of before.
        if self.refused_queries < REFUSED_QUERIES && self.asked_pause(now).is_none() {
            self.failures = 0;
            self.retry_at = None;
        }
    }

    /// A query was refused, or another upstream could answer what this one could not. After some in
    /// a row it is asked after the others; it stays in use, and one answer brings it back.
    pub(super) fn refused_query(&mut self, now: Instant, jitter: f32) {
        self.refused_queries = self.refused_queries.saturating_add(1);
        if self.refused_queries >= REFUSED_QUERIES {
            let count = self.refused_queries;
            self.last_error = Some(format!("{count} queries in a row refused or not resolved"));
            self.pause(now, jitter);
        }
    }

    /// HTTP answered, but not DNS: the path is wrong, say, or a proxy demands a password. That counts
    /// like a refusal.
    pub(super) fn answered_without_dns(
        &mut self,
        error: &UpstreamError,
        now: Instant,
        jitter: f32,
    ) {
        self.refused_query(now, jitter);
        self.last_error = Some(error.to_string());
    }

    /// A connection is up; answers have yet to come, so order does not change.
    pub(super) fn connected(&mut self) {
        self.refused = None;
    }

    /// No connection could be made. `jitter` is from 0 to 1.
    pub(super) fn refused(&mut self, error: &UpstreamError, now: Instant, jitter: f32) {
        self.last_error = Some(error.to_string());
        self.refused = Some(error.clone());
        self.failing_since = self.failing_since.or(Some(now)).filter(|_| error.may_pass);
        self.pause(now, jitter);
    }

    /// Whether it began to fail a moment ago, so that it may be back before the client leaves.
    pub(super) fn fails_briefly(&self, now: Instant) -> bool {
        self.failing_since.is_some_and(|since| now < since + BRIEFLY)
    }

    /// For how long it is still to be left alone, because it asked for it (RFC 9110 section
    /// 10.2.3).
    pub(super) fn asked_pause(&self, now: Instant) -> Option<Duration> {
        self.busy_until.filter(|until| now < *until).map(|until| until - now)
    }

    /// Whether it answered anybody a moment ago.
    pub(super) fn answers_now(&self, now: Instant) -> bool {
        self.answered_at.is_some_and(|at| now < at + RECENT)
    }

    /// A query was turned away unprocessed. That says that the upstream is there, hence it is only
    /// asked after others when it does nothing else.
    pub(super) fn turned_away(&mut self, error: &UpstreamError, now: Instant, jitter: f32) {
        self.last_error = Some(error.to_string());
        self.turned_away = self.turned_away.saturating_add(1);
        if self.turned_away >= TURNED_AWAY {
            self.pause(now, jitter);
        }
        if let Some(asked) = error.retry_after.filter(|asked| !asked.is_zero()) {
            let until = now + asked.min(MAX_RETRY_AFTER);
            self.busy_until = self.busy_until.max(Some(until));
            self.retry_at = self.retry_at.max(self.busy_until);
        }
    }

    /// A connection ended before it brought a single answer. One or two may be chance, and their
    /// queries deserve another; a third in a row is as good as refused.
    pub(super) fn was_useless(&mut self, error: &UpstreamError, now: Instant, jitter: f32) {
        self.useless = self.useless.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.last_error = Some(error.to_string());
        if self.useless >= USELESS_CONNECTIONS {
            self.refused(error, now, jitter);
        }
    }

    /// A query stayed without an answer, and nothing else came meanwhile. Returns how many did so
    /// in a row. The same name counts once in [`SAME_NAME`]: its types are asked for together, and
    /// nobody may answer for it. But who asks for nothing else shall not wait for ever either.
    pub(super) fn was_silent(&mut self, name: &Name, now: Instant, jitter: f32) -> u32 {
        let is_same = |(last, at): (Name, Instant)| {
            last == *name && now.saturating_duration_since(at) < SAME_NAME
        };
        if self.silent_name.is_some_and(is_same) {
            return self.silent;
        }
        self.silent_name = Some((*name, now));
        self.silent = self.silent.saturating_add(1);
        if self.silent >= SILENT_QUERIES {
            self.last_error = Some(format!("{} queries in a row without an answer", self.silent));
            self.pause(now, jitter);
        }
        self.silent
    }

    /// Remembers the text of an error that does not affect health.
    pub(super) fn note(&mut self, error: &UpstreamError) {
        self.last_error = Some(error.to_string());
    }

    /// Whether it is fit to be asked first.
    pub(super) fn is_healthy(&self) -> bool {
        self.retry_at.is_none()
    }

    /// The error with which the last connection failed, while it is too early for another.
    pub(super) fn backoff_error(&self, now: Instant) -> Option<&UpstreamError> {
        self.refused.as_ref().filter(|_| self.retry_at.is_some_and(|at| now < at))
    }

    /// Whether an upstream that is away should get a copy of a real query by now; if so, the next
    /// one is due a pause later.
    pub(super) fn take_probe(&mut self, now: Instant) -> bool {
        let due = self.retry_at.is_some_and(|at| now >= at);
        if due {
            self.retry_at = Some(now + self.pause_length(now));
            // The probe itself must be let through.
            self.refused = None;
        }
        due
    }

    /// The last error as text.
    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn pause(&mut self, now: Instant, jitter: f32) {
        self.failures = self.failures.saturating_add(1);
        // Three quarters to five quarters: replicas must not retry at the same time.
        let pause = self.pause_length(now).mul_f32(0.75 + 0.5 * jitter);
        self.retry_at = Some(now + pause).max(self.busy_until);
    }

    fn pause_length(&self, now: Instant) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(8);
        let max = if self.fails_briefly(now) { MAX_BRIEF_PAUSE } else { MAX_PAUSE };
        (FIRST_PAUSE * (1 << doublings)).min(max)
    }
}

#[cfg(test)]
mod tests;
