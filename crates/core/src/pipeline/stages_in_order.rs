//! The stages in the only order there is.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::Answer;

use super::pending::{Pending, WaitingSender};
use super::progress::{EndSummary, Progress, ReplyInfo};
use crate::Reason;
use crate::arrival::{Arrival, Sender};
use crate::client_identity::Credential;
use crate::clock::When;
use crate::counters::Total;
use crate::events::{Event, EventContext};
use crate::policy::{GivenAnswer, Permit, Trace};
use crate::question::Question;
use crate::reason::{Outcome, Stage};
use crate::shares::Owner;
use crate::snapshot::Snapshot;
use crate::stages::account::Account;
use crate::stages::fetch::{Ready, UpstreamLookup};
use crate::stages::parse::Rejected;
use crate::stages::{
    Body, End, admit, authorize, fetch, identify, parse, record, reply, screen, vet,
};
use crate::state::Core;
use crate::traces::MayTime;
use crate::transport::Transport;

/// Takes a query as far as it goes without waiting, as of `when`, with a recorder. Appends the
/// reply to `out`. Also says why the query ended, or how it will end if it waits and the upstream
/// gives an answer that is acceptable.
pub fn begin_traced(
    core: &Core,
    arrival: &Arrival<'_>,
    when: When,
    out: &mut Vec<u8>,
    trace: &mut impl MayTime,
) -> (Progress, EndSummary) {
    let Arrival { packet, sender, now } = *arrival;
    trace.enter(Stage::Parse);
    // receive made the arrival. parse: nothing later sees raw bytes.
    let question = match parse::parse(packet) {
        Ok(question) => question,
        Err(rejected) => return reject(core, arrival, &rejected, out),
    };
    trace.parsed(&question);
    // The snapshot is pinned here, once for the whole query. Without one everything is refused.
    let guard = core.snapshot.load();
    let context = EventContext { snapshot: guard.as_deref(), policy: None };
    let mut query = Query { sender, now, question: &question, context, waited: None };
    let Some(snapshot) = guard.as_ref() else {
        // A network that is not served is told nothing, not even that nothing is ready.
        let end = match admit::admit(&core.options.clients, sender.connection) {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(_) => End::because(Reason::NotReady),
        };
        return reply_and_record(core, &query, &end, out, trace);
    };
    let mut client_ref = None;
    let account = account(core, &sender, now, || owner(core, &sender, &question));
    let mut stages = || {
        trace.enter(Stage::Admit);
        // Limits come first: they are the cheapest, and keyed on nothing that the client chooses.
        let admitted = admit::admit(&core.options.clients, sender.connection)?;
        trace.enter(Stage::Identify);
        // What it showed may have been revoked since the connection began.
        let address = sender.client.ip();
        let client = identify::identify(snapshot, sender.identity, address, admitted, trace)?;
        client_ref = Some(client.client_ref);
        trace.enter(Stage::Authorize);
        // Before the cache, so that a changed rule acts at once. Gives the permit.
        let permit = authorize::authorize(snapshot, &client, &question, when, trace)?;
        trace.enter(Stage::Screen);
        // Before fetch: afterwards the data has left.
        let screened = screen::screen(snapshot, &question, permit, &account, trace)?;
        trace.enter(Stage::Fetch);
        // Takes the permit by value: no permit, no lookup.
        fetch::ready(&core.lookup, snapshot, &question, screened, now, trace)
    };
    let mut wait = None;
    let end = match stages() {
        ControlFlow::Break(end) => end,
        // On cache hits too: the cache stores what upstream said, never what was decided.
        ControlFlow::Continue(Ready::Now(fetched)) => {
            trace.enter(Stage::Vet);
            vet::vet(snapshot, &question, fetched, &account, trace)
        }
        ControlFlow::Continue(Ready::Later(lookup)) => {
            let owner = owner(core, &sender, &question);
            match core.wait_for_upstream(owner) {
                Ok(waiting) => wait = Some((Box::new(lookup.for_owner(owner)), waiting)),
                Err(full) => core.counters.over_share(sender.worker, full),
            }
            End::because(Reason::Overloaded)
        }
    };
    if let Some((mut lookup, waiting)) = wait {
        let permit = lookup.permit();
        let (cause, would_block) = (Some(permit.cause()), permit.would_block());
        let target = None;
        let summary =
            EndSummary { reason: Reason::Forwarded, cause, would_block, target, client_ref };
        let level = snapshot.log_level(&snapshot.policies[permit.policy()], &question.hashed);
        let recording = match &core.traces {
            Some(traces) if !core.is_own(&question) => {
                traces.wait(trace.take_recording(), (&sender, &question, now), level)
            }
            _ => None,
        };
        if let Some(log) = recording.as_ref().and_then(|recording| recording.log()) {
            lookup.log_into(log);
        }
        let sender = WaitingSender::of(arrival);
        let deadline = now + Duration::from_millis(core.options.limits.query_ms);
        let snapshot = Arc::clone(snapshot);
        let began = now;
        let pending =
            Pending { question, snapshot, lookup, sender, began, deadline, waiting, recording };
        // Goes on in `end_of_waiting`.
        return (Progress::Waiting(Box::new(pending)), summary);
    }
    query.context.policy = client_ref.map(|client_ref| client_ref.policy());
    let (progress, summary) = reply_and_record(core, &query, &end, out, trace);
    (progress, EndSummary { client_ref, ..summary })
}

/// On whose account the query counts.
fn owner(core: &Core, sender: &Sender<'_>, question: &Question) -> Owner {
    if core.is_own(question) {
        Owner::OWN
    } else {
        sender.owner(core.cookies.proves(&question.query, sender.client.ip()))
    }
}

/// On whose account it counts what is told, as of `now`.
fn account<'c, F>(core: &'c Core, sender: &Sender<'_>, now: Instant, client: F) -> Account<'c, F> {
    Account {
        budgets: core.budgets.as_ref(),
        counters: &core.counters,
        worker: sender.worker,
        client,
        seconds: core.seconds(now),
    }
}

/// fetch for a query that waits, and vet.
pub(super) async fn end_of_waiting(
    core: &Core,
    lookup: Box<UpstreamLookup>,
    question: &Question,
    sender: &Sender<'_>,
    snapshot: &Snapshot,
    deadline: Instant,
    mut trace: impl Trace,
) -> End {
    let owner = lookup.permit().permitted().owner();
    let account = account(core, sender, Instant::now(), || owner);
    // No permit, no lookup, also for what an alias leads to.
    let is_blocked = |permit: &Permit, answer: &Answer| {
        vet::leads_to_blocked(snapshot, question, permit, answer)
    };
    let (core, trace) = (&core.lookup, &mut trace);
    match fetch::wait(core, snapshot, lookup, question, deadline, &is_blocked, trace).await {
        ControlFlow::Break(end) => end,
        ControlFlow::Continue(fetched) => {
            trace.enter(Stage::Vet);
            vet::vet(snapshot, question, fetched, &account, trace)
        }
    }
}

/// What is known of a query when it ends, beside how it ends.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) sender: Sender<'a>,
    /// When it ends.
    pub(super) now: Instant,
    pub(super) question: &'a Question,
    pub(super) context: EventContext<'a>,
    /// How long it waited for an upstream, if it did.
    pub(super) waited: Option<Duration>,
}

/// reply and record: every way ends here.
#[inline]
pub(super) fn reply_and_record(
    core: &Core,
    query: &Query<'_>,
    end: &End,
    out: &mut Vec<u8>,
    trace: &mut impl MayTime,
) -> (Progress, EndSummary) {
    let Query { sender, now: ended, question, context, waited } = *query;
    let End { reason, cause, would_block, ref target, ref body } = *end;
    let is_own = core.is_own(question);
    trace.enter(Stage::Reply);
    // Nothing at all goes over UDP to where nobody is served: the address may be anybody's.
    // (RFC 5358 section 4). A connection has proved its own, and is told.
    let is_silent = reason == Reason::NetworkNotServed && sender.transport == Transport::Udp;
    let progress = if is_silent {
        Progress::Dropped
    } else {
        let writer = writer_of(core, ended);
        let replied = reply::reply(&writer, &sender, &question.query, is_own, end, out);
        if replied.was_cut {
            core.counters.add(sender.worker, Total::UdpCut);
        }
        let (closes, is_private) =
            (reason.closes_connection(), is_private(&sender, context, reason));
        Progress::Replied(ReplyInfo { ttl: replied.ttl, closes, is_private })
    };
    let answer = match body {
        Body::Synthetic(what, ..) if reason.outcome() == Outcome::Blocked => {
            Some(GivenAnswer::of(*what, question.kind()))
        }
        _ => None,
    };
    let (upstream, upstream_tls) = body.upstream();
    let (question, target) = (Some(question), target.as_deref());
    let event = Event {
        sender,
        ended,
        question,
        context,
        reason,
        cause,
        would_block,
        answer,
        target,
        upstream,
        upstream_tls,
        waited,
        is_own,
    };
    trace.enter(Stage::Record);
    let took = record::record(&core.counters, &core.events, &event);
    if let Some(traces) = &core.traces {
        traces.end(trace.take_recording(), &event, took);
    }
    (progress, EndSummary::of(end))
}

fn writer_of(core: &Core, now: Instant) -> reply::Writer<'_> {
    let Core { options, cookies, allowance, .. } = core;
    let (has_tcp, allowance) = (!options.listen.tcp.is_empty(), (allowance, core.nanoseconds(now)));
    reply::Writer { limits: &options.limits, cookies, has_tcp, allowance }
}

/// Whether it matters who asks: the client showed something or had to, it was refused, or subjects
/// choose between policies.
fn is_private(sender: &Sender<'_>, context: EventContext<'_>, reason: Reason) -> bool {
    let identity = sender.identity;
    !identity.by_network
        || !matches!(identity.credential, Credential::Nothing)
        || reason.outcome() == Outcome::Refused
        || context.snapshot.is_none_or(|snapshot| snapshot.subjects.choose_policies())
}

/// The end of a message that is no question.
#[cold]
fn reject(
    core: &Core,
    arrival: &Arrival<'_>,
    rejected: &Rejected,
    out: &mut Vec<u8>,
) -> (Progress, EndSummary) {
    let Arrival { packet, sender, now } = *arrival;
    let (progress, reason) = match rejected {
        Rejected::Drop => (Progress::Dropped, Reason::Unparseable),
        // A client from elsewhere gets no help with its grammar.
        Rejected::Error(..)
            if admit::admit(&core.options.clients, sender.connection).is_break() =>
        {
            (Progress::Dropped, Reason::NetworkNotServed)
        }
        Rejected::Error(reason, error) => {
            let writer = writer_of(core, now);
            reply::reply_error(&writer, &sender, packet.len(), error, *reason, out);
            (Progress::Replied(ReplyInfo { ttl: 0, closes: false, is_private: true }), *reason)
        }
    };
    let guard = core.snapshot.load();
    let context = EventContext { snapshot: guard.as_deref(), policy: None };
    record_unparsed(core, sender, now, context, reason, None);
    let summary =
        EndSummary { reason, cause: None, would_block: None, target: None, client_ref: None };
    (progress, summary)
}

/// record for a message whose question is not known.
#[cold]
pub(super) fn record_unparsed(
    core: &Core,
    sender: Sender<'_>,
    ended: Instant,
    context: EventContext<'_>,
    reason: Reason,
    waited: Option<Duration>,
) {
    let (question, cause, would_block, target, upstream) = (None, None, None, None, None);
    let event = Event {
        sender,
        ended,
        question,
        context,
        reason,
        cause,
        would_block,
        answer: None,
        target,
        upstream,
        upstream_tls: None,
        waited,
        is_own: false,
    };
    let took = record::record(&core.counters, &core.events, &event);
    if let Some(traces) = &core.traces {
        traces.end(None, &event, took);
    }
}
