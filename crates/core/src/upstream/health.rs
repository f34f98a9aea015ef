//! Whether an upstream is fit to be asked first, and when it is worth another connection.

use std::time::Duration;

use tokio::time::Instant;

use super::error::UpstreamError;

/// Queries in a row without any sign of life after which an upstream counts as away. One or two
/// may only be slow names.
const SILENT_QUERIES: u32 = 3;
/// The first pause after a failed connection; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause, before jitter: an upstream that is back is in use again within 5 seconds.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The state of one upstream. It knows no clock and no randomness; both come in.
///
/// Only silence and connections that fail count against an upstream. What it answers does not,
/// not even nonsense: otherwise forged errors could take it out of use.
#[derive(Debug)]
pub(super) struct Health {
    failures: u32,
    silent: u32,
    useless: u32,
    retry_at: Option<Instant>,
    refused: Option<UpstreamError>,
    last_error: Option<String>,
}

impl Health {
    /// An upstream that was not asked yet.
    pub(super) fn new() -> Self {
        Self { failures: 0, silent: 0, useless: 0, retry_at: None, refused: None, last_error: None }
    }

    /// An answer came, whatever it says.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.silent = 0;
        self.useless = 0;
        self.retry_at = None;
        self.refused = None;
    }

    /// A connection is up; answers have yet to come, so order does not change.
    pub(super) fn connected(&mut self) {
        self.refused = None;
    }

    /// No connection could be made. `jitter` is from 0 to 1.
    pub(super) fn refused(&mut self, error: &UpstreamError, now: Instant, jitter: f32) {
        self.last_error = Some(error.to_string());
        self.refused = Some(error.clone());
        self.pause(now, jitter);
    }

    /// A connection ended before it brought a single answer. The first one may be chance, and its
    /// query deserves another; from the second on it is as good as refused.
    pub(super) fn was_useless(&mut self, error: &UpstreamError, now: Instant, jitter: f32) {
        self.useless = self.useless.saturating_add(1);
        self.last_error = Some(error.to_string());
        if self.useless > 1 {
            self.refused(error, now, jitter);
        }
    }

    /// A query stayed without an answer, and nothing else came meanwhile. Returns how many did so
    /// in a row.
    pub(super) fn was_silent(&mut self, now: Instant, jitter: f32) -> u32 {
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
            self.retry_at = Some(now + self.pause_length());
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
        self.retry_at = Some(now + self.pause_length().mul_f32(0.75 + 0.5 * jitter));
    }

    fn pause_length(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(8);
        (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorKind;
    use super::*;

    fn refusal() -> UpstreamError {
        UpstreamError::new(ErrorKind::Unreachable, "connection refused at 192.0.2.1:853")
    }

    #[test]
    fn pauses_grow_but_stay_short_enough_to_recover_within_five_seconds() {
        let mut health = Health::new();
        let now = Instant::now();
        for _ in 0..50 {
            health.refused(&refusal(), now, 1.0);
        }
        assert!(!health.is_healthy());
        assert!(health.backoff_error(now + Duration::from_millis(2400)).is_some());
        assert!(health.backoff_error(now + Duration::from_millis(2600)).is_none());
    }

    #[test]
    fn a_probe_is_due_once_per_pause_and_an_answer_ends_the_pause() {
        let mut health = Health::new();
        let now = Instant::now();
        health.refused(&refusal(), now, 0.0);
        assert!(!health.take_probe(now));
        let later = now + Duration::from_millis(200);
        assert!(health.take_probe(later));
        assert!(!health.take_probe(later));
        assert!(health.backoff_error(later).is_none());
        health.answered();
        assert!(health.is_healthy());
        assert_eq!(health.last_error(), Some("connection refused at 192.0.2.1:853"));
    }

    #[test]
    fn one_slow_name_does_not_make_an_upstream_unhealthy() {
        let mut health = Health::new();
        let now = Instant::now();
        health.was_silent(now, 0.5);
        health.was_silent(now, 0.5);
        assert!(health.is_healthy());
        health.answered();
        health.was_silent(now, 0.5);
        assert!(health.is_healthy());
        health.was_silent(now, 0.5);
        health.was_silent(now, 0.5);
        assert!(!health.is_healthy());
    }
}
