//! record: what happened?
//!
//! Always runs, never waits.

use std::time::Duration;

use super::receive::Arrival;
use crate::Reason;
use crate::counters::Counters;

/// Counts one query that ended.
#[inline]
pub fn record(
    counters: &Counters,
    arrival: &Arrival<'_>,
    reason: Reason,
    observed: bool,
    waited: Option<Duration>,
) {
    counters.count(arrival.worker, arrival.transport, reason, observed, waited);
}
