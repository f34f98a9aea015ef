//! record: what happened?
//!
//! Always runs, never waits.

use crate::events::Event;
use crate::state::Core;

/// Counts one query that ended, and writes it down for the query log.
#[inline]
pub fn record(core: &Core, event: &Event<'_>) {
    let Event { arrival, reason, would, waited, .. } = *event;
    core.counters.count(arrival.worker, arrival.transport, reason, would.is_some(), waited);
    core.events.record(event);
}
