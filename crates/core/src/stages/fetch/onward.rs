//! Answers that lead from the names of some upstreams to those of others.
//!
//! An upstream is believed about the names that it is asked for and about no other (RFC 5452 section
//! 6, RFC 2181 section 5.4.1). Where an alias leads to a name for which others are asked, what came
//! behind the alias is dropped, and the target is asked by its own route: local records, names with a
//! special use, the upstreams of its domain. The policy decides about the target before anybody is
//! asked for it.

use std::ops::ControlFlow;
use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{Answer, LeadingRecord, Name, Rcode, Record, RecordType};
use serde_json::json;

use super::asking::{Asking, end_for, failed};
use super::steps::{step, upstreams_step};
use crate::Reason;
use crate::lookup::{AnswerSource, LookupAnswer};
use crate::policy::{Permit, Policy, Trace};
use crate::records::{Link, Local, as_answer};
use crate::stages::End;
use crate::tls_version::TlsVersion;

/// How often one answer may lead from upstreams to others.
const MAX_HOPS: usize = 8;

/// What the upstreams of one set said.
pub(super) struct Hop {
    /// The index of the set.
    pub(super) set: usize,
    /// What they said.
    pub(super) found: LookupAnswer,
}

/// Whether an answer of the upstreams of a set has records of names for which others are asked.
/// Costs nothing where the policy has no domains.
#[inline]
pub(super) fn leaves(policy: &Policy, set: usize, kind: RecordType, answer: &Answer) -> bool {
    // An alias that is asked for is not followed (RFC 1034 section 3.6.2).
    !policy.domains.is_empty()
        && kind != RecordType::CNAME
        && answer.records().any(|record| leads_out(policy, set, kind, &record))
}

/// Whether a record leads to names of others, or speaks for them.
fn leads_out(policy: &Policy, set: usize, kind: RecordType, record: &Record<'_>) -> bool {
    let is_of_others = |name: &Name| policy.route(&HashedName::new(name), kind).0 != set;
    match record.kind {
        RecordType::CNAME => record.target().is_some_and(|target| is_of_others(&target)),
        RecordType::DNAME => is_of_others(&record.owner()),
        _ => false,
    }
}

/// Asks for the target of the alias that leads out, and so on, and puts all together.
pub(super) async fn follow(
    asking: &Asking<'_>,
    first: Hop,
    chain: Option<&[Link]>,
    is_blocked: &(impl Fn(&Permit, &Answer) -> bool + Sync),
    trace: &mut impl Trace,
) -> ControlFlow<End, LookupAnswer> {
    let policy = &asking.snapshot.policies[asking.permit.policy()];
    let kind = asking.question.kind();
    let mut way = Way::new(asking, chain);
    let Hop { mut set, mut found } = first;
    for _ in 0..MAX_HOPS {
        way.passes(&found);
        let Some((records, target)) = cut(policy, set, kind, &found.answer) else {
            // Only records that speak for names of others have to go.
            return way
                .end(&found.answer, found.age, |record| !leads_out(policy, set, kind, record));
        };
        let age = found.age;
        way.lead(records, age);
        // What the policy blocks is not asked for; `vet` says the same of what is here.
        let so_far = way.so_far()?;
        if is_blocked(asking.permit, &so_far) {
            return way.end(&so_far, 0, |_| false);
        }
        let target = match local(asking, policy, target) {
            Target::Answer(answer) => return way.end(&answer, 0, |_| true),
            Target::Alias(links, target) => {
                way.lead(links.iter().map(alias).collect(), 0);
                target
            }
            Target::Name(target) => target,
            Target::Fault => {
                return ControlFlow::Break(end_for(asking.permit, Reason::InternalError));
            }
        };
        let (next, domain) = policy.route(&HashedName::new(&target), kind);
        let upstreams = &asking.snapshot.upstream_sets[next];
        trace.step(|| {
            let detail = json!({ "target": target.to_string() });
            step("alias to a name of other upstreams", "is asked for anew", false, detail)
        });
        trace.step(|| upstreams_step(upstreams, domain));
        found = match asking.ask(next, &target).await {
            Ok(found) => found,
            Err(failure) => {
                return ControlFlow::Break(failed(asking.permit, upstreams, failure, true));
            }
        };
        set = next;
    }
    // It leads to and fro without end.
    ControlFlow::Break(end_for(asking.permit, Reason::UpstreamInvalid))
}

/// The records of an answer as far as the first alias that leads to names of others, and its target;
/// none if no alias does.
fn cut(
    policy: &Policy,
    set: usize,
    kind: RecordType,
    answer: &Answer,
) -> Option<(Vec<LeadingRecord>, Name)> {
    let mut kept = Vec::new();
    let mut name = answer.question().0;
    // The records stand in the order of the chain, each name once.
    for _ in answer.records() {
        let here = |record: &Record<'_>| record.owner() == name;
        let alias =
            answer.records().find(|record| record.kind == RecordType::CNAME && here(record))?;
        let signatures =
            answer.records().filter(|record| record.kind == RecordType::RRSIG && here(record));
        kept.extend(std::iter::once(alias).chain(signatures).map(|record| LeadingRecord {
            owner: record.owner(),
            kind: record.kind,
            ttl: record.ttl,
            data: record.data().into_owned(),
        }));
        name = alias.target()?.to_lower();
        if leads_out(policy, set, kind, &alias) {
            return Some((kept, name));
        }
    }
    None
}

/// What stands before the last answer, and what is known of all answers together.
struct Way<'a> {
    asking: &'a Asking<'a>,
    /// Their TTLs are what is left of them.
    leading: Vec<LeadingRecord>,
    /// What the last upstream said, and the strictest of the others.
    last: Option<LookupAnswer>,
    /// The least protected way on which anybody was asked now.
    asked: Option<HowAsked>,
}

/// An upstream that was asked now, and the version of TLS; none in the clear.
type HowAsked = (Option<u16>, Option<TlsVersion>);

impl<'a> Way<'a> {
    fn new(asking: &'a Asking<'a>, chain: Option<&[Link]>) -> Self {
        let leading = chain.unwrap_or_default().iter().map(alias).collect();
        Self { asking, leading, last: None, asked: None }
    }

    /// One more upstream has answered.
    fn passes(&mut self, found: &LookupAnswer) {
        let mut now = found.clone();
        if found.source == AnswerSource::Forwarded {
            self.asked = Some(less_protected(self.asked, (found.upstream, found.tls)));
        }
        if let Some(last) = &self.last {
            now.source = later(last.source, now.source);
            let caps = last.ttl_cap.into_iter().chain(now.ttl_cap);
            now.ttl_cap = caps.min();
        }
        self.last = Some(now);
    }

    /// Adds aliases that are so many seconds old.
    fn lead(&mut self, records: Vec<LeadingRecord>, age: u32) {
        let left =
            |record: LeadingRecord| LeadingRecord { ttl: record.ttl.saturating_sub(age), ..record };
        self.leading.extend(records.into_iter().map(left));
    }

    /// The aliases alone.
    fn so_far(&self) -> ControlFlow<End, Arc<Answer>> {
        let (name, kind) = (self.asking.question.hashed.name(), self.asking.question.kind());
        let empty = keyhole_wire::AnswerBuilder::new(name, kind, Rcode::NOERROR).finish();
        let answer =
            empty.and_then(|empty| empty.behind_records(name, kind, &self.leading, |_| true));
        self.or_fault(answer)
    }

    /// The last answer behind all aliases. `age` is that of the last answer, which `reply` takes off
    /// all records.
    fn end(
        mut self,
        answer: &Answer,
        age: u32,
        keep: impl Fn(&Record<'_>) -> bool,
    ) -> ControlFlow<End, LookupAnswer> {
        let (name, kind) = (self.asking.question.hashed.name(), self.asking.question.kind());
        for record in &mut self.leading {
            record.ttl = record.ttl.saturating_add(age);
        }
        let answer = self.or_fault(answer.behind_records(name, kind, &self.leading, keep))?;
        let Some(last) = self.last else {
            return ControlFlow::Break(end_for(self.asking.permit, Reason::InternalError));
        };
        // What went out in the clear stays so, whatever protected the rest.
        let (upstream, tls) = self.asked.unwrap_or((last.upstream, last.tls));
        ControlFlow::Continue(LookupAnswer { answer, age, upstream, tls, refresh: false, ..last })
    }

    fn or_fault(
        &self,
        answer: Result<Answer, keyhole_wire::AnswerError>,
    ) -> ControlFlow<End, Arc<Answer>> {
        match answer {
            Ok(answer) => ControlFlow::Continue(Arc::new(answer)),
            Err(_) => ControlFlow::Break(end_for(self.asking.permit, Reason::UpstreamInvalid)),
        }
    }
}

/// The one of two ways that protects less; of equal ones the later one.
fn less_protected(before: Option<HowAsked>, now: HowAsked) -> HowAsked {
    let protection = |tls| match tls {
        None => 0,
        Some(TlsVersion::Tls12) => 1,
        Some(TlsVersion::Tls13) => 2,
    };
    before.filter(|before| protection(before.1) < protection(now.1)).unwrap_or(now)
}

/// An answer of several parts is as old as the part of which the least is known.
fn later(one: AnswerSource, other: AnswerSource) -> AnswerSource {
    use AnswerSource::{Cached, Forwarded, Stale};
    match (one, other) {
        (Stale, _) | (_, Stale) => Stale,
        (Forwarded, _) | (_, Forwarded) => Forwarded,
        (Cached, Cached) => Cached,
    }
}

/// Who answers for the target of an alias.
enum Target {
    /// Local records, or a zone with a special use.
    Answer(Arc<Answer>),
    /// A local record that leads on.
    Alias(Arc<[Link]>, Name),
    /// Upstreams.
    Name(Name),
    /// It does not fit into any message.
    Fault,
}

fn local(asking: &Asking<'_>, policy: &Policy, target: Name) -> Target {
    let kind = asking.question.kind();
    let records = asking.snapshot.records(policy);
    match records.answer(&HashedName::new(&target), kind, policy) {
        None => Target::Name(target),
        Some((Local::Alias { chain, target }, _)) => Target::Alias(chain, target.to_lower()),
        Some((local, _)) => as_answer(&local, &target, kind).map_or(Target::Fault, Target::Answer),
    }
}

fn alias((owner, target, ttl): &Link) -> LeadingRecord {
    let data = target.as_wire().to_vec();
    LeadingRecord { owner: *owner, kind: RecordType::CNAME, ttl: *ttl, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_upstreams_the_least_protected_one_is_logged() {
        let clear = (Some(1), None);
        let old = (Some(2), Some(TlsVersion::Tls12));
        let new = (Some(3), Some(TlsVersion::Tls13));
        for (before, now, expected) in [
            (None, new, new),
            (Some(clear), new, clear),
            (Some(new), clear, clear),
            (Some(old), new, old),
            (Some(new), old, old),
            (Some(new), (Some(4), new.1), (Some(4), new.1)),
        ] {
            assert_eq!(less_protected(before, now), expected, "{before:?} {now:?}");
        }
    }
}
