//! Clients that ask for many domains which do not exist, for the stage that slows them and the one that
//! sees what exists.

use std::ops::ControlFlow;

use keyhole_wire::{Answer, Rcode, RecordType, Section};

use super::account::Account;
use super::{Body, End, end_by_budget, may_leave};
use crate::Reason;
use crate::budgets::{Asked, Existence, shipped};
use crate::counters::Total;
use crate::policy::{Cause, Permit, Policy};
use crate::question::Question;
use crate::shares::Owner;
use crate::snapshot::Snapshot;

/// Slows a client that asks for many domains which do not exist, where its policy says so.
#[inline]
pub(super) fn hold_back(
    snapshot: &Snapshot,
    policy: &Policy,
    question: &Question,
    permit: Permit,
    account: &Account<'_, impl Fn() -> Owner>,
) -> ControlFlow<End, Permit> {
    let acts = policy.missing_domains == Some(true) && may_leave(question);
    let (true, Some(budgets)) = (acts, account.budgets) else {
        return ControlFlow::Continue(permit);
    };
    let Some(asked) = account.asked(question) else { return ControlFlow::Continue(permit) };
    // What is answered here tells nobody where the client is, and what needs no budget is known.
    let is_spared = || {
        let hashed = &question.hashed;
        let is_exempt = match &policy.tunneling {
            Some(tunneling) => tunneling.spares(hashed, permit.moment()).is_some(),
            None => shipped(hashed).is_some(),
        };
        is_exempt || snapshot.records(policy).keeps(hashed, question.kind(), policy)
    };
    let Some(missed) = budgets.holds_back(&asked, is_spared) else {
        return ControlFlow::Continue(permit);
    };
    let cause = Cause::MissingDomains(missed.domains);
    if !asked.is_proved {
        // Anybody may have missed these in its name.
        return ControlFlow::Continue(permit.noting(cause));
    }
    ControlFlow::Break(end_by_budget(&permit, Reason::MissingDomains, cause))
}

/// Counts whether what was asked for exists, and notes a client that asks for much which does not. An
/// answer that no upstream gave says nothing about that, nor one that is only a failure.
#[inline]
pub(super) fn note(
    policy: &Policy,
    question: &Question,
    permit: Permit,
    reason: Reason,
    body: &Body,
    account: &Account<'_, impl Fn() -> Owner>,
) -> Permit {
    let Body::Upstream { answer, .. } = body else { return permit };
    let (Some(acts), Some(budgets)) = (policy.missing_domains, account.budgets) else {
        return permit;
    };
    // Where nobody is held back, what the cache answers needs no look.
    if !acts && reason != Reason::Forwarded && answer.rcode() == Rcode::NOERROR {
        return permit;
    }
    let Some(asked) = account.asked(question) else { return permit };
    let Some(existence) = existence(&asked, reason, answer) else { return permit };
    let Some((before, now)) = budgets.ended(&asked, existence).filter(|(_, now)| now.is_over())
    else {
        return permit;
    };
    if !before.is_over() {
        account.counters.add(account.worker, Total::MissingDomains);
    }
    permit.noting(Cause::MissingDomains(now.domains))
}

/// What an answer says of the registered domain of a question; none where it says nothing.
#[inline]
fn existence(asked: &Asked<'_>, reason: Reason, answer: &Answer) -> Option<Existence> {
    match answer.rcode() {
        Rcode::NOERROR if reason == Reason::Forwarded => Some(Existence::Answered),
        Rcode::NOERROR => Some(Existence::Exists),
        Rcode::NXDOMAIN => denied(asked, answer),
        _ => None,
    }
}

/// What NXDOMAIN says of the registered domain. The zone that says so, the owner of the SOA record (RFC
/// 2308 section 2.1), lies above a domain that nobody registered; that of one that exists is its own.
fn denied(asked: &Asked<'_>, answer: &Answer) -> Option<Existence> {
    let mut zone = None;
    for record in answer.records() {
        if record.section == Section::Answer {
            // An alias: it is the name behind it that does not exist.
            return Some(Existence::Exists);
        }
        if record.kind == RecordType::SOA {
            zone = Some(record.owner());
        }
    }
    match zone {
        Some(zone) if asked.domain.lies_below(asked.name, &zone) => Some(Existence::Missing),
        Some(_) => Some(Existence::Exists),
        // Without one, it is sure only where the domain itself was asked for.
        None => (asked.domain.octets() == 0).then_some(Existence::Missing),
    }
}

#[cfg(test)]
mod tests {
    use keyhole_wire::{AnswerBuilder, Name};

    use super::*;
    use crate::budgets::RegisteredDomain;

    #[test]
    fn a_domain_is_missing_where_the_zone_above_it_says_so() {
        let says = |name: &str, zone: Option<&str>, rcode: Rcode| {
            let name = Name::from_text(name).unwrap();
            let domain = RegisteredDomain::of(&name);
            let kind = RecordType::A;
            let asked = Asked { client: 1, is_proved: true, name: &name, domain, kind, seconds: 0 };
            let mut builder = AnswerBuilder::new(&name, kind, rcode);
            if let Some(zone) = zone {
                builder = builder.soa(&Name::from_text(zone).unwrap(), 60);
            }
            existence(&asked, Reason::Forwarded, &builder.finish().unwrap())
        };
        let nxdomain = |name, zone| says(name, zone, Rcode::NXDOMAIN);
        for zone in ["com", "COM", "."] {
            assert_eq!(nxdomain("a.xkqz.com", Some(zone)), Some(Existence::Missing), "{zone}");
        }
        assert_eq!(nxdomain("x.someone.github.io", Some("github.io")), Some(Existence::Missing));
        for zone in ["example.com", "a.example.com"] {
            assert_eq!(nxdomain("b.a.example.com", Some(zone)), Some(Existence::Exists), "{zone}");
        }
        assert_eq!(nxdomain("a.xkqz.com", None), None, "it may be the name alone");
        assert_eq!(nxdomain("xkqz.com", None), Some(Existence::Missing));
        assert_eq!(says("a.com", None, Rcode::SERVFAIL), None);
        assert_eq!(says("a.com", None, Rcode::NOERROR), Some(Existence::Answered));
    }
}
