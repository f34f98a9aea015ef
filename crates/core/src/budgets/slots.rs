//! Sums over the last hour and day, in overlapping windows.
//!
//! Time is cut into slots of a third of an hour and a third of a day. A sum holds the current slot and
//! the three before it, so every span of an hour, wherever it begins, lies within one sum: nobody
//! gains by waiting for the end of a window. A sum reaches back 60 to 80 minutes, or 24 to 32 hours.

use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds of a slot of the hour and of the day.
const HOUR_SLOT: u64 = 1_200;
const DAY_SLOT: u64 = 28_800;

/// Slots of a sum, and the bits of each.
const SLOTS: u32 = 4;
const BITS: u32 = 14;
/// The most that one slot holds: above every budget that can be set.
pub(super) const MAX_SLOT: u64 = (1 << BITS) - 1;
const ALL: u64 = (1 << (SLOTS * BITS)) - 1;
const EPOCH: u32 = SLOTS * BITS;

/// The number of the current slots; they wrap after three days and after three months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) hour: u8,
    pub(super) day: u8,
}

impl Slots {
    #[inline]
    pub(super) fn at(seconds: u64) -> Self {
        Self { hour: (seconds / HOUR_SLOT) as u8, day: (seconds / DAY_SLOT) as u8 }
    }
}

/// How many slots ago that was; none if it does not count any more. Workers read the clock one after
/// the other, so that it may lie ahead by one.
#[inline]
pub(super) fn age(now: u8, then: u8) -> Option<u32> {
    match now.wrapping_sub(then) as i8 {
        -2..=0 => Some(0),
        age @ 1..=3 => Some(age as u32),
        _ => None,
    }
}

/// The octets of the current slot in the lowest bits, those of the slots before it above, and the
/// number of the current slot in the highest ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(pub(super) u64);

impl Sum {
    /// The same sum as of this slot.
    #[inline]
    pub(super) fn moved(self, now: u8) -> Self {
        let then = (self.0 >> EPOCH) as u8;
        match age(now, then) {
            Some(0) => self,
            Some(age) => Self::of(now, (self.0 << (age * BITS)) & ALL),
            None => Self::of(now, 0),
        }
    }

    /// With so many octets more in the current slot; what does not fit is above every budget.
    #[inline]
    pub(super) fn plus(self, octets: u32) -> Self {
        let current = (self.0 & MAX_SLOT).saturating_add(octets.into()).min(MAX_SLOT);
        Self(self.0 & !MAX_SLOT | current)
    }

    /// All its octets.
    #[inline]
    pub(super) fn total(self) -> u32 {
        (0..SLOTS).map(|slot| (self.0 >> (slot * BITS) & MAX_SLOT) as u32).sum()
    }

    /// The larger one of each slot, of two sums as of the same slot.
    pub(super) fn max(self, other: Self) -> Self {
        let larger = |slot: u32| {
            let part = |sum: Self| sum.0 & (MAX_SLOT << (slot * BITS));
            part(self).max(part(other))
        };
        Self(self.0 & !ALL | (0..SLOTS).map(larger).fold(0, |all, part| all | part))
    }

    fn of(epoch: u8, slots: u64) -> Self {
        Self(u64::from(epoch) << EPOCH | slots)
    }
}

/// Changes a sum that all workers share: what it was, and what it is now.
pub(super) fn change(word: &AtomicU64, new: impl Fn(Sum) -> Sum) -> (Sum, Sum) {
    let changed = |old: u64| Some(new(Sum(old)).0);
    match word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, changed) {
        Ok(old) | Err(old) => (Sum(old), new(Sum(old))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_holds_every_hour_and_no_more_than_eighty_minutes() {
        let slot = |minutes: u64| Slots::at(minutes * 60).hour;
        let sum = Sum::default().moved(slot(19)).plus(100);
        assert_eq!(sum.moved(slot(19 + 60)).total(), 100, "just within the hour");
        assert_eq!(sum.moved(slot(80)).total(), 0, "eighty minutes after the slot began");
        assert_eq!(sum.moved(slot(40)).plus(7).moved(slot(79)).total(), 107);
    }

    #[test]
    fn a_sum_of_many_slots_and_of_the_wrapping_number_stays_right() {
        let mut sum = Sum::default();
        for slot in 0..1_000_u32 {
            sum = sum.moved(slot as u8).plus(1);
            assert_eq!(sum.total(), (slot + 1).min(4), "{slot}");
        }
        assert_eq!(sum.moved(230).total(), 4, "a clock read a little earlier");
        assert_eq!(sum.plus(u32::MAX).total(), 16_383 + 3);
    }

    #[test]
    fn the_larger_of_two_sums_is_taken_slot_by_slot() {
        let one = Sum::default().moved(1).plus(5).moved(2).plus(1);
        let other = Sum::default().moved(1).plus(2).moved(2).plus(9);
        assert_eq!(one.max(other).total(), 14);
        assert_eq!(one.max(other).moved(3).total(), 14);
    }
}
