//! fetch: what is the answer?
//!
//! Local records first (what a person declared for the policy wins), then special names (which must
//! not leave, RFC 6761), the cache, and an upstream. The cache holds what upstreams said and is
//! keyed by them, so two policies share an answer only where they ask the same ones. The only stage
//! that waits; it takes the permit by value.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType, Synthetic};
use serde_json::{Value, json};

use super::screen::Screened;
use super::{Body, End};
use crate::Reason;
use crate::lookup::{AnswerSource, Failure, Lookup, LookupAnswer};
use crate::policy::{Permit, Step, Trace};
use crate::question::Question;
use crate::reason::Stage;
use crate::records::{self, Link, Local, Records};
use crate::shares::Owner;
use crate::snapshot::Snapshot;
use crate::upstream::UpstreamSet;

/// What a look-up gave, still to be vetted.
pub struct Fetched {
    /// The permit under which it was made.
    pub permit: Permit,
    /// Why it ends here if `vet` has nothing to say.
    pub reason: Reason,
    /// The answer.
    pub body: Body,
}

/// A look-up that must wait for an upstream.
pub struct UpstreamLookup {
    permit: Permit,
    /// The upstreams that the policy names.
    pub set: Arc<UpstreamSet>,
    name: Name,
    /// Aliases that lead from the question to the name.
    chain: Option<Arc<[Link]>>,
}

impl UpstreamLookup {
    /// The permit under which it is to be made.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The same on the account of this owner.
    pub fn for_owner(self: Box<Self>, owner: Owner) -> Self {
        let Self { permit, set, name, chain } = *self;
        Self { permit: permit.for_owner(owner), set, name, chain }
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
    match records.find(&question.hashed, kind) {
        Some(Local::Answer(answer)) => {
            trace_records(trace, records, question, "answers");
            return local(permit, Reason::LocalRecord, answer);
        }
        Some(Local::Synthetic { what, ttl }) => {
            trace_records(trace, records, question, "answers");
            return synthetic(permit, Reason::LocalRecord, what, ttl);
        }
        Some(Local::Alias { chain: links, target }) => {
            trace_records(trace, records, question, "leads to another name");
            name = target.to_lower();
            chain = Some(links);
        }
        None => match records::special(&question.hashed, kind) {
            Some(Local::Synthetic { what, ttl }) => {
                trace.step(|| step("special-use names", "answers", true, Value::Null));
                return synthetic(permit, Reason::SpecialUse, what, ttl);
            }
            Some(Local::Answer(answer)) => {
                trace.step(|| step("special-use names", "answers", true, Value::Null));
                return local(permit, Reason::SpecialUse, answer);
            }
            Some(Local::Alias { .. }) | None => {}
        },
    }
    let set = &snapshot.upstream_sets[policy.upstream_set];
    if let Some(found) = lookup.ready(&permit, set, &name, kind, now) {
        if found.refresh {
            lookup.refresh(&permit, set, &name, kind);
        }
        let fetched = with_aliases(question, permit, found, chain.as_deref())?;
        return ControlFlow::Continue(Ready::Now(fetched));
    }
    if let Some(failure) = lookup.failed(&permit, set, &name, kind, now) {
        return ControlFlow::Break(failed(&permit, failure, chain.as_deref()));
    }
    trace.step(|| step("upstreams", "are asked", true, json!({ "set": set.name() })));
    let set = Arc::clone(set);
    ControlFlow::Continue(Ready::Later(Box::new(UpstreamLookup { permit, set, name, chain })))
}

/// Waits for an upstream.
pub async fn wait(
    lookup: &Lookup,
    upstream_lookup: Box<UpstreamLookup>,
    question: &Question,
    deadline: Instant,
) -> ControlFlow<End, Fetched> {
    let UpstreamLookup { permit, set, name, chain } = *upstream_lookup;
    match lookup.wait(&permit, &set, &name, question.kind(), deadline).await {
        Ok(found) => with_aliases(question, permit, found, chain.as_deref()),
        Err(failure) => ControlFlow::Break(failed(&permit, failure, chain.as_deref())),
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
        end.body = Body::Upstream { answer, age: 0, ttl_cap: None, upstream };
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

/// An answer that is known here.
fn local(permit: Permit, reason: Reason, answer: Arc<Answer>) -> ControlFlow<End, Ready> {
    let body = Body::Local(answer);
    ControlFlow::Continue(Ready::Now(Fetched { permit, reason, body }))
}

/// An answer without records of its own, made here.
fn synthetic(permit: Permit, reason: Reason, what: Synthetic, ttl: u32) -> ControlFlow<End, Ready> {
    let body = Body::Synthetic(what, ttl);
    ControlFlow::Continue(Ready::Now(Fetched { permit, reason, body }))
}

/// RFC 8482 section 4.2: a HINFO record that names the RFC.
fn minimal_any(permit: Permit, name: &Name) -> ControlFlow<End, Ready> {
    const HINFO: &[u8] = b"\x07RFC8482\x00";
    let built = AnswerBuilder::new(name, RecordType::ANY, Rcode::NOERROR)
        .push(name, RecordType::HINFO, 3_600, HINFO)
        .finish();
    match built {
        Ok(answer) => local(permit, Reason::MinimalAny, Arc::new(answer)),
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

fn step(what: &'static str, result: &'static str, decides: bool, detail: Value) -> Step {
    Step { stage: Stage::Fetch, what: what.into(), result: result.into(), decides, detail }
}
