//! The way of a query: ten verbs, one direction.
//!
//! ```text
//! receive -> parse -> admit -> identify -> authorize -> screen -> fetch -> vet -> reply -> record
//! ```
//!
//! Any of them may end the query, which jumps forward to `reply` and always to `record`. What can
//! be answered without waiting is answered by [`begin`] in place; the rest goes on in [`complete`].

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::Reason;
use crate::caller::Caller;
use crate::policy::{Cause, Trace};
use crate::snapshot::Snapshot;
use crate::stages::fetch::{Ready, Wanted};
use crate::stages::parse::Rejected;
use crate::stages::receive::Arrival;
use crate::stages::{
    End, Question, admit, authorize, fetch, identify, parse, record, reply, screen, vet,
};
use crate::state::{Core, Waiting};

/// What became of an arrival; `W` is a query that waits.
pub enum Progress<W = Box<Pending>> {
    /// One whole DNS message was appended to the output.
    Replied(Sent),
    /// Nothing is to be sent, ever.
    Dropped,
    /// The answer is not here yet: hand this to [`complete`] on a task of its own.
    Waiting(W),
}

/// Facts about a reply that a transport needs.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Seconds for which the reply may be kept: its smallest TTL (RFC 8484 section 5.1).
    pub ttl: u32,
}

/// Why a query ended, for those who explain it.
#[derive(Clone, Copy)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule or list would have done.
    pub would: Option<Cause>,
}

impl Ended {
    fn of(end: &End) -> Self {
        Self { reason: end.reason, cause: end.cause, would: end.would }
    }
}

/// A query that waits for an upstream.
pub struct Pending {
    question: Question,
    /// The snapshot pinned when the query was parsed: a change never mixes two policies.
    snapshot: Arc<Snapshot>,
    wanted: Box<Wanted>,
    transport: crate::stages::receive::Transport,
    client: std::net::SocketAddr,
    caller: Caller,
    began: Instant,
    deadline: Instant,
    worker: usize,
    _waiting: Waiting,
}

/// Takes a query as far as it can go without waiting. Appends the reply to `out`, or leaves `out`
/// as it was. A panic inside costs this query alone, which is answered with SERVFAIL.
#[inline]
pub fn begin(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    begin_guarded(core, arrival, out, &mut ())
}

#[inline]
fn begin_guarded(
    core: &Core,
    arrival: &Arrival<'_>,
    out: &mut Vec<u8>,
    trace: &mut impl Trace,
) -> Progress {
    let start = out.len();
    let walk = AssertUnwindSafe(|| begin_traced(core, arrival, out, trace).0);
    catch_unwind(walk).unwrap_or_else(|_| {
        out.truncate(start);
        apologize(core, arrival, out)
    })
}

/// SERVFAIL for a query that panicked, as far as it can be read and answered at all.
#[cold]
fn apologize(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    let parsed = catch_unwind(|| parse::parse(arrival.packet).ok()).ok().flatten();
    let end = End::because(Reason::InternalError);
    let sent = parsed.and_then(|question| try_finish(core, arrival, &question, &end, None, out));
    sent.map_or_else(|| give_up(core, arrival, None), Progress::Replied)
}

/// A query that not even SERVFAIL could be written for.
#[cold]
fn give_up(core: &Core, arrival: &Arrival<'_>, waited: Option<Duration>) -> Progress {
    record::record(&core.counters, arrival, Reason::InternalError, false, waited);
    Progress::Dropped
}

/// [`begin`] with a recorder; also says why the query ended, or how it will end if it waits and the
/// upstream gives an answer that is acceptable.
pub fn begin_traced(
    core: &Core,
    arrival: &Arrival<'_>,
    out: &mut Vec<u8>,
    trace: &mut impl Trace,
) -> (Progress, Ended) {
    // parse: nothing later sees raw bytes.
    let question = match parse::parse(arrival.packet) {
        Ok(question) => question,
        Err(rejected) => return reject(core, arrival, &rejected, out),
    };
    // The snapshot is pinned here, once for the whole query. Without one everything is refused.
    let guard = core.snapshot.load();
    let Some(snapshot) = guard.as_ref() else {
        return finish(core, arrival, &question, &End::because(Reason::NotReady), None, out);
    };
    match walk(core, snapshot, arrival, &question, trace) {
        Step::Ended(end) => finish(core, arrival, &question, &end, None, out),
        Step::Waits(wanted) => {
            let Some(waiting) = core.wait_for_upstream() else {
                let end = End::because(Reason::Overloaded);
                return finish(core, arrival, &question, &end, None, out);
            };
            let pending = Pending {
                question,
                snapshot: Arc::clone(snapshot),
                wanted,
                transport: arrival.transport,
                client: arrival.client,
                caller: arrival.caller.clone(),
                began: arrival.now,
                deadline: arrival.now + Duration::from_millis(core.options.limits.query_ms),
                worker: arrival.worker,
                _waiting: waiting,
            };
            let permit = pending.wanted.permit();
            let (cause, would) = (Some(permit.cause()), permit.would());
            let ended = Ended { reason: Reason::Forwarded, cause, would };
            (Progress::Waiting(Box::new(pending)), ended)
        }
    }
}

enum Step {
    Ended(End),
    Waits(Box<Wanted>),
}

/// The middle of the way, from `admit` to `vet`, in the only order there is.
#[inline]
fn walk(
    core: &Core,
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    question: &Question,
    trace: &mut impl Trace,
) -> Step {
    let mut forward = || {
        // Limits come first: they are the cheapest, and keyed on nothing that the client chooses.
        let admitted = admit::admit(&core.options.clients, arrival.client.ip())?;
        let client = identify::identify(snapshot, admitted)?;
        // Before the cache, so that a changed rule acts at once. Makes the permit.
        let permit = authorize::authorize(snapshot, &client, question, trace)?;
        // Before fetch: afterwards the data has left.
        let screened = screen::screen(question, permit)?;
        // Takes the permit by value: no permit, no lookup.
        fetch::ready(&core.lookup, snapshot, question, screened, arrival.now, trace)
    };
    match forward() {
        ControlFlow::Break(end) => Step::Ended(end),
        ControlFlow::Continue(Ready::Later(wanted)) => Step::Waits(wanted),
        // On cache hits too: the cache stores what upstream said, never what was decided.
        ControlFlow::Continue(Ready::Now(fetched)) => {
            Step::Ended(vet::vet(snapshot, question, fetched, trace))
        }
    }
}

/// Waits for the answer and appends the reply to `out`. Always ends by the deadline of the query. A
/// panic inside costs this query alone, which is answered with SERVFAIL.
pub async fn complete(core: &Core, pending: Box<Pending>, out: &mut Vec<u8>) -> Option<Sent> {
    let Pending {
        question,
        snapshot,
        wanted,
        transport,
        client,
        caller,
        began,
        deadline,
        worker,
        _waiting,
    } = *pending;
    let walk = async {
        match fetch::wait(&core.lookup, wanted, &question, deadline).await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(fetched) => vet::vet(&snapshot, &question, fetched, &mut ()),
        }
    };
    let end = survive(walk).await.unwrap_or_else(|| End::because(Reason::InternalError));
    let now = Instant::now();
    let arrival = Arrival { packet: &[], transport, client, caller: &caller, now, worker };
    let waited = Some(now - began);
    let mut write = |end: &End| try_finish(core, &arrival, &question, end, waited, out);
    let sent = write(&end).or_else(|| write(&End::because(Reason::InternalError)));
    if sent.is_none() {
        give_up(core, &arrival, waited);
    }
    sent
}

/// [`finish`], or none and an untouched output when it panics.
fn try_finish(
    core: &Core,
    arrival: &Arrival<'_>,
    question: &Question,
    end: &End,
    waited: Option<Duration>,
    out: &mut Vec<u8>,
) -> Option<Sent> {
    let start = out.len();
    let write = AssertUnwindSafe(|| finish(core, arrival, question, end, waited, out).0);
    match catch_unwind(write) {
        Ok(Progress::Replied(sent)) => Some(sent),
        Ok(Progress::Dropped | Progress::Waiting(_)) | Err(_) => {
            out.truncate(start);
            None
        }
    }
}

/// What the future gives, or none when it panics. It is not polled again after that.
async fn survive<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// reply and record: every way ends here.
#[inline]
fn finish(
    core: &Core,
    arrival: &Arrival<'_>,
    question: &Question,
    end: &End,
    waited: Option<Duration>,
    out: &mut Vec<u8>,
) -> (Progress, Ended) {
    let writer = reply::Writer { limits: &core.options.limits, cookies: &core.cookies };
    let ttl = reply::reply(&writer, arrival, &question.query, end, out);
    record::record(&core.counters, arrival, end.reason, end.would.is_some(), waited);
    (Progress::Replied(Sent { ttl }), Ended::of(end))
}

/// The end of a message that is no question.
#[cold]
fn reject(
    core: &Core,
    arrival: &Arrival<'_>,
    rejected: &Rejected,
    out: &mut Vec<u8>,
) -> (Progress, Ended) {
    let (progress, reason) = match rejected {
        Rejected::Drop => (Progress::Dropped, Reason::Unparseable),
        // A client from elsewhere gets no help with its grammar.
        Rejected::Error(..)
            if admit::admit(&core.options.clients, arrival.client.ip()).is_break() =>
        {
            (Progress::Dropped, Reason::NetworkNotServed)
        }
        Rejected::Error(reason, error) => {
            reply::reply_error(error, *reason, out);
            (Progress::Replied(Sent { ttl: 0 }), *reason)
        }
    };
    record::record(&core.counters, arrival, reason, false, None);
    (progress, Ended { reason, cause: None, would: None })
}

#[cfg(test)]
mod tests;
