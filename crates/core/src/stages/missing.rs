//! Clients that ask for many domains which do not exist, for the stage that slows them and the one that
//! sees what exists.

use std::ops::ControlFlow;

use keyhole_wire::{Rcode, Section};

use super::account::Account;
use super::{Body, End, end_by_budget, may_leave};
use crate::Reason;
use crate::budgets::{Asked, Existence, RegisteredDomain};
use crate::counters::Total;
use crate::policy::{Cause, Permit, Policy};
use crate::question::Question;
use crate::snapshot::Snapshot;

/// Slows a client that asks for many domains which do not exist, where its policy says so.
#[inline]
pub(super) fn hold_back(
    snapshot: &Snapshot,
    policy: &Policy,
    question: &Question,
    permit: Permit,
    account: &Account<'_, impl Fn() -> Option<u64>>,
) -> ControlFlow<End, Permit> {
    let acts = policy.missing_domains == Some(true) && may_leave(question);
    let (true, Some(budgets)) = (acts, account.budgets) else {
        return ControlFlow::Continue(permit);
    };
    let Some(client) = (account.client)() else { return ControlFlow::Continue(permit) };
    let (name, kind, seconds) = (question.hashed.name(), question.kind(), account.seconds);
    let asked = Asked { client, name, domain: RegisteredDomain::of(name), kind, seconds };
    // What is answered here tells nobody where the client is.
    let is_known = || snapshot.records(policy).keeps(&question.hashed, question.kind(), policy);
    match budgets.holds_back(&asked).filter(|_| !is_known()) {
        Some(missed) => {
            let cause = Cause::MissingDomains(missed.domains);
            ControlFlow::Break(end_by_budget(&permit, Reason::MissingDomains, cause))
        }
        None => ControlFlow::Continue(permit),
    }
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
    account: &Account<'_, impl Fn() -> Option<u64>>,
) -> Permit {
    let Body::Upstream { answer, .. } = body else { return permit };
    let (Some(_), Some(budgets)) = (policy.missing_domains, account.budgets) else {
        return permit;
    };
    let existence = match answer.rcode() {
        Rcode::NXDOMAIN if answer.records().all(|one| one.section != Section::Answer) => {
            Existence::Missing
        }
        Rcode::NOERROR if reason == Reason::Forwarded => Existence::Answered,
        _ => return permit,
    };
    let Some(client) = (account.client)() else { return permit };
    let (name, kind, seconds) = (question.hashed.name(), question.kind(), account.seconds);
    let asked = Asked { client, name, domain: RegisteredDomain::of(name), kind, seconds };
    let Some((before, now)) = budgets.ended(&asked, existence).filter(|(_, now)| now.is_over())
    else {
        return permit;
    };
    if !before.is_over() {
        account.counters.add(account.worker, Total::MissingDomains);
    }
    permit.noting(Cause::MissingDomains(now.domains))
}
