//! fetch: what is the answer?
//!
//! Local records first (what a person declared wins), then special names (which must not leave,
//! RFC 6761), the cache, and an upstream. The only stage that waits; it takes the permit by value.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType};

use super::authorize::Permit;
use super::screen::Screened;
use super::{Body, End, Question};
use crate::Reason;
use crate::lookup::{Found, How, Lookup};
use crate::policy::{Step, Trace};
use crate::records::{self, Local};
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
pub struct Wanted {
    permit: Permit,
    /// The upstreams that the policy names.
    pub set: Arc<UpstreamSet>,
    name: Name,
    chain: Option<Box<records::Chain>>,
}

/// What can be had now.
pub enum Ready {
    /// The answer is here.
    Now(Fetched),
    /// An upstream must be asked.
    Later(Wanted),
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
    let mut chain = None;
    match snapshot.records.find(&question.hashed, kind) {
        Some(Local::Answer(answer)) => {
            trace.step(|| Step::new("fetch", "a local record answers"));
            return here(permit, Reason::LocalRecord, answer);
        }
        Some(Local::Alias(alias)) => {
            trace.step(|| Step::new("fetch", "a local record is an alias of another name"));
            name = alias.target();
            chain = Some(alias);
        }
        None => {
            if let Some(special) = records::special(&question.hashed, kind) {
                trace.step(|| Step::new("fetch", "the name is special and answered here"));
                return made(permit, Reason::SpecialUse, special);
            }
            // RFC 8482 section 4.1: one small record instead of everything.
            if kind == RecordType::ANY {
                return minimal_any(permit, &name);
            }
        }
    }
    let set = &snapshot.upstream_sets[snapshot.policies[permit.policy()].upstream_set];
    if chain.is_none()
        && let Some(found) = lookup.ready(set, &name, kind, now)
    {
        return ControlFlow::Continue(Ready::Now(fetched(permit, found)));
    }
    trace.step(|| Step::new("fetch", "upstreams are asked").detail(set.name()));
    ControlFlow::Continue(Ready::Later(Wanted { permit, set: Arc::clone(set), name, chain }))
}

/// Waits for an upstream.
pub async fn wait(
    lookup: &Lookup,
    wanted: Wanted,
    kind: RecordType,
    deadline: Instant,
) -> ControlFlow<End, Fetched> {
    match lookup.wait(&wanted.set, &wanted.name, kind, deadline).await {
        Ok(mut found) => {
            if let Some(chain) = wanted.chain {
                found.answer = Arc::new(chain.join(kind, &found.answer));
            }
            ControlFlow::Continue(fetched(wanted.permit, found))
        }
        Err(reason) => {
            let mut end = End::because(reason);
            end.cause = Some(wanted.permit.cause());
            end.would = wanted.permit.would();
            ControlFlow::Break(end)
        }
    }
}

fn fetched(permit: Permit, found: Found) -> Fetched {
    let reason = match found.how {
        How::Forwarded => Reason::Forwarded,
        How::Cached => Reason::Cached,
        How::Stale => Reason::Stale,
    };
    Fetched { permit, reason, body: Body::Found(found) }
}

/// An answer that is known here.
fn here(permit: Permit, reason: Reason, answer: Arc<Answer>) -> ControlFlow<End, Ready> {
    let found = Found { answer, age: 0, how: How::Cached, ttl_cap: None, upstream: None };
    ControlFlow::Continue(Ready::Now(Fetched { permit, reason, body: Body::Found(found) }))
}

fn made(permit: Permit, reason: Reason, synthetic: Synthetic) -> ControlFlow<End, Ready> {
    let body = Body::Made(synthetic, SPECIAL_TTL);
    ControlFlow::Continue(Ready::Now(Fetched { permit, reason, body }))
}

/// Seconds for which answers about special names may be kept; they never change.
const SPECIAL_TTL: u32 = 86_400;

/// RFC 8482 section 4.2: a HINFO record that names the RFC.
fn minimal_any(permit: Permit, name: &Name) -> ControlFlow<End, Ready> {
    const HINFO: &[u8] = b"\x07RFC8482\x00";
    let built = AnswerBuilder::new(name, RecordType::ANY, Rcode::NOERROR)
        .push(name, RecordType::HINFO, 3_600, HINFO)
        .finish();
    match built {
        Ok(answer) => here(permit, Reason::MinimalAny, Arc::new(answer)),
        Err(_) => ControlFlow::Break(End::because(Reason::InternalError)),
    }
}
