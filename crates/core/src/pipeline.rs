//! The way of a query: ten verbs, one direction.
//!
//! ```text
//! receive -> parse -> admit -> identify -> authorize -> screen -> fetch -> vet -> reply -> record
//! ```
//!
//! Any of them may end the query, which jumps forward to `reply` and always to `record`. What can
//! be answered without waiting is answered by [`begin`] in place; the rest goes on in [`complete`].

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Reason;
use crate::engine::{Core, Waiting};
use crate::policy::{Cause, Trace};
use crate::snapshot::Snapshot;
use crate::stages::fetch::{Fetched, Ready, Wanted};
use crate::stages::parse::Rejected;
use crate::stages::receive::Arrival;
use crate::stages::{
    End, Question, admit, authorize, fetch, identify, parse, record, reply, screen, vet,
};

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
    began: Instant,
    deadline: Instant,
    worker: usize,
    _waiting: Waiting,
}

/// Takes a query as far as it can go without waiting. Appends the reply to `out`, or leaves `out`
/// as it was. A panic inside costs this query alone.
#[inline]
pub fn begin(core: &Core, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
    let start = out.len();
    let walk = AssertUnwindSafe(|| begin_traced(core, arrival, out, &mut ()).0);
    catch_unwind(walk).unwrap_or_else(|_| {
        out.truncate(start);
        record::record(&core.counters, arrival, Reason::InternalError, false, None);
        Progress::Dropped
    })
}

/// [`begin`] with a recorder; also says why the query ended, unless it waits.
pub fn begin_traced(
    core: &Core,
    arrival: &Arrival<'_>,
    out: &mut Vec<u8>,
    trace: &mut impl Trace,
) -> (Progress, Option<Ended>) {
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
                began: arrival.now,
                deadline: arrival.now + Duration::from_millis(core.options.limits.query_ms),
                worker: arrival.worker,
                _waiting: waiting,
            };
            (Progress::Waiting(Box::new(pending)), None)
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

/// Waits for the answer and appends the reply to `out`. Always ends by the deadline of the query.
pub async fn complete(core: &Core, pending: Box<Pending>, out: &mut Vec<u8>) -> Option<Sent> {
    let Pending {
        question,
        snapshot,
        wanted,
        transport,
        client,
        began,
        deadline,
        worker,
        _waiting,
    } = *pending;
    let end = match fetch::wait(&core.lookup, wanted, &question, deadline).await {
        ControlFlow::Break(end) => end,
        ControlFlow::Continue(fetched) => vet_fetched(&snapshot, &question, fetched),
    };
    let now = Instant::now();
    let arrival = Arrival { packet: &[], transport, client, now, worker };
    match finish(core, &arrival, &question, &end, Some(now - began), out).0 {
        Progress::Replied(sent) => Some(sent),
        Progress::Dropped | Progress::Waiting(_) => None,
    }
}

fn vet_fetched(snapshot: &Snapshot, question: &Question, fetched: Fetched) -> End {
    vet::vet(snapshot, question, fetched, &mut ())
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
) -> (Progress, Option<Ended>) {
    let writer = reply::Writer { limits: &core.options.limits, cookies: &core.cookies };
    let ttl = reply::reply(&writer, arrival, &question.query, end, out);
    record::record(&core.counters, arrival, end.reason, end.would.is_some(), waited);
    (Progress::Replied(Sent { ttl }), Some(Ended::of(end)))
}

/// The end of a message that is no question.
#[cold]
fn reject(
    core: &Core,
    arrival: &Arrival<'_>,
    rejected: &Rejected,
    out: &mut Vec<u8>,
) -> (Progress, Option<Ended>) {
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
    (progress, Some(Ended { reason, cause: None, would: None }))
}
