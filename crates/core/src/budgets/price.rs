//! What a question or an answer costs.

use super::names::Seen;

/// Octets for the sums of hour and day.
#[derive(Clone, Copy, Default)]
pub(super) struct Price {
    pub(super) hour: u32,
    pub(super) day: u32,
}

impl Price {
    pub(super) fn add(&mut self, octets: u32, seen: Seen) {
        self.hour += if seen.in_hour { 0 } else { octets };
        self.day += if seen.in_day { 0 } else { octets };
    }

    pub(super) fn is_nothing(self) -> bool {
        self.hour == 0 && self.day == 0
    }
}
