//! One question to the upstreams of a set, and the ends of a query that has no answer.

use std::sync::Arc;
use std::time::Instant;

use keyhole_wire::{Answer, Name, Rcode};

use crate::lookup::{Failure, Lookup, LookupAnswer};
use crate::policy::Permit;
use crate::question::Question;
use crate::reason::Reason;
use crate::snapshot::Snapshot;
use crate::stages::{Body, End};
use crate::upstream::{ExchangeLog, UpstreamSet};

/// What every question for one query needs.
pub(super) struct Asking<'a> {
    pub(super) lookup: &'a Lookup,
    pub(super) snapshot: &'a Snapshot,
    pub(super) permit: &'a Permit,
    pub(super) question: &'a Question,
    pub(super) deadline: Instant,
    pub(super) log: Option<&'a Arc<ExchangeLog>>,
}

impl Asking<'_> {
    /// What the upstreams of a set say about a name.
    pub(super) async fn ask(&self, set: usize, name: &Name) -> Result<LookupAnswer, Failure> {
        let Self { lookup, snapshot, permit, question, deadline, log } = *self;
        let (set, kind) = (&snapshot.upstream_sets[set], question.kind());
        let mut outcome = lookup.wait_logging(permit, set, name, kind, deadline, log).await;
        // RFC 4035 section 3.2.2: who checks DNSSEC itself gets the data that a check withholds. CD
        // goes upstream for such names alone, and what comes of it is kept apart.
        if question.query.checking_disabled && is_withheld(&outcome) {
            let set = set.unchecked();
            outcome = lookup.wait_logging(permit, set, name, kind, deadline, log).await;
        }
        let found = outcome?;
        Ok(LookupAnswer { upstream: upstream_of(set, found.upstream), ..found })
    }
}

/// The index in the snapshot of the upstream at this place of the set.
#[inline]
pub(super) fn upstream_of(set: &UpstreamSet, place: Option<u16>) -> Option<u16> {
    place.and_then(|place| set.upstream_index(place))
}

/// Whether an upstream said SERVFAIL, as it does where data fails its check (RFC 4035 section 5.5).
fn may_be_a_check(answer: &Answer) -> bool {
    answer.rcode() == Rcode::SERVFAIL
}

fn is_withheld(outcome: &Result<LookupAnswer, Failure>) -> bool {
    match outcome {
        Ok(found) => may_be_a_check(&found.answer),
        Err(failure) => may_be_withheld(failure),
    }
}

/// Whether data may have been withheld by a check, here or upstream.
pub(super) fn may_be_withheld(failure: &Failure) -> bool {
    failure.reason.is_dnssec() || failure.answer.as_deref().is_some_and(may_be_a_check)
}

/// An end without an answer, with what the policy said before.
pub(super) fn end_for(permit: &Permit, reason: Reason) -> End {
    let mut end = End::because(reason);
    end.cause = Some(permit.cause());
    end.would_block = permit.would_block();
    end
}

/// No answer. What an upstream itself said of its failure is passed on, unless it speaks of another
/// name, behind an alias.
pub(super) fn failed(
    permit: &Permit,
    set: &UpstreamSet,
    failure: Failure,
    is_behind_alias: bool,
) -> End {
    let mut end = end_for(permit, failure.reason);
    if let Some(answer) = failure.answer.filter(|_| !is_behind_alias) {
        let upstream = upstream_of(set, failure.upstream);
        end.body = Body::Upstream { answer, age: 0, ttl_cap: None, upstream, tls: None };
    }
    end
}
