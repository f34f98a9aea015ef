//! fetch: what is the answer?
//!
//! Local records first (what a person declared for the policy wins), then special names (which must
//! not leave, RFC 6761), the cache, and an upstream. The cache holds what upstreams said and is
//! keyed by them, so two policies share an answer only where they ask the same ones. The only stage
//! that waits; it takes the permit by value.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use keyhole_names::HashedName;
use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType, Synthetic};
use serde_json::{Value, json};

use super::screen::Screened;
use super::{Body, End};
use crate::Reason;
use crate::document::Mode;
use crate::lookup::{AnswerSource, Failure, Lookup, LookupAnswer};
use crate::policy::{Permit, Policy, Step, Trace};
use crate::question::Question;
use crate::reason::Stage;
use crate::records::{Link, Local, Records, SpecialZone};
use crate::shares::Owner;
use crate::snapshot::Snapshot;
use crate::upstream::{ExchangeLog, UpstreamSet};

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
    /// The same, but a name with local records below it exists, whatever upstreams say: a client
    /// that holds it for missing would not ask for them (RFC 8020 section 2).
    #[inline]
    pub fn above_records(mut self, records: &Records, question: &Question) -> Self {
        let Body::Upstream { answer, age, .. } = &self.body else { return self };
        if answer.rcode() == Rcode::NXDOMAIN
            && records.is_empty_nonterminal(&question.hashed)
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
    /// The upstreams that the policy names.
    pub set: Arc<UpstreamSet>,
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
    match records.answer(&question.hashed, kind, |name| policy.forwarded_names.has(name)) {
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
        None => {}
    }
    let query = &question.query;
    let set = &snapshot.upstream_sets[policy.upstream_set];
    if let Some(found) = lookup.ready(&permit, set, &name, kind, now) {
        if found.refresh && query.recursion_desired {
            lookup.refresh(&permit, set, &name, kind);
        }
        let fetched = with_aliases(question, permit, found, chain.as_deref())?;
        return ControlFlow::Continue(Ready::Now(fetched));
    }
    let unchecked = query.checking_disabled.then(|| set.unchecked());
    if let Some(found) = unchecked.and_then(|set| lookup.ready(&permit, set, &name, kind, now)) {
        let fetched = with_aliases(question, permit, found, chain.as_deref())?;
        return ControlFlow::Continue(Ready::Now(fetched));
    }
    if let Some(failure) = lookup.failed(&permit, set, &name, kind, now) {
        // What was withheld by a check may come without one, unless that failed as well.
        let again = unchecked.filter(|_| failure.answer.as_deref().is_some_and(may_be_a_check));
        let failure = match again {
            None => Some(failure),
            Some(set) => lookup.failed(&permit, set, &name, kind, now),
        };
        if let Some(failure) = failure {
            return ControlFlow::Break(failed(&permit, failure, chain.as_deref()));
        }
    }
    // RFC 1035 section 4.1.1: without RD nobody else is asked for the client. RFC 8914 section 4.21
    // has the extended error.
    if !query.recursion_desired {
        trace.step(|| step("upstreams", "are not asked: no recursion desired", true, Value::Null));
        return ControlFlow::Break(end_for(&permit, Reason::RecursionNotDesired));
    }
    trace.step(|| step("upstreams", "are asked", true, json!({ "set": set.name() })));
    trace.step(|| private_step(policy, &question.hashed));
    let set = Arc::clone(set);
    ControlFlow::Continue(Ready::Later(Box::new(UpstreamLookup {
        permit,
        set,
        name,
        chain,
        log: None,
    })))
}

/// Waits for an upstream.
pub async fn wait(
    lookup: &Lookup,
    upstream_lookup: Box<UpstreamLookup>,
    question: &Question,
    deadline: Instant,
) -> ControlFlow<End, Fetched> {
    let UpstreamLookup { permit, set, name, chain, log } = *upstream_lookup;
    let (kind, log) = (question.kind(), log.as_ref());
    let mut outcome = lookup.wait_logging(&permit, &set, &name, kind, deadline, log).await;
    // RFC 4035 section 3.2.2: who checks DNSSEC itself gets the data that a check withholds. CD goes
    // upstream for such names alone, and what comes of it is kept apart.
    if question.query.checking_disabled && is_withheld(&outcome) {
        let set = set.unchecked();
        outcome = lookup.wait_logging(&permit, set, &name, kind, deadline, log).await;
    }
    match outcome {
        Ok(found) => with_aliases(question, permit, found, chain.as_deref()),
        Err(failure) => ControlFlow::Break(failed(&permit, failure, chain.as_deref())),
    }
}

/// Whether an upstream said SERVFAIL, as it does where data fails its check (RFC 4035 section 5.5).
fn may_be_a_check(answer: &Answer) -> bool {
    answer.rcode() == Rcode::SERVFAIL
}

fn is_withheld(outcome: &Result<LookupAnswer, Failure>) -> bool {
    match outcome {
        Ok(found) => may_be_a_check(&found.answer),
        Err(failure) => failure.answer.as_deref().is_some_and(may_be_a_check),
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

/// An end without an answer, with what the policy said before.
fn end_for(permit: &Permit, reason: Reason) -> End {
    let mut end = End::because(reason);
    end.cause = Some(permit.cause());
    end.would_block = permit.would_block();
    end
}

/// No answer. What an upstream itself said of its failure is passed on, unless it speaks of another
/// name.
fn failed(permit: &Permit, failure: Failure, chain: Option<&[Link]>) -> End {
    let mut end = end_for(permit, failure.reason);
    if let Some(answer) = failure.answer.filter(|_| chain.is_none()) {
        let upstream = failure.upstream;
        end.body = Body::Upstream { answer, age: 0, ttl_cap: None, upstream, tls: None };
    }
    end
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

fn trace_records(
    trace: &mut impl Trace,
    records: &Records,
    question: &Question,
    result: &'static str,
) {
    trace.step(|| {
        let origin = records.origin(&question.hashed);
        step("local records", result, true, json!({ "origin": origin }))
    });
}

fn trace_special(trace: &mut impl Trace, zone: SpecialZone) {
    let detail = || json!({ "reference": zone.reference() });
    trace.step(|| step("special-use names", "answers", true, detail()));
}

/// What `vet` will do with private addresses, for `explain`, which has no answer.
fn private_step(policy: &Policy, hashed: &HashedName) -> Step {
    let (result, setting) = if policy.private_names.has(hashed) {
        ("allowed for this name", "privateAddresses.allow")
    } else if policy.forwarded_names.has(hashed) {
        ("allowed for this name", "specialNames.forward")
    } else if policy.allows_private(hashed) {
        ("allowed", "privateAddresses")
    } else if policy.mode == Mode::Observe {
        ("would be withheld, but the policy only observes", "privateAddresses")
    } else {
        ("withheld", "privateAddresses")
    };
    let detail = json!({ "by": setting, "policy": policy.name, "origin": policy.origin });
    let what = "private addresses in the answer".into();
    Step { stage: Stage::Vet, what, result: result.into(), decides: false, detail }
}

fn step(what: &'static str, result: &'static str, decides: bool, detail: Value) -> Step {
    Step { stage: Stage::Fetch, what: what.into(), result: result.into(), decides, detail }
}
