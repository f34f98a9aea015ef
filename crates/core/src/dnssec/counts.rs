//! What validation found out, counted.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use super::Security;
use crate::counters::Total;
use crate::reason::Reason;

/// Answers by what validation found out, and whether the clock fits the signatures of an anchor.
#[derive(Debug, Default)]
pub struct Counts {
    secure: AtomicU64,
    insecure: AtomicU64,
    bogus: AtomicU64,
    indeterminate: AtomicU64,
    clock: AtomicU8,
}

impl Counts {
    /// Counts one answer.
    pub fn count(&self, security: Security) {
        let counter = match security {
            Security::Unchecked => return,
            Security::Secure => &self.secure,
            Security::Insecure => &self.insecure,
            Security::Failed(
                Reason::DnssecIndeterminate | Reason::DnssecOverLimit | Reason::Overloaded,
            ) => &self.indeterminate,
            Security::Failed(_) => &self.bogus,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Notes whether the keys of an anchor are signed for now. They nearly always are, so that a
    /// clock that is wrong shows there.
    pub fn note_anchor(&self, outcome: Result<(), Reason>) {
        let clock = match outcome {
            Err(Reason::DnssecSignatureExpired) => 1,
            Err(Reason::DnssecSignatureNotYetValid) => 2,
            _ => 0,
        };
        self.clock.store(clock, Relaxed);
    }

    /// What is wrong with the clock, or with an anchor, in plain words; none where all is well.
    pub fn clock_fault(&self) -> Option<&'static str> {
        match self.clock.load(Relaxed) {
            1 => Some(
                "the signatures of a trust anchor have expired: the clock is ahead, or the anchor's zone is not signed anew",
            ),
            2 => Some("the signatures of a trust anchor are not valid yet: the clock is behind"),
            _ => None,
        }
    }

    /// The counts by their counters.
    pub fn totals(&self) -> [(Total, u64); 4] {
        [
            (Total::DnssecSecure, self.secure.load(Relaxed)),
            (Total::DnssecInsecure, self.insecure.load(Relaxed)),
            (Total::DnssecBogus, self.bogus.load(Relaxed)),
            (Total::DnssecIndeterminate, self.indeterminate.load(Relaxed)),
        ]
    }
}
