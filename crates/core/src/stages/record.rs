//! record: what happened?
//!
//! Always runs, never waits.

use crate::counters::Counters;
use crate::events::{Event, Events};

/// Counts one query that ended, and writes it down for the query log.
#[inline]
pub fn record(counters: &Counters, events: &Events, event: &Event<'_>) {
    let Event { sender, reason, would_block, waited, .. } = *event;
    if event.is_own {
        counters.count_own(sender.worker);
        return events.record(event);
    }
    counters.count(sender.worker, sender.transport, reason, would_block.is_some(), waited);
    events.record(event);
}
