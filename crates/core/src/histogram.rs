//! A histogram of durations with fixed buckets, written without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};

/// Upper edges of the buckets in microseconds; the last bucket has none.
const EDGES: [u64; 16] = [
    10, 50, 100, 250, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000,
];
const MICROS_PER_SECOND: f64 = 1e6;

/// How many durations fell into each bucket, and their sum.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; EDGES.len() + 1],
    micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = EDGES.iter().position(|edge| micros <= *edge).unwrap_or(EDGES.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    /// The sum of several as a document: `buckets` with the upper edge in seconds (none for the
    /// last) and the count of each, `sum` in seconds.
    pub fn document<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Value {
        let total = |pick: &dyn Fn(&Self) -> u64| all.clone().map(pick).sum::<u64>();
        let seconds = |micros: u64| micros as f64 / MICROS_PER_SECOND;
        let buckets: Vec<Value> = (0..=EDGES.len())
            .map(|at| {
                let count = total(&|one| one.buckets[at].load(Relaxed));
                json!([EDGES.get(at).copied().map(seconds), count])
            })
            .collect();
        json!({"buckets": buckets, "sum": seconds(total(&|one| one.micros.load(Relaxed)))})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_whose_edge_it_does_not_pass() {
        let (one, other) = (Histogram::default(), Histogram::default());
        for micros in [10, 11, 50, 6_000_000] {
            one.add(Duration::from_micros(micros));
        }
        other.add(Duration::from_micros(1));
        let document = Histogram::document([&one, &other].into_iter());
        assert_eq!(document["buckets"][0], json!([0.00001, 2]));
        assert_eq!(document["buckets"][1], json!([0.00005, 2]));
        assert_eq!(document["buckets"][16], json!([null, 1]));
        assert_eq!(document["sum"], json!(6.000072));
    }
}
