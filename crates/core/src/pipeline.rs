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

pub use progress::{EndSummary, Progress, ReplyInfo};

use crate::Reason;
use crate::arrival::Arrival;
use crate::client_identity::ClientIdentity;
use crate::clock::When;
use crate::events::{Event, EventContext};
use crate::policy::Trace;
use crate::question::Question;
use crate::snapshot::Snapshot;
use crate::stages::fetch::{Ready, UpstreamLookup};
use crate::stages::parse::Rejected;
use crate::stages::{End, admit, authorize, fetch, identify, parse, record, reply, screen, vet};
use crate::state::{Core, Waiting};
use crate::subjects::ClientRef;

/// A query that waits for an upstream.
pub struct Pending {
    question: Question,
    /// The snapshot pinned when the query was parsed: a change never mixes two policies.
    snapshot: Arc<Snapshot>,
    upstream_lookup: Box<UpstreamLookup>,
    transport: crate::transport::Transport,
    client: std::net::SocketAddr,
    connection: std::net::IpAddr,
    identity: ClientIdentity,
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
        servfail(core, arrival, out)
    })
}

/// SERVFAIL for a query that panicked, as far as it can be read and answered at all.
#[cold]
fn servfail(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    let parsed = catch_unwind(|| parse::parse(arrival.packet).ok()).ok().flatten();
    let end = End::because(Reason::InternalError);
    // Whose policy it was is lost with the panic.
    let guard = core.snapshot.load();
    let context = EventContext { snapshot: guard.as_deref(), policy: None };
    let sent = parsed.and_then(|question| {
        let query = QueryContext { question: &question, context, waited: None };
        try_finish(core, arrival, &query, &end, out)
    });
    sent.map_or_else(|| give_up(core, arrival, context, None), Progress::Replied)
}

/// A query that not even SERVFAIL could be written for.
#[cold]
fn give_up(
    core: &Core,
    arrival: &Arrival<'_>,
    context: EventContext<'_>,
    waited: Option<Duration>,
) -> Progress {
    record_unparsed(core, arrival, context, Reason::InternalError, waited);
    Progress::Dropped
}

/// Records the end of a message whose question is not known.
#[cold]
fn record_unparsed(
    core: &Core,
    arrival: &Arrival<'_>,
    context: EventContext<'_>,
    reason: Reason,
    waited: Option<Duration>,
) {
    let (question, cause, would_block, upstream) = (None, None, None, None);
    let event = Event { arrival, question, context, reason, cause, would_block, upstream, waited };
    record::record(&core.counters, &core.events, &event);
}

/// [`begin`] with a recorder, as of `when`; also says why the query ended, or how it will end if it
/// waits and the upstream gives an answer that is acceptable.
pub fn begin_traced(
    core: &Core,
    arrival: &Arrival<'_>,
    when: When,
    out: &mut Vec<u8>,
    trace: &mut impl Trace,
) -> (Progress, EndSummary) {
    // parse: nothing later sees raw bytes.
    let question = match parse::parse(arrival.packet) {
        Ok(question) => question,
        Err(rejected) => return reject(core, arrival, &rejected, out),
    };
    // The snapshot is pinned here, once for the whole query. Without one everything is refused.
    let guard = core.snapshot.load();
    let Some(snapshot) = guard.as_ref() else {
        let query =
            QueryContext { question: &question, context: EventContext::default(), waited: None };
        return finish(core, arrival, &query, &End::because(Reason::NotReady), out);
    };
    let mut client_ref = None;
    let ended = |end: &End, client_ref: Option<ClientRef>, out: &mut Vec<u8>| {
        let context = EventContext {
            snapshot: Some(snapshot),
            policy: client_ref.map(|client_ref| client_ref.policy()),
        };
        let query = QueryContext { question: &question, context, waited: None };
        let (progress, ended) = finish(core, arrival, &query, end, out);
        (progress, EndSummary { client_ref, ..ended })
    };
    match walk(core, snapshot, arrival, &question, when, &mut client_ref, trace) {
        Step::Ended(end) => ended(&end, client_ref, out),
        Step::Waits(upstream_lookup) => {
            let Some(waiting) = core.wait_for_upstream() else {
                return ended(&End::because(Reason::Overloaded), client_ref, out);
            };
            let pending = Pending {
                question,
                snapshot: Arc::clone(snapshot),
                upstream_lookup,
                transport: arrival.transport,
                client: arrival.client,
                connection: arrival.connection,
                identity: arrival.identity.clone(),
                began: arrival.now,
                deadline: arrival.now + Duration::from_millis(core.options.limits.query_ms),
                worker: arrival.worker,
                _waiting: waiting,
            };
            let permit = pending.upstream_lookup.permit();
            let (cause, would_block) = (Some(permit.cause()), permit.would_block());
            let ended = EndSummary { reason: Reason::Forwarded, cause, would_block, client_ref };
            (Progress::Waiting(Box::new(pending)), ended)
        }
    }
}

enum Step {
    Ended(End),
    Waits(Box<UpstreamLookup>),
}

/// What is known of a query when it ends, beside how it ends.
#[derive(Clone, Copy)]
struct QueryContext<'a> {
    question: &'a Question,
    context: EventContext<'a>,
    waited: Option<Duration>,
}

/// The middle of the way, from `admit` to `vet`, in the only order there is. Leaves in `client_ref` who asks,
/// as soon as that is known.
#[inline]
fn walk(
    core: &Core,
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    question: &Question,
    when: When,
    client_ref: &mut Option<ClientRef>,
    trace: &mut impl Trace,
) -> Step {
    let mut forward = || {
        // Limits come first: they are the cheapest, and keyed on nothing that the client chooses.
        let admitted = admit::admit(&core.options.clients, arrival.connection)?;
        let address = arrival.client.ip();
        // What it showed may have lost its worth since the connection began.
        let client = identify::identify(snapshot, arrival.identity, address, admitted, trace)?;
        *client_ref = Some(client.client_ref);
        // Before the cache, so that a changed rule acts at once. Makes the permit.
        let permit = authorize::authorize(snapshot, &client, question, when, trace)?;
        // Before fetch: afterwards the data has left.
        let screened = screen::screen(question, permit)?;
        // Takes the permit by value: no permit, no lookup.
        fetch::ready(&core.lookup, snapshot, question, screened, arrival.now, trace)
    };
    match forward() {
        ControlFlow::Break(end) => Step::Ended(end),
        ControlFlow::Continue(Ready::Later(upstream_lookup)) => Step::Waits(upstream_lookup),
        // On cache hits too: the cache stores what upstream said, never what was decided.
        ControlFlow::Continue(Ready::Now(fetched)) => {
            Step::Ended(vet::vet(snapshot, question, fetched, trace))
        }
    }
}

/// Waits for the answer and appends the reply to `out`. Always ends by the deadline of the query. A
/// panic inside costs this query alone, which is answered with SERVFAIL.
pub async fn complete(core: &Core, pending: Box<Pending>, out: &mut Vec<u8>) -> Option<ReplyInfo> {
    let Pending {
        question,
        snapshot,
        upstream_lookup,
        transport,
        client,
        connection,
        identity,
        began,
        deadline,
        worker,
        _waiting,
    } = *pending;
    let policy = upstream_lookup.permit().policy();
    let walk = async {
        match fetch::wait(&core.lookup, upstream_lookup, &question, deadline).await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(fetched) => vet::vet(&snapshot, &question, fetched, &mut ()),
        }
    };
    let end = catch_panic(walk).await.unwrap_or_else(|| End::because(Reason::InternalError));
    let now = Instant::now();
    let (packet, identity) = (&[][..], &identity);
    let arrival = Arrival { packet, transport, client, connection, identity, now, worker };
    let waited = Some(now - began);
    let context = EventContext { snapshot: Some(&snapshot), policy: Some(policy) };
    let query = QueryContext { question: &question, context, waited };
    let mut write = |end: &End| try_finish(core, &arrival, &query, end, out);
    let sent = write(&end).or_else(|| write(&End::because(Reason::InternalError)));
    if sent.is_none() {
        give_up(core, &arrival, context, waited);
    }
    sent
}

/// [`finish`], or none and an untouched output when it panics.
fn try_finish(
    core: &Core,
    arrival: &Arrival<'_>,
    query: &QueryContext<'_>,
    end: &End,
    out: &mut Vec<u8>,
) -> Option<ReplyInfo> {
    let start = out.len();
    let write = AssertUnwindSafe(|| finish(core, arrival, query, end, out).0);
    match catch_unwind(write) {
        Ok(Progress::Replied(sent)) => Some(sent),
        Ok(Progress::Dropped | Progress::Waiting(_)) | Err(_) => {
            out.truncate(start);
            None
        }
    }
}

/// What the future gives, or none when it panics. It is not polled again after that.
async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
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
    query: &QueryContext<'_>,
    end: &End,
    out: &mut Vec<u8>,
) -> (Progress, EndSummary) {
    let QueryContext { question, context, waited } = *query;
    let writer = reply::Writer { limits: &core.options.limits, cookies: &core.cookies };
    let ttl = reply::reply(&writer, arrival, &question.query, end, out);
    let End { reason, cause, would_block, ref body } = *end;
    let (question, upstream) = (Some(question), body.upstream());
    let event = Event { arrival, question, context, reason, cause, would_block, upstream, waited };
    record::record(&core.counters, &core.events, &event);
    let closes = end.reason.closes_connection();
    (Progress::Replied(ReplyInfo { ttl, closes }), EndSummary::of(end))
}

/// The end of a message that is no question.
#[cold]
fn reject(
    core: &Core,
    arrival: &Arrival<'_>,
    rejected: &Rejected,
    out: &mut Vec<u8>,
) -> (Progress, EndSummary) {
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
            (Progress::Replied(ReplyInfo { ttl: 0, closes: false }), *reason)
        }
    };
    let guard = core.snapshot.load();
    let context = EventContext { snapshot: guard.as_deref(), policy: None };
    record_unparsed(core, arrival, context, reason, None);
    (progress, EndSummary { reason, cause: None, would_block: None, client_ref: None })
}

#[cfg(test)]
mod tests;
