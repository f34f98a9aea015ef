//! How long an upstream may stay silent before a question is repeated, and how often that may be.
//!
//! A connection whose state was dropped on the way, or whose server stopped, ends nothing: no
//! answer comes any more. A slow name looks the same from here. So a question that waits for longer
//! than this upstream usually takes is repeated once over another connection: an answer there shows
//! that it was the connection. What cannot be told apart is limited to a share of what the upstream answers.

use std::time::Duration;

use tokio::time::Instant;

/// No question is repeated earlier.
const LEAST: Duration = Duration::from_millis(300);
/// The same while nothing is known of how long answers take (RFC 6298 section 2.1).
const UNKNOWN: Duration = Duration::from_secs(1);
/// Repetitions on suspicion that are in hand at most.
const MAX_REPEATS: f32 = 8.0;
/// Repetitions on suspicion that one answer adds.
const REPEATS_PER_ANSWER: f32 = 0.05;

/// How long the answers of one upstream take, and how many repetitions are in hand.
#[derive(Debug)]
pub(super) struct Silence {
    /// Seconds of the moving average of round trips, and of their deviation from it.
    usual: Option<(f32, f32)>,
    repeats: f32,
}

impl Silence {
    pub(super) fn new() -> Self {
        Self { usual: None, repeats: MAX_REPEATS }
    }

    /// A question that was asked then was answered now.
    pub(super) fn answered(&mut self, asked_at: Instant, now: Instant) {
        let took = now.saturating_duration_since(asked_at).as_secs_f32();
        // RFC 6298 section 2: a weight of an eighth, and of a quarter for the deviation.
        self.usual = Some(match self.usual {
            None => (took, took / 2.0),
            Some((mean, deviation)) => {
                (mean * 0.875 + took * 0.125, deviation * 0.75 + (mean - took).abs() * 0.25)
            }
        });
        self.repeats = (self.repeats + REPEATS_PER_ANSWER).min(MAX_REPEATS);
    }

    /// How long a question waits before it may have been lost, at least `least`. Twice the usual
    /// time at least, so that an upstream that is slow throughout is not asked twice; but half of
    /// `limit`, after which it has failed, is left for the repetition.
    pub(super) fn longest_wait(&self, least: Duration, limit: Duration) -> Duration {
        let usual = self.usual.map_or(UNKNOWN, |(mean, deviation)| {
            Duration::from_secs_f32((mean * 2.0).max(mean + 4.0 * deviation))
        });
        least.max(LEAST).max(usual.min(limit / 2))
    }

    /// Takes one repetition on suspicion, if there is one in hand. Those for single messages on a
    /// connection that is in order leave half of them for connections that may be dead.
    pub(super) fn take_repeat(&mut self, is_of_connection: bool) -> bool {
        let least = if is_of_connection { 1.0 } else { 1.0 + MAX_REPEATS / 2.0 };
        let may = self.repeats >= least;
        self.repeats -= f32::from(u8::from(may));
        may
    }

    /// A repetition that was taken was not sent.
    pub(super) fn give_back(&mut self) {
        self.repeats = (self.repeats + 1.0).min(MAX_REPEATS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_wait_follows_the_usual_time_of_answers() {
        let (mut silence, start) = (Silence::new(), Instant::now());
        let limit = 2000 * MS;
        assert_eq!(silence.longest_wait(MS, limit), UNKNOWN);
        for _ in 0..50 {
            silence.answered(start, start + 10 * MS);
        }
        assert_eq!(silence.longest_wait(MS, limit), LEAST);
        assert_eq!(silence.longest_wait(900 * MS, limit), 900 * MS, "a policy may wait longer");
        let mut slow = Silence::new();
        for _ in 0..50 {
            slow.answered(start, start + 800 * MS);
            assert!(slow.longest_wait(MS, 4 * limit) >= 1599 * MS);
            assert_eq!(slow.longest_wait(MS, limit), 1000 * MS);
        }
    }

    #[test]
    fn repetitions_on_suspicion_are_a_share_of_the_answers() {
        let (mut silence, start) = (Silence::new(), Instant::now());
        let taken = |silence: &mut Silence, is_of_connection| {
            (0..100).filter(|_| silence.take_repeat(is_of_connection)).count()
        };
        assert_eq!(taken(&mut silence, false), 4, "the other half is for connections");
        assert_eq!(taken(&mut silence, true), 4);
        for _ in 0..100 {
            silence.answered(start, start + MS);
        }
        assert!((4..=5).contains(&taken(&mut silence, true)));
        silence.give_back();
        assert_eq!(taken(&mut silence, true), 1);
    }
}
