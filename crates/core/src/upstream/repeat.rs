//! When a question that an upstream has not answered is put to that upstream once more.
//!
//! DNS queries may be repeated without harm. What a server has not processed is repeated until the
//! deadline and does not count as a message: RFC 9113 sections 6.8 and 8.7 for HTTP/2, RFC 9110
//! section 15 for its status codes, RFC 7766 section 6.2.4 for streams. A pause that grows keeps a
//! server that refuses for ever from being asked without end.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{ErrorKind, UpstreamError};

/// The first pause before a repetition; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause, before jitter.
const MAX_PAUSE: Duration = Duration::from_millis(256);

/// An attempt that is to be repeated at one upstream.
pub(super) struct Repetition {
    /// The place of the upstream in its set.
    pub(super) place: usize,
    /// The connection that is not to be used again, or 0.
    pub(super) avoid: u64,
    /// When.
    pub(super) at: Instant,
    kind: ErrorKind,
    /// The upstream may have processed it.
    is_processed: bool,
    /// The failed attempt sent a message.
    sent: bool,
    /// Answers that the upstream had given when the failed attempt began.
    answered: u64,
}

/// What becomes of a repetition that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes out, and the failed message does not count.
    Free,
    /// It goes out, and the failed message counts.
    Counted,
    /// The upstream is left.
    Left,
}

/// What is known about an upstream when a repetition is due.
pub(super) struct Signs {
    /// Answers that it has given.
    pub(super) answered: u64,
    /// It has answered somebody a moment ago.
    pub(super) answers_now: bool,
}

impl Repetition {
    /// What is repeated after this error, if anything is. `rounds` counts the repetitions at this
    /// upstream so far, `jitter` is from 0 to 1.
    pub(super) fn after(
        error: &UpstreamError,
        (place, connection): (usize, u64),
        answered: u64,
        rounds: u32,
        jitter: f32,
    ) -> Option<Self> {
        let avoid = match error.kind {
            // The connection is in order, or known as closed.
            ErrorKind::Unprocessed => 0,
            ErrorKind::Lost | ErrorKind::Unreachable => connection,
            // What was nonsense may have been the answer to another query.
            ErrorKind::Invalid if error.is_shared => connection,
            ErrorKind::Busy | ErrorKind::Timeout | ErrorKind::Invalid | ErrorKind::Untrusted => {
                return None;
            }
        };
        // Those that were turned away together must not come back together.
        let pause = (FIRST_PAUSE * (1 << rounds.min(16))).min(MAX_PAUSE);
        let wait = error.retry_after.unwrap_or_default();
        let at = Instant::now() + wait + pause.mul_f32(0.75 + 0.5 * jitter);
        let (kind, is_processed, sent) = (error.kind, error.is_processed, connection != 0);
        Some(Self { place, avoid, at, kind, is_processed, sent, answered })
    }

    /// Decides when it is due. Only then is it known what else the upstream answered meanwhile.
    pub(super) fn judge(&self, signs: &Signs) -> Verdict {
        match self.kind {
            ErrorKind::Unprocessed => Verdict::Free,
            ErrorKind::Lost | ErrorKind::Invalid if signs.answers_now && !self.is_processed => {
                Verdict::Free
            }
            // Nothing came from there for a while: that is as likely its end as a closed connection.
            ErrorKind::Lost | ErrorKind::Invalid => Verdict::Counted,
            // It takes no connection now, but answers on another one.
            _ if signs.answered != self.answered => Verdict::Free,
            _ => Verdict::Left,
        }
    }

    /// Whether a message went out that need not count.
    pub(super) fn sent(&self) -> bool {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(kind: ErrorKind, rounds: u32) -> Option<Repetition> {
        Repetition::after(&UpstreamError::new(kind, "test"), (0, 1), 5, rounds, 1.0)
    }

    #[test]
    fn what_was_not_processed_is_repeated_for_free_and_a_lost_query_while_the_upstream_answers() {
        let judge = |kind, answered, answers_now| {
            after(kind, 0).unwrap().judge(&Signs { answered, answers_now })
        };
        assert_eq!(judge(ErrorKind::Unprocessed, 5, false), Verdict::Free);
        assert_eq!(judge(ErrorKind::Lost, 5, true), Verdict::Free);
        assert_eq!(judge(ErrorKind::Lost, 5, false), Verdict::Counted);
        assert_eq!(judge(ErrorKind::Unreachable, 6, true), Verdict::Free);
        assert_eq!(judge(ErrorKind::Unreachable, 5, true), Verdict::Left);
    }

    #[test]
    fn a_server_that_asks_for_time_is_given_it() {
        let wait = Duration::from_secs(2);
        let error = UpstreamError::busy_there("test", Some(wait));
        let planned = Repetition::after(&error, (0, 1), 5, 0, 1.0).unwrap();
        assert!(planned.at > Instant::now() + Duration::from_millis(1900));
    }

    #[test]
    fn what_may_have_been_processed_is_repeated_a_few_times_only() {
        let error = UpstreamError::lost_behind("test");
        let planned = Repetition::after(&error, (0, 1), 5, 0, 1.0).unwrap();
        let signs = Signs { answered: 6, answers_now: true };
        assert_eq!(planned.judge(&signs), Verdict::Counted);
    }

    #[test]
    fn an_answer_that_is_none_is_not_asked_for_again() {
        for kind in [ErrorKind::Invalid, ErrorKind::Untrusted, ErrorKind::Timeout] {
            assert!(after(kind, 0).is_none());
        }
    }

    #[test]
    fn pauses_grow_and_end_at_a_third_of_a_second() {
        let wait = |rounds| after(ErrorKind::Unprocessed, rounds).unwrap().at - Instant::now();
        assert!(wait(0) < Duration::from_millis(10));
        assert!(wait(40) > Duration::from_millis(250));
        assert!(wait(40) < Duration::from_millis(330));
    }
}
