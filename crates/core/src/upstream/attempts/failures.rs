//! Answers that do not resolve the name, and which of them the client gets.
//!
//! All upstreams of the set are asked until one resolves the name or says that it does not exist.
//! The best of the other answers is kept meanwhile, and serves once nothing better can be expected.

use keyhole_wire::Rcode;

use super::super::error::{ErrorKind, UpstreamError};
use super::{Attempts, UpstreamAnswer};

impl Attempts<'_> {
    /// Keeps the answer of an upstream that could not resolve the name, and asks the next one.
    pub(super) fn take_failure(&mut self, place: usize, asked: UpstreamAnswer) {
        // It was heard: only messages without an answer are counted.
        self.budget.give_back();
        let rcode = asked.answer.rcode();
        if is_about_the_message(rcode) {
            // RFC 6891 section 6.2.2: perhaps it does not know EDNS.
            if !self.plain.contains(&place) {
                self.plain.push(place);
                return self.start(place, 0);
            }
            // The client's question is in order, so this is nothing to be passed on.
            let words = format!("answered {} to a query that is in order", rcode.0);
            self.note_error(place, UpstreamError::invalid(words));
        } else if !is_about_the_name(rcode) {
            let words = format!("answered {}, which is no code for a query", rcode.0);
            self.note_error(place, UpstreamError::invalid(words));
        } else {
            if rcode != Rcode::REFUSED {
                self.failed.push(place);
            }
            let rank = |one: &UpstreamAnswer| rank(one.answer.rcode());
            if self.unresolved.as_ref().is_none_or(|best| rank(best) < rank(&asked)) {
                self.unresolved = Some(asked);
            }
        }
        self.start_next();
    }

    pub(super) fn note_error(&mut self, place: usize, error: UpstreamError) {
        match error.kind {
            ErrorKind::Unreachable | ErrorKind::Lost => self.was_out_of_reach = true,
            ErrorKind::Invalid if error.is_shared => {}
            ErrorKind::Timeout | ErrorKind::Invalid | ErrorKind::Untrusted => {
                self.hopeless.push(place);
            }
            ErrorKind::Busy | ErrorKind::Unprocessed => {}
        }
        if self.worst.as_ref().is_none_or(|worst| worst.kind < error.kind) {
            self.worst = Some(error);
        }
    }

    /// Whether waiting makes sense: nothing is in hand, or an upstream that is in order has yet to
    /// answer. For one that is away nobody waits with an answer in hand.
    pub(super) fn may_get_better(&self) -> bool {
        let asked = self.running.iter().map(|one| one.place);
        let mut asked = asked.chain(self.repetitions.iter().map(|one| one.place));
        self.unresolved.is_none() || asked.any(|place| self.set.upstreams[place].is_healthy())
    }
}

/// Whether a code speaks of the message that was sent, not of the name: that it cannot be read, or
/// that its operation, EDNS version or cookie is not known.
fn is_about_the_message(rcode: Rcode) -> bool {
    matches!(rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS | Rcode(23))
}

/// Whether a code says something to whoever asked. The others belong to updates, transfers and
/// sessions (RFC 2136 section 2.2, RFC 8490), or to nothing yet; YXDOMAIN is that of a name that an
/// alias makes too long (RFC 6672 section 2.2).
fn is_about_the_name(rcode: Rcode) -> bool {
    matches!(rcode, Rcode::SERVFAIL | Rcode::REFUSED | Rcode::YXDOMAIN)
}

/// How much an answer without a result says: that the name cannot be resolved more than that the
/// upstream does not want to.
fn rank(rcode: Rcode) -> u8 {
    u8::from(rcode != Rcode::REFUSED)
}
