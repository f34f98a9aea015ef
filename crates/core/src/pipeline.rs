//! The way of a query: ten verbs, one direction.
//!
//! ```text
//! receive -> parse -> admit -> identify -> authorize -> screen -> fetch -> vet -> reply -> record
//! ```
//!
//! Any of them may end the query, which jumps forward to `reply` and always to `record`. What can
//! be answered without waiting is answered by [`begin`] in place; the rest goes on in [`complete`].

mod progress;

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

pub use progress::{Ended, Progress, Sent};

use crate::Reason;
use crate::caller::Caller;
use crate::clock::When;
use crate::events::{Event, Under};
use crate::policy::Trace;
use crate::snapshot::Snapshot;
use crate::stages::fetch::{Ready, Wanted};
use crate::stages::parse::Rejected;
use crate::stages::receive::Arrival;
use crate::stages::{
    End, Question, admit, authorize, fetch, identify, parse, record, reply, screen, vet,
};
use crate::state::{Core, Waiting};
use crate::subjects::Who;

/// A query that waits for an upstream.
pub struct Pending {
    question: Question,
    /// The snapshot pinned when the query was parsed: a change never mixes two policies.
    snapshot: Arc<Snapshot>,
    wanted: Box<Wanted>,
    transport: crate::stages::receive::Transport,
    client: std::net::SocketAddr,
    connection: std::net::IpAddr,
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
    let walk = AssertUnwindSafe(|| begin_traced(core, arrival, When::Now, out, trace).0);
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
    // Whose policy it was is lost with the panic.
    let guard = core.snapshot.load();
    let under = Under { snapshot: guard.as_deref(), policy: None };
    let sent = parsed.and_then(|question| {
        let ending = Ending { question: &question, under, waited: None };
        try_finish(core, arrival, &ending, &end, out)
    });
    sent.map_or_else(|| give_up(core, arrival, under, None), Progress::Replied)
}

/// A query that not even SERVFAIL could be written for.
#[cold]
fn give_up(
    core: &Core,
    arrival: &Arrival<'_>,
    under: Under<'_>,
    waited: Option<Duration>,
) -> Progress {
    unread(core, arrival, under, Reason::InternalError, waited);
    Progress::Dropped
}

/// Records the end of a message whose question is not known.
#[cold]
fn unread(
    core: &Core,
    arrival: &Arrival<'_>,
    under: Under<'_>,
    reason: Reason,
    waited: Option<Duration>,
) {
    let (question, cause, would, upstream) = (None, None, None, None);
    let event = Event { arrival, question, under, reason, cause, would, upstream, waited };
    record::record(core, &event);
}

/// [`begin`] with a recorder, as of `when`; also says why the query ended, or how it will end if it
/// waits and the upstream gives an answer that is acceptable.
pub fn begin_traced(
    core: &Core,
    arrival: &Arrival<'_>,
    when: When,
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
        let ending = Ending { question: &question, under: Under::default(), waited: None };
        return finish(core, arrival, &ending, &End::because(Reason::NotReady), out);
    };
    let mut who = None;
    let ended = |end: &End, who: Option<Who>, out: &mut Vec<u8>| {
        let under = Under { snapshot: Some(snapshot), policy: who.map(|who| who.policy()) };
        let ending = Ending { question: &question, under, waited: None };
        let (progress, ended) = finish(core, arrival, &ending, end, out);
        (progress, Ended { who, ..ended })
    };
    match walk(core, snapshot, arrival, &question, when, &mut who, trace) {
        Step::Ended(end) => ended(&end, who, out),
        Step::Waits(wanted) => {
            let Some(waiting) = core.wait_for_upstream() else {
                return ended(&End::because(Reason::Overloaded), who, out);
            };
            let pending = Pending {
                question,
                snapshot: Arc::clone(snapshot),
                wanted,
                transport: arrival.transport,
                client: arrival.client,
                connection: arrival.connection,
                caller: arrival.caller.clone(),
                began: arrival.now,
                deadline: arrival.now + Duration::from_millis(core.options.limits.query_ms),
                worker: arrival.worker,
                _waiting: waiting,
            };
            let permit = pending.wanted.permit();
            let (cause, would) = (Some(permit.cause()), permit.would());
            let ended = Ended { reason: Reason::Forwarded, cause, would, who };
            (Progress::Waiting(Box::new(pending)), ended)
        }
    }
}

enum Step {
    Ended(End),
    Waits(Box<Wanted>),
}

/// What is known of a query when it ends, beside how it ends.
#[derive(Clone, Copy)]
struct Ending<'a> {
    question: &'a Question,
    under: Under<'a>,
    waited: Option<Duration>,
}

/// The middle of the way, from `admit` to `vet`, in the only order there is. Leaves in `who` who asks,
/// as soon as that is known.
#[inline]
fn walk(
    core: &Core,
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    question: &Question,
    when: When,
    who: &mut Option<Who>,
    trace: &mut impl Trace,
) -> Step {
    let mut forward = || {
        // Limits come first: they are the cheapest, and keyed on nothing that the client chooses.
        let admitted = admit::admit(&core.options.clients, arrival.connection)?;
        let address = arrival.client.ip();
        // What it showed may have lost its worth since the connection began.
        let client = identify::identify(snapshot, arrival.caller, address, admitted, trace)?;
        *who = Some(client.who);
        // Before the cache, so that a changed rule acts at once. Makes the permit.
        let permit = authorize::authorize(snapshot, &client, question, when, trace)?;
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
        connection,
        caller,
        began,
        deadline,
        worker,
        _waiting,
    } = *pending;
    let policy = wanted.permit().policy();
    let walk = async {
        match fetch::wait(&core.lookup, wanted, &question, deadline).await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(fetched) => vet::vet(&snapshot, &question, fetched, &mut ()),
        }
    };
    let end = survive(walk).await.unwrap_or_else(|| End::because(Reason::InternalError));
    let now = Instant::now();
    let (packet, caller) = (&[][..], &caller);
    let arrival = Arrival { packet, transport, client, connection, caller, now, worker };
    let waited = Some(now - began);
    let under = Under { snapshot: Some(&snapshot), policy: Some(policy) };
    let ending = Ending { question: &question, under, waited };
    let mut write = |end: &End| try_finish(core, &arrival, &ending, end, out);
    let sent = write(&end).or_else(|| write(&End::because(Reason::InternalError)));
    if sent.is_none() {
        give_up(core, &arrival, under, waited);
    }
    sent
}

/// [`finish`], or none and an untouched output when it panics.
fn try_finish(
    core: &Core,
    arrival: &Arrival<'_>,
    ending: &Ending<'_>,
    end: &End,
    out: &mut Vec<u8>,
) -> Option<Sent> {
    let start = out.len();
    let write = AssertUnwindSafe(|| finish(core, arrival, ending, end, out).0);
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
    ending: &Ending<'_>,
    end: &End,
    out: &mut Vec<u8>,
) -> (Progress, Ended) {
    let Ending { question, under, waited } = *ending;
    let writer = reply::Writer { limits: &core.options.limits, cookies: &core.cookies };
    let ttl = reply::reply(&writer, arrival, &question.query, end, out);
    let End { reason, cause, would, ref body } = *end;
    let (question, upstream) = (Some(question), body.upstream());
    let event = Event { arrival, question, under, reason, cause, would, upstream, waited };
    record::record(core, &event);
    let closes = end.reason.closes_connection();
    (Progress::Replied(Sent { ttl, closes }), Ended::of(end))
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
            if admit::admit(&core.options.clients, arrival.connection).is_break() =>
        {
            (Progress::Dropped, Reason::NetworkNotServed)
        }
        Rejected::Error(reason, error) => {
            reply::reply_error(error, *reason, out);
            (Progress::Replied(Sent { ttl: 0, closes: false }), *reason)
        }
    };
    let guard = core.snapshot.load();
    let under = Under { snapshot: guard.as_deref(), policy: None };
    unread(core, arrival, under, reason, None);
    (progress, Ended { reason, cause: None, would: None, who: None })
}

#[cfg(test)]
mod tests;
