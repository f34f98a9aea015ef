//! Which queries are recorded by share, and ids for them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aws_lc_rs::rand;

use crate::Error;
use crate::trace_context::TraceContext;

/// Queries that pass before the next one is taken; apart, so that workers share no cache line.
#[repr(align(128))]
struct Left(AtomicU64);

/// A share of all trace ids, and of the queries that have none yet.
pub(super) struct Choice {
    share: f64,
    /// Ids with a lot below it are taken; 2^64 takes all.
    bound: u128,
    workers: Box<[Left]>,
    state: AtomicU64,
}

impl Choice {
    pub(super) fn new(share: f64, workers: usize) -> Result<Self, Error> {
        let mut seed = [0; 8];
        rand::fill(&mut seed).map_err(|_| Error::State("the system gives no random bytes"))?;
        let choice = Self {
            share,
            bound: (share * 2f64.powi(64)) as u128,
            workers: (0..workers.max(1)).map(|_| Left(AtomicU64::new(0))).collect(),
            state: AtomicU64::new(u64::from_ne_bytes(seed)),
        };
        for worker in &choice.workers {
            worker.0.store(choice.gap(), Relaxed);
        }
        Ok(choice)
    }

    /// Whether the next query of a worker is taken. Instead of a lot for each query, the number of
    /// those that pass until the next one is drawn: it costs a query nothing but counting.
    #[inline]
    pub(super) fn takes_next(&self, worker: usize) -> bool {
        let Some(Left(left)) = self.workers.get(worker) else { return false };
        match left.load(Relaxed) {
            0 => {
                left.store(self.gap(), Relaxed);
                true
            }
            count => {
                left.store(count - 1, Relaxed);
                false
            }
        }
    }

    /// Whether a trace is taken: whoever has the same share takes the same ones.
    pub(super) fn takes(&self, trace: &TraceContext) -> bool {
        u128::from(trace.lot()) < self.bound
    }

    /// A new trace whose id is taken.
    pub(super) fn sampled(&self) -> TraceContext {
        let lot = (u128::from(self.draw()) * self.bound) >> 64;
        self.trace(lot as u64, true)
    }

    /// A new trace whose id is not taken, unless all are.
    pub(super) fn unsampled(&self) -> TraceContext {
        let rest = (1u128 << 64) - self.bound.min(1 << 64);
        let lot = self.bound + ((u128::from(self.draw()) * rest) >> 64);
        self.trace(lot.min(u128::from(u64::MAX)) as u64, false)
    }

    /// A new span in a trace of somebody else.
    pub(super) fn below(&self, parent: &TraceContext, is_sampled: bool) -> TraceContext {
        TraceContext { span_id: self.span_id(), is_sampled, ..*parent }
    }

    fn trace(&self, lot: u64, is_sampled: bool) -> TraceContext {
        let mut trace_id = [0; 16];
        // No id is zero.
        trace_id[..8].copy_from_slice(&(self.draw() | 1).to_be_bytes());
        trace_id[8..].copy_from_slice(&lot.to_be_bytes());
        TraceContext { trace_id, span_id: self.span_id(), is_sampled }
    }

    fn span_id(&self) -> [u8; 8] {
        (self.draw() | 1).to_be_bytes()
    }

    /// How many queries pass before the next one: geometrically distributed.
    #[cold]
    fn gap(&self) -> u64 {
        if self.share >= 1.0 {
            return 0;
        }
        if self.share <= 0.0 {
            return u64::MAX;
        }
        // From above 0 to 1.
        let uniform = ((self.draw() >> 11) + 1) as f64 / 2f64.powi(53);
        (uniform.ln() / (-self.share).ln_1p()) as u64
    }

    /// SplitMix64: ids must differ, and need not be secret.
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.state.fetch_add(STEP, Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_agree_with_the_decision_that_was_made_for_them() {
        for share in [0.001, 0.5, 0.999] {
            let choice = Choice::new(share, 1).unwrap();
            for _ in 0..2_000 {
                assert!(choice.takes(&choice.sampled()), "{share}");
                assert!(!choice.takes(&choice.unsampled()), "{share}");
            }
        }
    }

    #[test]
    fn about_as_many_queries_are_taken_as_the_share_says() {
        let choice = Choice::new(0.1, 1).unwrap();
        let taken = (0..100_000).filter(|_| choice.takes_next(0)).count();
        assert!((8_500..11_500).contains(&taken), "{taken}");
    }

    #[test]
    fn a_share_of_one_takes_all_and_one_of_zero_none() {
        let (all, none) = (Choice::new(1.0, 1).unwrap(), Choice::new(0.0, 1).unwrap());
        assert!((0..1_000).all(|_| all.takes_next(0) && all.takes(&all.unsampled())));
        assert!((0..1_000).all(|_| !none.takes_next(0) && !none.takes(&none.unsampled())));
    }
}
