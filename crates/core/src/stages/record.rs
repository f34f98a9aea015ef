//! record: what happened?
//!
//! Always runs, never waits.

use std::time::Duration;

use crate::counters::{Counters, Took};
use crate::events::{Event, Events};

/// Writes one query that ended down for the query log, and counts it; how long it took.
///
/// In this order: whoever reads the counters first and the events then finds an event for each query
/// that was counted, unless it was lost or may not be logged. Alike ones of a busy worker are found
/// once their second is over.
#[inline]
pub fn record(counters: &Counters, events: &Events, event: &Event<'_>) -> Duration {
    let Event { sender, reason, would_block, waited, .. } = *event;
    if event.is_own {
        counters.count_own(sender.worker);
        events.record(event);
        return Duration::ZERO;
    }
    let is_logged = events.record(event);
    let observed = would_block.is_some();
    // An answer that waited for nobody ends some microseconds after the packets were read.
    let took = waited.map_or_else(|| Took::AnsweredHere(event.ended.elapsed()), Took::Waited);
    counters.count(sender.worker, sender.transport, reason, observed, took, is_logged);
    took.duration()
}
