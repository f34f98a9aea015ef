//! record: what happened?
//!
//! Always runs, never waits.

use crate::events::Event;
use crate::state::Core;

/// Counts one query that ended, and writes it down for the query log.
#[inline]
pub fn record(core: &Core, event: &Event<'_>) {
    let Event { arrival, reason, would_block, waited, .. } = *event;
    core.counters.count(arrival.worker, arrival.transport, reason, would_block.is_some(), waited);
    core.events.record(event);
}
