//! Guards against panics: one costs a single query, which is answered with SERVFAIL.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use super::pending::Pending;
use super::progress::{Progress, ReplyInfo};
use super::stages_in_order::{
    Query, begin_traced, end_of_waiting, record_unparsed, reply_and_record,
};
use crate::Reason;
use crate::arrival::Arrival;
use crate::clock::When;
use crate::events::EventContext;
use crate::stages::{End, parse};
use crate::state::Core;
use crate::traces::{MayTime, Recorder, Recording};

/// Takes a query as far as it can go without waiting. Appends the reply to `out`, or leaves `out`
/// as it was. A panic inside costs this query alone, which is answered with SERVFAIL.
#[inline]
pub fn begin(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    match core.traces.as_ref().and_then(|traces| traces.begin(arrival)) {
        None => begin_guarded(core, arrival, out, &mut ()),
        Some(recording) => begin_recorded(core, arrival, out, recording),
    }
}

/// The same with the times of all stages, for the few queries that are chosen for traces.
#[cold]
#[inline(never)]
fn begin_recorded(
    core: &Core,
    arrival: &Arrival<'_>,
    out: &mut Vec<u8>,
    recording: Box<Recording>,
) -> Progress {
    begin_guarded(core, arrival, out, &mut Recorder(Some(recording)))
}

#[inline]
pub(super) fn begin_guarded(
    core: &Core,
    arrival: &Arrival<'_>,
    out: &mut Vec<u8>,
    trace: &mut impl MayTime,
) -> Progress {
    let start = out.len();
    let stages = AssertUnwindSafe(|| begin_traced(core, arrival, When::Now, out, trace).0);
    catch_unwind(stages).unwrap_or_else(|_| {
        out.truncate(start);
        servfail(core, arrival, out)
    })
}

/// Waits for the answer and appends the reply to `out`. Always ends by the deadline of the query. A
/// panic inside costs this query alone, which is answered with SERVFAIL.
pub async fn complete(core: &Core, pending: Box<Pending>, out: &mut Vec<u8>) -> Option<ReplyInfo> {
    let Pending { question, snapshot, lookup, sender, began, deadline, waiting, recording } =
        *pending;
    let mut trace = Recorder(recording);
    // Held until the query has ended.
    let _waiting = waiting;
    let policy = Some(lookup.permit().policy());
    let from = sender.borrow();
    let stages = end_of_waiting(core, lookup, &question, &from, &snapshot, deadline, &mut trace);
    let end = catch_panic(stages).await.unwrap_or_else(|| End::because(Reason::InternalError));
    let now = Instant::now();
    let context = EventContext { snapshot: Some(&snapshot), policy };
    let waited = Some(now - began);
    let query = Query { sender: sender.borrow(), now, question: &question, context, waited };
    let mut write = |end: &End| try_reply_and_record(core, &query, end, out, &mut trace);
    let sent = write(&end).or_else(|| write(&End::because(Reason::InternalError)));
    if sent.is_none() {
        record_unparsed(core, query.sender, now, context, Reason::InternalError, waited);
    }
    sent
}

/// SERVFAIL for a query that panicked, as far as it can be read and answered at all.
#[cold]
fn servfail(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    let Arrival { packet, sender, now } = *arrival;
    let parsed = catch_unwind(|| parse::parse(packet).ok()).ok().flatten();
    // Whose policy it was is lost with the panic.
    let guard = core.snapshot.load();
    let context = EventContext { snapshot: guard.as_deref(), policy: None };
    let sent = parsed.and_then(|question| {
        let query = Query { sender, now, question: &question, context, waited: None };
        try_reply_and_record(core, &query, &End::because(Reason::InternalError), out, &mut ())
    });
    match sent {
        Some(sent) => Progress::Replied(sent),
        None => {
            record_unparsed(core, sender, now, context, Reason::InternalError, None);
            Progress::Dropped
        }
    }
}

/// [`reply_and_record`], or none and an untouched output when it panics.
fn try_reply_and_record(
    core: &Core,
    query: &Query<'_>,
    end: &End,
    out: &mut Vec<u8>,
    trace: &mut impl MayTime,
) -> Option<ReplyInfo> {
    let start = out.len();
    let write = AssertUnwindSafe(|| reply_and_record(core, query, end, out, trace).0);
    match catch_unwind(write) {
        Ok(Progress::Replied(sent)) => Some(sent),
        Ok(Progress::Dropped | Progress::Waiting(_)) | Err(_) => {
            out.truncate(start);
            None
        }
    }
}

/// What the future gives, or none when it panics. It is not polled again after that.
pub(super) async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}
