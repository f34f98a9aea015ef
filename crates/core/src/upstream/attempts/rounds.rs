//! Repetitions at one upstream, and further rounds of all of them.
//!
//! A round comes while an upstream cannot be reached since a moment ago, whatever became of the
//! others. An upstream that restarts, or a network that changes, is often back before the client
//! leaves. Where the failure lasts, queries end at once.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::UpstreamError;
use super::super::pool::jitter;
use super::super::repeat::{Repetition, Verdict};
use super::{Attempts, Running};

/// The pause before the first further round; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause, before jitter: ten rounds until a usual client leaves.
const MAX_PAUSE: Duration = Duration::from_millis(500);

impl Attempts<'_> {
    pub(super) fn plan_repetition(&mut self, ended: &Running<'_>, error: &UpstreamError) {
        let asked = (ended.place, ended.state.connection.load(Relaxed));
        let planned = Repetition::after(error, asked, ended.answered, self.repeated, jitter());
        // One that would come too late ends the wait at once, with the reason.
        self.repetitions.extend(planned.filter(|one| one.at < self.deadline));
    }

    /// Starts the repetitions that are due.
    pub(super) fn repeat_due(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.repetitions.extract_if(.., |one| one.at <= now).collect();
        for one in due {
            let verdict = one.judge(&self.set.upstreams[one.place].signs());
            if verdict == Verdict::Free && one.sent() {
                self.budget.give_back();
            }
            if verdict != Verdict::Left && !self.budget.is_empty() {
                self.repeated += 1;
                self.start(one.place, one.avoid);
            }
        }
    }

    /// Whether nothing is under way, and nothing planned at a single upstream.
    pub(super) fn is_at_rest(&self) -> bool {
        self.running.is_empty() && self.repetitions.is_empty()
    }

    /// When there is to be another round, if an upstream may be back before the deadline.
    pub(super) fn next_round(&self) -> Option<Instant> {
        let may_be_back = |place: usize| self.set.upstreams[place].fails_briefly();
        if !self.was_out_of_reach || !self.round_order().into_iter().any(may_be_back) {
            return None;
        }
        let pause = (FIRST_PAUSE * (1 << self.rounds.min(8))).min(MAX_PAUSE);
        let at = Instant::now() + pause.mul_f32(0.75 + 0.5 * jitter());
        Some(at).filter(|at| *at < self.deadline)
    }

    /// The places that a round asks, best first: who kept silent, answered nonsense or could not
    /// prove who it is does the same once more.
    fn round_order(&self) -> Vec<usize> {
        let mut order = self.set.order();
        order.retain(|place| !self.hopeless.contains(place));
        order
    }

    /// Tries the upstreams once more. A question that upstreams received and did not survive is not
    /// to be put to all of them again and again, hence a round has one message, and the next round
    /// begins with another upstream.
    pub(super) fn start_round(&mut self) {
        self.round_at = None;
        self.rounds += 1;
        if self.budget.is_empty() {
            self.budget.give_back();
        }
        let mut order = self.round_order();
        let first = self.rounds as usize % order.len().max(1);
        order.rotate_left(first);
        self.left = order.into_iter();
        self.start_next();
    }
}
