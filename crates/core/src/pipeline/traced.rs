//! The way of a query for those who explain it: with a recorder, and without a guard.

use std::time::Instant;

use super::pending::Pending;
use super::progress::EndSummary;
use super::stages_in_order::{Query, end_of_waiting, reply_and_record};
use crate::events::EventContext;
use crate::state::Core;
use crate::traces::MayTime;

/// Waits for the answer, with a recorder, and appends the reply to `out`. Says why it ended.
pub async fn complete_traced(
    core: &Core,
    pending: Box<Pending>,
    out: &mut Vec<u8>,
    trace: &mut impl MayTime,
) -> EndSummary {
    let Pending { question, snapshot, lookup, sender, began, deadline, waiting: _waiting, .. } =
        *pending;
    let policy = Some(lookup.permit().policy());
    let from = sender.borrow();
    let end =
        end_of_waiting(core, lookup, &question, &from, &snapshot, deadline, &mut *trace).await;
    let now = Instant::now();
    let context = EventContext { snapshot: Some(&snapshot), policy };
    let waited = Some(now - began);
    let query = Query { sender: sender.borrow(), now, question: &question, context, waited };
    reply_and_record(core, &query, &end, out, trace).1
}
