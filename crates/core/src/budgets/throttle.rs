//! How often a new name may pass when a budget is nearly used up: one in ten seconds for each pair.

use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds between two new names.
const EVERY: u64 = 10;
/// Pairs that are told apart; so few are throttled at once that others hardly share a place.
const PAIRS: usize = 1 << 12;

/// When each pair may ask for the next new name, in seconds.
pub(super) struct Throttle(Box<[AtomicU64]>);

impl Throttle {
    pub(super) fn new() -> Self {
        Self((0..PAIRS).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Whether a new name of the pair may pass at this second.
    pub(super) fn take(&self, pair: u64, seconds: u64) -> bool {
        let due = &self.0[pair as usize & (PAIRS - 1)];
        let next = |due: u64| (seconds >= due).then_some(seconds + EVERY);
        due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}
