//! How long a connection may take for what it does, and the one timer that watches it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use crate::options::Limits;

/// What a connection is waited for, and since when. Knows no clock.
pub(super) struct Timeouts {
    idle: Duration,
    read: Duration,
    write: Duration,
    active: Instant,
    message: Option<Instant>,
    blocked: Option<Instant>,
}

impl Timeouts {
    /// A connection that opened now; its first message has to come within the time of a message.
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            idle: Duration::from_millis(limits.idle_ms),
            read: Duration::from_millis(limits.read_ms),
            write: Duration::from_millis(limits.write_ms),
            active: now,
            message: Some(now),
            blocked: None,
        }
    }

    /// A whole message came; `more` says that the next one has begun to come.
    pub(super) fn message_ended(&mut self, now: Instant, more: bool) {
        self.active = now;
        self.message = more.then_some(now);
    }

    /// The first octets of a message came, and maybe not for the first time.
    pub(super) fn message_began(&mut self, now: Instant) {
        self.message.get_or_insert(now);
    }

    /// Nothing is expected of the client: it is not read from.
    pub(super) fn message_paused(&mut self) {
        self.message = None;
    }

    /// Something was answered: the time of an idle connection starts again.
    pub(super) fn answered(&mut self, now: Instant) {
        self.active = now;
    }

    /// The client does not take what was written, and maybe has not for a while.
    pub(super) fn write_blocked(&mut self, now: Instant) {
        self.blocked.get_or_insert(now);
    }

    /// The client took everything.
    pub(super) fn write_ended(&mut self) {
        self.blocked = None;
    }

    /// Whether the client has something to take.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// When the connection has to be given up unless something happens; none while it waits for
    /// answers, because each of them comes by a deadline of its own.
    pub(super) fn due(&self, waiting: bool) -> Option<Instant> {
        let message = self.message.map(|since| since + self.read);
        let blocked = self.blocked.map(|since| since + self.write);
        match (message, blocked) {
            (Some(message), Some(blocked)) => Some(message.min(blocked)),
            (None, None) if waiting => None,
            (None, None) => Some(self.active + self.idle),
            (one, other) => one.or(other),
        }
    }
}

/// A timer that is set again only when it goes off too early. Most connections move their deadline
/// with every query; none of that touches the timers of the runtime.
pub(super) struct DeadlineTimer(Pin<Box<Sleep>>);

impl DeadlineTimer {
    /// Goes off at the first deadline that is asked about, at the latest.
    pub(super) fn new(first: Instant) -> Self {
        Self(Box::pin(tokio::time::sleep_until(first.into())))
    }

    /// Ready when `due` has passed; else the task is woken no later than then. `now` is when the
    /// turn of the task began: a client that never stops sending uses up the turn before the timer
    /// gets its own (tokio's cooperative budget), and would never be late by the timer alone.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        due: Option<Instant>,
    ) -> Poll<()> {
        let Some(due) = due else { return Poll::Pending };
        if now >= due {
            return Poll::Ready(());
        }
        let due = tokio::time::Instant::from_std(due);
        if due < self.0.deadline() {
            self.0.as_mut().reset(due);
        }
        while self.0.as_mut().poll(cx).is_ready() {
            if self.0.deadline() >= due {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts(now: Instant) -> Timeouts {
        Timeouts {
            idle: Duration::from_secs(30),
            read: Duration::from_secs(5),
            write: Duration::from_secs(10),
            active: now,
            message: Some(now),
            blocked: None,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn octets_that_trickle_in_do_not_move_the_deadline_of_their_message() {
        let start = Instant::now();
        let mut timeouts = timeouts(start);
        timeouts.message_began(after(start, 4));
        assert_eq!(timeouts.due(false), Some(after(start, 5)));
        timeouts.message_ended(after(start, 4), true);
        timeouts.message_began(after(start, 6));
        assert_eq!(timeouts.due(true), Some(after(start, 9)));
    }

    #[test]
    fn a_connection_that_waits_for_answers_is_not_idle() {
        let start = Instant::now();
        let mut timeouts = timeouts(start);
        timeouts.message_ended(after(start, 1), false);
        assert_eq!(timeouts.due(true), None);
        timeouts.answered(after(start, 3));
        assert_eq!(timeouts.due(false), Some(after(start, 33)));
    }

    #[test]
    fn a_client_that_takes_no_answers_is_given_up_even_while_it_waits() {
        let start = Instant::now();
        let mut timeouts = timeouts(start);
        timeouts.message_ended(start, false);
        timeouts.write_blocked(after(start, 2));
        timeouts.write_blocked(after(start, 8));
        assert_eq!(timeouts.due(true), Some(after(start, 12)));
        timeouts.write_ended();
        assert_eq!(timeouts.due(true), None);
    }
}
