//! How many distinct things were met within the last hour, in fixed memory: a sketch.
//!
//! Each thing has one cell, chosen by its hash, which remembers when it was last counted. A thing whose
//! cell is fresh counts nothing: it was met before, or another one was that has the same cell. What is
//! lost by the second comes back with those that count: each counts as often as there are cells for one
//! that is not fresh. So the sum is right on average. With as many things as cells its error is some
//! three of a hundred, which no limit of ours needs better, and one cell is all that a query touches. A
//! HyperLogLog of the same size counts to billions, which is of no use here.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::slots::{Slots, Sum, age, change};

/// A number of the current slot that is half a circle away: the cell is free.
const FREE: u8 = 128;

/// So many cells.
pub(super) struct Cells<const CELLS: usize> {
    /// The slot of the hour in which each was counted.
    counted: [AtomicU8; CELLS],
    fresh: AtomicU64,
}

impl<const CELLS: usize> Cells<CELLS> {
    pub(super) fn new() -> Self {
        Self { counted: std::array::from_fn(|_| AtomicU8::new(0)), fresh: AtomicU64::new(0) }
    }

    /// Forgets everything.
    pub(super) fn begin(&self, at: Slots) {
        for cell in &self.counted {
            cell.store(at.hour.wrapping_sub(FREE), Ordering::Relaxed);
        }
        self.fresh.store(Sum::default().moved(at.hour).0, Ordering::Relaxed);
    }

    /// Forgets what is older than an hour, so that its slots may come again. Due once a day: the numbers
    /// of slots of the hour wrap after three and a half days, and a free cell is half of that away.
    pub(super) fn sweep(&self, at: Slots) {
        let free = at.hour.wrapping_sub(FREE);
        for cell in &self.counted {
            let then = cell.load(Ordering::Relaxed);
            if age(at.hour, then).is_none() {
                // Another worker may count it at this moment, and then it stays.
                let _ = cell.compare_exchange(then, free, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
        change(&self.fresh, |sum| sum.moved(at.hour));
    }

    /// Meets a thing of this weight. If it is new: what it counts. Of two workers that meet it at once,
    /// one counts it.
    pub(super) fn meet(&self, hash: u64, weight: u32, at: Slots) -> Option<u32> {
        let cell = &self.counted[hash as usize % CELLS];
        let then = cell.load(Ordering::Relaxed);
        if age(at.hour, then).is_some() {
            return None;
        }
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        cell.compare_exchange(then, at.hour, order.0, order.1).ok()?;
        let (before, _) = change(&self.fresh, |sum| sum.moved(at.hour).plus(1));
        let fresh = before.moved(at.hour).total().min(CELLS as u32 - 1);
        let free = CELLS as u32 - fresh;
        Some((weight * CELLS as u32 + rounding(hash, free)) / free)
    }
}

/// What is added before a division by `unit`, so that the quotients of many are right on average.
#[inline]
pub(super) fn rounding(hash: u64, unit: u32) -> u32 {
    (hash >> 40) as u32 % unit
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    const NOW: Slots = Slots { hour: 0, day: 0 };

    fn cells() -> Cells<256> {
        let cells = Cells::new();
        cells.begin(NOW);
        cells
    }

    #[test]
    fn what_is_met_again_counts_nothing_until_its_hour_is_over() {
        let cells = cells();
        assert_eq!(cells.meet(7, 20, NOW), Some(20));
        assert_eq!(cells.meet(7, 20, Slots { hour: 3, day: 0 }), None);
        assert_eq!(cells.meet(7, 20, Slots { hour: 4, day: 0 }), Some(20));
    }

    #[test]
    fn the_sum_is_close_to_the_truth_far_beyond_the_number_of_cells() {
        let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
        for (things, weight) in [(10_u64, 10), (100, 1), (256, 1), (256, 10), (600, 10)] {
            let sums = (0..40_u64).map(|run| {
                let cells = cells();
                let met =
                    |thing| cells.meet(hasher.hash_one((run, thing)), weight, NOW).unwrap_or(0);
                let first: u32 = (0..things).map(met).sum();
                let again: u32 = (0..things).map(met).sum();
                assert_eq!(again, 0, "nothing is counted twice");
                f64::from(first)
            });
            let mean = sums.sum::<f64>() / 40.0;
            let error = mean / (u64::from(weight) * things) as f64 - 1.0;
            assert!(error.abs() < 0.05, "{things}: {mean}");
        }
    }

    #[test]
    fn of_workers_that_meet_the_same_things_at_once_one_counts_each() {
        let cells = cells();
        let met = || (0..256).map(|hash| cells.meet(hash, 1, NOW).map_or(0, |_| 1)).sum::<u32>();
        let counted = std::thread::scope(|scope| {
            let workers = [0; 3].map(|_| scope.spawn(met));
            workers.map(|worker| worker.join().unwrap()).iter().sum::<u32>()
        });
        assert_eq!(counted, 256);
    }
}
