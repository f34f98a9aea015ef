//! Further attempts beside those that stay without an answer.
//!
//! The next upstream comes first. After the last one, those that are silent are asked once more,
//! over other connections: a connection may be open and bring nothing any more, or what stands
//! behind it. A server that only answers slowly is not asked again and again.

use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::super::error::{ErrorKind, UpstreamError};
use super::super::server::Look;
use super::{Attempts, Running};

/// Attempts beside others for one question, at upstreams that answer somebody meanwhile. The
/// pauses and the deadline usually end it before.
const MAX_HEDGES: u32 = 16;
/// The pause doubles at most so often.
const MAX_DOUBLINGS: u32 = 5;

impl Attempts<'_> {
    /// Starts one more attempt beside those under way: at the next upstream, or else on another
    /// connection.
    pub(super) fn hedge(&mut self) {
        if !self.start_next() {
            let silent = self.silent_places();
            // While its first connection is still opening, another one would not be faster.
            if let Some(&(place, used, look)) =
                silent.get(self.hedges as usize % silent.len().max(1))
            {
                self.hedge_at_place(place, used, look);
            }
        }
        let pause = self.set.hedge_after() * (1 << self.doublings.min(MAX_DOUBLINGS));
        self.hedge_at = Some(Instant::now() + pause);
    }

    fn hedge_at_place(&mut self, place: usize, used: u64, look: Look) {
        // Somebody is there, so what stays without an answer was lost.
        let is_lost = matches!(look, Look::Mute | Look::Overtaken)
            && self.set.upstreams[place].signs().answers_now;
        if self.budget.is_empty() && is_lost && self.hedges < MAX_HEDGES {
            self.budget.give_back();
        }
        // The next connection may be as good as the last one was. A slow name is slow everywhere.
        self.doublings += u32::from(look != Look::Early && (look != Look::Mute || !is_lost));
        if self.budget.is_empty() || (self.hedges > 0 && matches!(look, Look::Waits | Look::Early))
        {
            return;
        }
        self.hedges += 1;
        self.start(place, used);
    }

    /// The places with attempts under way, each with the connection that was asked there last and
    /// how that looks. Those that are in order come first, and nobody else where there are such.
    fn silent_places(&self) -> Vec<(usize, u64, Look)> {
        let silence = self.set.hedge_after();
        let mut found: Vec<(usize, u64, Look)> = Vec::with_capacity(self.running.len());
        for one in &self.running {
            let used = one.state.connection.load(Relaxed);
            // Whatever is done: no other question is put to a connection that brings nothing.
            let look = self.set.upstreams[one.place].look_at(&one.state, silence);
            if used != 0 {
                found.retain(|(place, ..)| *place != one.place);
                found.push((one.place, used, look));
            }
        }
        let is_healthy = |place: usize| self.set.upstreams[place].is_healthy();
        if found.iter().any(|(place, ..)| is_healthy(*place)) {
            found.retain(|(place, ..)| is_healthy(*place));
        }
        found
    }

    /// Remembers where one more message may bring an answer: what was nonsense may be none over
    /// another connection, and an upstream that answers others may be through with them.
    pub(super) fn note_failed_try(&mut self, ended: &Running<'_>, error: &UpstreamError) {
        let used = ended.state.connection.load(Relaxed);
        let avoid = match error.kind {
            ErrorKind::Invalid if !error.is_shared && used != 0 => used,
            ErrorKind::Timeout if self.set.upstreams[ended.place].signs().answers_now => 0,
            _ => return,
        };
        self.once_more.get_or_insert((ended.place, avoid));
    }

    /// Sends that message, once, where there is nothing in hand.
    pub(super) fn ask_once_more(&mut self) {
        if self.was_asked_once_more || self.unresolved.is_some() || self.budget.is_empty() {
            return;
        }
        if let Some((place, avoid)) = self.once_more.take() {
            self.was_asked_once_more = true;
            self.start(place, avoid);
        }
    }
}
