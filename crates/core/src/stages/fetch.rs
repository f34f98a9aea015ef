//! fetch: what is the answer?
//!
//! Local records first (what a person declared for the policy wins), then special names (which must
//! not leave, RFC 6761), the cache, and an upstream. The cache holds what upstreams said and is
//! keyed by them, so two policies share an answer only where they ask the same ones. Which ones are
//! asked depends on the name (`policy::Domains`), also for a name behind an alias (`onward`). The
//! only stage that waits; it takes the permit by value.

mod asking;
mod onward;
mod steps;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use keyhole_names::HashedName;
use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType, Synthetic};
use serde_json::Value;

use super::screen::Screened;
use super::{Body, End};
use crate::Reason;
use crate::dnssec::Security;
use crate::lookup::{AnswerSource, Lookup, LookupAnswer};
use crate::policy::{Permit, Policy, Trace};
use crate::question::Question;
use crate::records::{Forwarding, Link, Local, Records};
use crate::shares::Owner;
use crate::snapshot::Snapshot;
use crate::upstream::ExchangeLog;
use asking::{Asking, end_for, failed, may_be_withheld, upstream_of};
use steps::{
    private_step, step, trace_records, trace_rewrite, trace_security, trace_special, upstreams_step,
};

/// What a look-up gave, still to be vetted.
pub struct Fetched {
    /// The permit under which it was made.
    pub permit: Permit,
    /// Why it ends here if `vet` has nothing to say.
    pub reason: Reason,
    /// The answer.
    pub body: Body,
}

impl Fetched {
    /// The same, but a name exists that has local records below it, or a domain with upstreams of
    /// its own, whatever other upstreams say: a client that holds it for missing would not ask for
    /// them (RFC 8020 section 2).
    #[inline]
    pub fn above_others(mut self, policy: &Policy, records: &Records, question: &Question) -> Self {
        let Body::Upstream { answer, age, .. } = &self.body else { return self };
        if answer.rcode() == Rcode::NXDOMAIN
            && (records.is_empty_nonterminal(&question.hashed)
                || policy.lies_above(&question.hashed))
            && !answer.records().any(|record| record.kind == RecordType::CNAME)
        {
            let ttl = answer.ttl().saturating_sub(*age);
            self.body = Body::Synthetic(Synthetic::NoData, ttl, None);
        }
        self
    }
}

/// A look-up that must wait for an upstream.
pub struct UpstreamLookup {
    permit: Permit,
    /// The index of the upstreams that the policy names for this name.
    set: usize,
    name: Name,
    /// Aliases that lead from the question to the name.
    chain: Option<Arc<[Link]>>,
    /// Where exchanges are noted for the trace of the query, if it has one.
    log: Option<Arc<ExchangeLog>>,
}

impl UpstreamLookup {
    /// The permit under which it is to be made.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The same on the account of this owner.
    pub fn for_owner(self: Box<Self>, owner: Owner) -> Self {
        Self { permit: self.permit.for_owner(owner), ..*self }
    }

    /// Has exchanges with upstreams noted.
    pub(crate) fn log_into(&mut self, log: Arc<ExchangeLog>) {
        self.log = Some(log);
    }
}

/// The state of a look-up before any wait.
pub enum Ready {
    /// The answer is here.
    Now(Fetched),
    /// An upstream must be asked.
    Later(Box<UpstreamLookup>),
}

/// Looks where nothing has to be waited for.
#[inline]
pub fn ready(
    lookup: &Lookup,
    snapshot: &Snapshot,
    question: &Question,
    screened: Screened,
    now: Instant,
    trace: &mut impl Trace,
) -> ControlFlow<End, Ready> {
    let permit = screened.into_permit();
    let kind = question.kind();
    let mut name = *question.hashed.name();
    // RFC 8482 section 4.1: one small record instead of everything, wherever the name is known.
    if kind == RecordType::ANY {
        return minimal_any(permit, &name);
    }
    let mut chain = None;
    let policy = &snapshot.policies[permit.policy()];
    let records = snapshot.records(policy);
    match records.answer(&question.hashed, kind, policy) {
        Some((Local::Alias { chain: links, target }, _)) => {
            trace_records(trace, records, question, "leads to another name");
            name = target.to_lower();
            chain = Some(links);
        }
        Some((local, zone)) => {
            match zone {
                Some(zone) => trace_special(trace, zone),
                None => trace_records(trace, records, question, "answers"),
            }
            let reason = zone.map_or(Reason::LocalRecord, |_| Reason::SpecialUse);
            return known(permit, reason, local);
        }
        None => match policy.rewrites.answer(&question.hashed, kind) {
            None => {}
            Some((rewrite, Local::Alias { chain: links, target })) => {
                trace_rewrite(trace, rewrite, "leads to another name");
                name = target.to_lower();
                chain = Some(links);
            }
            Some((rewrite, local)) => {
                trace_rewrite(trace, rewrite, "answers");
                return known(permit, Reason::LocalRecord, local);
            }
        },
    }
    let query = &question.query;
    let (index, domain) = match &chain {
        None => policy.route(&question.hashed, kind),
        Some(_) => policy.route(&HashedName::new(&name), kind),
    };
    let set = &snapshot.upstream_sets[index];
    let unchecked = query.checking_disabled.then(|| set.unchecked());
    let cached = lookup
        .ready(&permit, set, &name, kind, now)
        .or_else(|| unchecked.and_then(|set| lookup.ready(&permit, set, &name, kind, now)));
    if let Some(found) = cached {
        trace_security(trace, set, found.security);
        if found.refresh && query.recursion_desired {
            lookup.refresh(&permit, set, &name, kind);
        }
        // An answer that leads to names of other upstreams is continued in `wait`.
        if !onward::leaves(policy, index, kind, &found.answer) {
            let found = LookupAnswer { upstream: upstream_of(set, found.upstream), ..found };
            let fetched = with_aliases(question, permit, found, chain.as_deref())?;
            return ControlFlow::Continue(Ready::Now(fetched));
        }
    } else if let Some(failure) = lookup.failed(&permit, set, &name, kind, now) {
        // What was withheld by a check may come without one, unless that failed as well.
        let again = unchecked.filter(|_| may_be_withheld(&failure));
        let failure = match again {
            None => Some(failure),
            Some(set) => lookup.failed(&permit, set, &name, kind, now),
        };
        if let Some(failure) = failure {
            if failure.reason.is_dnssec() {
                trace_security(trace, set, Security::Failed(failure.reason));
            }
            return ControlFlow::Break(failed(&permit, set, failure, chain.is_some()));
        }
    }
    // RFC 1035 section 4.1.1: without RD nobody else is asked for the client. RFC 8914 section 4.21
    // has the extended error.
    if !query.recursion_desired {
        trace.step(|| step("upstreams", "are not asked: no recursion desired", true, Value::Null));
        return ControlFlow::Break(end_for(&permit, Reason::RecursionNotDesired));
    }
    trace.step(|| upstreams_step(set, domain));
    trace.step(|| private_step(policy, &question.hashed));
    ControlFlow::Continue(Ready::Later(Box::new(UpstreamLookup {
        permit,
        set: index,
        name,
        chain,
        log: None,
    })))
}

/// Waits for an upstream, and for the upstreams of other names where an answer leads to them, unless
/// `is_blocked` says of the aliases so far that the policy blocks the last of them.
pub async fn wait(
    lookup: &Lookup,
    snapshot: &Snapshot,
    upstream_lookup: Box<UpstreamLookup>,
    question: &Question,
    deadline: Instant,
    is_blocked: &(impl Fn(&Permit, &Answer) -> bool + Sync),
    trace: &mut impl Trace,
) -> ControlFlow<End, Fetched> {
    let UpstreamLookup { permit, set, name, chain, log } = *upstream_lookup;
    let asking =
        Asking { lookup, snapshot, permit: &permit, question, deadline, log: log.as_ref() };
    let policy = &snapshot.policies[permit.policy()];
    let asked = asking.ask(set, &name).await;
    let security = match &asked {
        Ok(found) => found.security,
        Err(failure) if failure.reason.is_dnssec() => Security::Failed(failure.reason),
        Err(_) => Security::Unchecked,
    };
    trace_security(trace, &snapshot.upstream_sets[set], security);
    match asked {
        Ok(found) if onward::leaves(policy, set, question.kind(), &found.answer) => {
            let hop = onward::Hop { set, found };
            let continued = onward::follow(&asking, hop, chain.as_deref(), is_blocked, trace).await;
            continued.map_continue(|found| fetched(permit, found))
        }
        Ok(found) => with_aliases(question, permit, found, chain.as_deref()),
        Err(failure) => {
            let set = &snapshot.upstream_sets[set];
            ControlFlow::Break(failed(&permit, set, failure, chain.is_some()))
        }
    }
}

/// What was found, behind the aliases that led to it.
#[inline]
fn with_aliases(
    question: &Question,
    permit: Permit,
    mut found: LookupAnswer,
    chain: Option<&[Link]>,
) -> ControlFlow<End, Fetched> {
    if let Some(chain) = chain {
        // Declared aliases do not age; `reply` takes the age of what was found off all records.
        let age = found.age;
        let links: Vec<Link> =
            chain.iter().map(|&(owner, to, ttl)| (owner, to, ttl.saturating_add(age))).collect();
        match found.answer.with_chain(question.hashed.name(), question.kind(), &links) {
            Ok(answer) => found.answer = Arc::new(answer),
            Err(_) => return ControlFlow::Break(end_for(&permit, Reason::UpstreamInvalid)),
        }
    }
    ControlFlow::Continue(fetched(permit, found))
}

fn fetched(permit: Permit, found: LookupAnswer) -> Fetched {
    let reason = match found.source {
        AnswerSource::Forwarded => Reason::Forwarded,
        AnswerSource::Cached => Reason::Cached,
        AnswerSource::Stale => Reason::Stale,
    };
    Fetched { permit, reason, body: found.into() }
}

/// What is said here, without an upstream.
fn known(permit: Permit, reason: Reason, local: Local) -> ControlFlow<End, Ready> {
    let body = match local {
        Local::Answer(answer) => Body::Local(answer),
        Local::Synthetic { what, ttl, zone } => Body::Synthetic(what, ttl, zone),
        // An alias is followed before.
        Local::Alias { .. } => return ControlFlow::Break(end_for(&permit, Reason::InternalError)),
    };
    ControlFlow::Continue(Ready::Now(Fetched { permit, reason, body }))
}

/// RFC 8482 section 4.2: a HINFO record that names the RFC.
fn minimal_any(permit: Permit, name: &Name) -> ControlFlow<End, Ready> {
    const HINFO: &[u8] = b"\x07RFC8482\x00";
    let built = AnswerBuilder::new(name, RecordType::ANY, Rcode::NOERROR)
        .push(name, RecordType::HINFO, 3_600, HINFO)
        .finish();
    match built {
        Ok(answer) => known(permit, Reason::MinimalAny, Local::Answer(Arc::new(answer))),
        Err(_) => ControlFlow::Break(end_for(&permit, Reason::InternalError)),
    }
}
