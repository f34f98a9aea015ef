//! vet: is the answer acceptable?
//!
//! Names behind aliases, and addresses that are private or on a list, end it here.
//!
//! Runs on cache hits too: the cache holds what upstream said, never what was decided, so one
//! client's verdict cannot leak to another and a changed rule acts on what is already cached.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{Answer, AnswerError, Hints, Name, Record, RecordType};
use serde_json::json;

use super::account::Account;
use super::authorize::blocked;
use super::fetch::Fetched;
use super::missing;
use super::{Body, End, end_by_budget};
use crate::Reason;
use crate::budgets::{Level, Strike, may_carry};
use crate::document::Mode;
use crate::policy::{
    AliasChain, BlockAnswer, Cause, InStage, Permit, Policy, Step, Trace, Verdict, allowed_by_now,
};
use crate::question::Question;
use crate::reason::Stage;
use crate::records::Records;
use crate::shares::Owner;
use crate::snapshot::Snapshot;
use crate::special_addresses::is_private;

/// Looks at every name and address that the answer leads to.
#[inline]
pub fn vet(
    snapshot: &Snapshot,
    question: &Question,
    fetched: Fetched,
    account: &Account<'_, impl Fn() -> Owner>,
    trace: &mut impl Trace,
) -> End {
    let policy = &snapshot.policies[fetched.permit.policy()];
    let records = snapshot.records(policy);
    let Fetched { permit, reason, body } = fetched.above_others(policy, records, question);
    let permit = match charge(policy, question, permit, &body, account) {
        ControlFlow::Break(end) => return end,
        ControlFlow::Continue(permit) => permit,
    };
    let permit = missing::note(policy, question, permit, reason, &body, account);
    let mut vetting = Vetting::new(snapshot, question, &permit, body.answer());
    vetting.is_declared = matches!(reason, Reason::LocalRecord | Reason::SpecialUse);
    // What a person declared as a local record may lead into the network.
    vetting.private_allowed |= vetting.is_declared;
    let withheld = body.answer().and_then(|answer| {
        answer.records().find_map(|record| match record.kind {
            RecordType::A | RecordType::AAAA => vetting.address(&record, trace),
            RecordType::CNAME | RecordType::DNAME => vetting.alias(&record, trace),
            kind if is_service(kind) => vetting.service(&record, trace),
            _ => None,
        })
    });
    let body = withheld.is_none().then(|| vetting.without_hints(body, trace));
    let Vetting { cause, would_block, .. } = vetting;
    match (withheld, body) {
        (Some(end), _) => End { would_block, ..end }.kept_for(policy.blocked_ttl),
        (None, Some(Ok(body))) => {
            let cause = rewritten(policy, records, question).unwrap_or(cause);
            End { reason, cause: Some(cause), would_block, target: None, body }
        }
        (None, _) => {
            let end = End::because(Reason::InternalError);
            End { cause: Some(cause), would_block, ..end }
        }
    }
}

/// The rewrite that gave the answer, if one did: it tells more than what allowed the name.
#[inline]
fn rewritten(policy: &Policy, records: &Records, question: &Question) -> Option<Cause> {
    let rewrite = policy.rewrites.find_for(&question.hashed, question.kind())?;
    (!records.keeps(&question.hashed, question.kind(), policy)).then_some(Cause::Rewrite(rewrite))
}

/// Whether the policy blocks a name that the aliases of an answer lead to, before anybody is asked
/// for the last of them.
pub fn leads_to_blocked(
    snapshot: &Snapshot,
    question: &Question,
    permit: &Permit,
    answer: &Answer,
) -> bool {
    let mut vetting = Vetting::new(snapshot, question, permit, Some(answer));
    let mut aliases = answer.records().filter(|record| record.kind == RecordType::CNAME);
    aliases.any(|record| vetting.alias(&record, &mut ()).is_some())
}

/// Charges the data of an answer that could carry anything to its client, and withholds what is more
/// than the budget of the domain allows: an upstream's alone, since what is known here tells nothing.
#[inline]
fn charge(
    policy: &Policy,
    question: &Question,
    permit: Permit,
    body: &Body,
    account: &Account<'_, impl Fn() -> Owner>,
) -> ControlFlow<End, Permit> {
    let Body::Upstream { answer, .. } = body else { return ControlFlow::Continue(permit) };
    let (Some(tunneling), Some(budgets)) = (&policy.tunneling, account.budgets) else {
        return ControlFlow::Continue(permit);
    };
    // Most answers hold addresses alone.
    if !answer.records().any(|record| may_carry(record.kind)) {
        return ControlFlow::Continue(permit);
    }
    let Some(asked) = account.asked(question) else { return ControlFlow::Continue(permit) };
    let is_spared = || tunneling.spares(&question.hashed, permit.moment()).is_some();
    let charge = budgets.charge_answer(&asked, tunneling.limits, answer.records(), is_spared);
    let Some(charge) = charge else { return ControlFlow::Continue(permit) };
    account.note(&charge);
    let cause = Cause::Tunneling(Strike::new(tunneling.limits, &charge));
    match charge.level {
        Level::Block if tunneling.acts => {
            ControlFlow::Break(end_by_budget(&permit, Reason::TunnelBudget, cause))
        }
        Level::Alert if !charge.is_first => ControlFlow::Continue(permit),
        Level::Alert | Level::Split | Level::Throttle | Level::Block => {
            ControlFlow::Continue(permit.noting(cause))
        }
        Level::Free => ControlFlow::Continue(permit),
    }
}

/// Whether an answer starts with an alias, as that of a record which is one does.
fn leads_on(answer: Option<&Answer>) -> bool {
    let first = answer.and_then(|answer| answer.records().next());
    first.is_some_and(|record| record.kind == RecordType::CNAME)
}

struct Vetting<'a> {
    snapshot: &'a Snapshot,
    /// The question, and the targets of its aliases so far.
    chain: AliasChain<'a>,
    policy: &'a Policy,
    question: &'a Question,
    private_allowed: bool,
    /// The answer is that of a person.
    is_declared: bool,
    /// Whether the question and all names behind it so far are of domains with upstreams of their
    /// own, or local records: these upstreams may give private addresses.
    within_domains: bool,
    /// What allowed the name, or the pause that lets a target through.
    cause: Cause,
    /// What allows the names behind the last alias, if something does expressly.
    allowed_by: Option<Cause>,
    /// Observe-only matches of targets count like those of the name itself; the first one is kept.
    would_block: Option<Cause>,
}

impl<'a> Vetting<'a> {
    fn new(
        snapshot: &'a Snapshot,
        question: &'a Question,
        permit: &Permit,
        answer: Option<&Answer>,
    ) -> Self {
        let policy = &snapshot.policies[permit.policy()];
        let chain = AliasChain::new(&snapshot.lists, policy, &question.hashed, permit.moment());
        let is_alias_of_record =
            leads_on(answer) && snapshot.records(policy).answers(&question.hashed);
        let chain = if is_alias_of_record { chain.of_record() } else { chain };
        let allowed_by = chain.allowed_by(permit.cause());
        Self {
            snapshot,
            chain,
            policy,
            question,
            // The name that was asked for counts, and none behind an alias: else everybody could
            // lead an alias to an exempted name.
            private_allowed: policy.allows_private(&question.hashed),
            is_declared: false,
            within_domains: !policy.domains.is_empty()
                && (is_alias_of_record
                    || policy.domains.find(&question.hashed, question.kind()).is_some()),
            cause: permit.cause(),
            allowed_by,
            would_block: permit.would_block(),
        }
    }

    /// A name behind an alias is decided about like a name asked for (CNAME cloaking).
    fn alias(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
        self.within_domains = self.within_domains && self.stays_within(record);
        let (hashed, verdict) = self.target(record, trace)?;
        self.allowed_by = allowed_by_now(self.allowed_by, verdict);
        // In the chain also if it is blocked: how that is answered depends on all of it, but only
        // where types are told apart.
        if self.chain.has_types() {
            self.chain.push(hashed);
        }
        let Verdict::Block(cause, answer) = verdict else { return None };
        let answer = self.chain.answer(cause, answer, self.question.kind());
        Some(blocked_target(record, cause, answer))
    }

    /// Whether an alias leads to a name of a domain with upstreams of its own, or to a local record.
    fn stays_within(&self, record: &Record<'_>) -> bool {
        let Some(target) = record.target().map(|target| HashedName::new(&target)) else {
            return false;
        };
        self.policy.domains.find(&target, self.question.kind()).is_some()
            || self.snapshot.records(self.policy).answers(&target)
    }

    /// The target of an HTTPS or SVCB record, which a client connects to without asking again. Only
    /// such a record leads there, so other types of the name are not denied.
    fn service(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
        let (_, verdict) = self.target(record, trace)?;
        let Verdict::Block(cause, _) = verdict else { return None };
        Some(blocked_target(record, cause, BlockAnswer::NoData))
    }

    /// Decides about the name that a record leads to; none where it leads nowhere else.
    fn target(
        &mut self,
        record: &Record<'_>,
        trace: &mut impl Trace,
    ) -> Option<(HashedName, Verdict)> {
        let target = record.target()?;
        if target.is_root() || target == *self.question.hashed.name() {
            return None;
        }
        let (hashed, kind) = (HashedName::new(&target), self.question.kind());
        trace.step(|| target_step(record, &target));
        let mut trace = InStage { stage: Stage::Vet, trace };
        let decision = self.chain.decide_target(&hashed, kind, self.allowed_by, &mut trace);
        self.would_block = self.would_block.or(decision.would_block);
        if decision.verdict == Verdict::Allow(Cause::Pause) {
            self.cause = Cause::Pause;
        }
        Some((hashed, decision.verdict))
    }

    /// DNS rebinding: a public name must not lead a browser to an address inside the network. Other
    /// types of the name may still have public ones.
    fn address(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
        let address = record.address()?;
        if is_private(address) && self.withholds_private() {
            let cause = Cause::PrivateAddresses;
            return Some(blocked(Reason::PrivateAddress, cause, None, BlockAnswer::NoData));
        }
        let (cause, answer) = self.listed(address, record.kind, trace)?;
        // People read it as the address that it is.
        let target = Name::from_text(&address.to_canonical().to_string()).ok().map(Box::new);
        Some(End { target, ..blocked(Reason::BlockedTarget, cause, None, answer) })
    }

    /// What withholds an address that a list blocks.
    fn listed(
        &mut self,
        address: IpAddr,
        kind: RecordType,
        trace: &mut impl Trace,
    ) -> Option<(Cause, BlockAnswer)> {
        if self.is_declared {
            return None;
        }
        let decision = self.chain.decide_address(address, kind, self.allowed_by, trace)?;
        self.would_block = self.would_block.or(decision.would_block);
        match decision.verdict {
            Verdict::Block(cause, answer) => Some((cause, answer)),
            Verdict::Allow(cause) => {
                if cause == Cause::Pause {
                    self.cause = cause;
                }
                None
            }
        }
    }

    /// Whether a private address that was found is withheld, or only noted.
    fn withholds_private(&mut self) -> bool {
        if self.private_allowed || self.within_domains {
            return false;
        }
        let observes = self.policy.mode == Mode::Observe;
        if observes {
            self.would_block = self.would_block.or(Some(Cause::PrivateAddresses));
        }
        !observes
    }

    /// The answer without the address hints that the client would not get by asking for A or AAAA
    /// (RFC 9460 section 7.3): it may connect to a hint without asking.
    fn without_hints(&mut self, body: Body, trace: &mut impl Trace) -> Result<Body, AnswerError> {
        if !is_service(self.question.kind()) {
            return Ok(body);
        }
        let Some(answer) = body.answer() else { return Ok(body) };
        let services = answer.records().filter(|record| is_service(record.kind));
        let withheld: Vec<Hints> = services.map(|record| self.hints(&record, trace)).collect();
        if withheld.iter().all(|hints| hints.is_empty()) {
            return Ok(body);
        }
        trace.step(|| hints_step(&withheld));
        let mut withheld = withheld.into_iter();
        let without = answer.without_hints(|_| withheld.next().unwrap_or_default())?;
        Ok(body.with_answer(Arc::new(without)))
    }

    /// The hints of a record that are withheld.
    fn hints(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Hints {
        let (mut found, mut private) = (Hints::default(), Hints::default());
        let mut listed = Hints::default();
        for address in record.hints() {
            let of = |hints: &mut Hints| {
                if address.is_ipv4() { hints.v4 = true } else { hints.v6 = true }
            };
            of(&mut found);
            if is_private(address) {
                of(&mut private);
            }
            let kind = if address.is_ipv4() { RecordType::A } else { RecordType::AAAA };
            if self.listed(address, kind, trace).is_some() {
                of(&mut listed);
            }
        }
        let private = if private.is_empty() || !self.withholds_private() {
            Hints::default()
        } else {
            private
        };
        let (v4, v6) = (private.v4 || listed.v4, private.v6 || listed.v6);
        if found.is_empty() || !self.chain.has_types() {
            return Hints { v4, v6 };
        }
        let target = record.target().map(|target| HashedName::new(&target));
        let denies = |kind| !self.chain.allows(kind, target.as_ref());
        Hints {
            v4: v4 || (found.v4 && denies(RecordType::A)),
            v6: v6 || (found.v6 && denies(RecordType::AAAA)),
        }
    }
}

/// The end of a query whose answer leads to a blocked name.
fn blocked_target(record: &Record<'_>, cause: Cause, answer: BlockAnswer) -> End {
    let target = record.target().map(|target| Box::new(target.to_lower()));
    End { target, ..blocked(Reason::BlockedTarget, cause, None, answer) }
}

fn target_step(record: &Record<'_>, target: &Name) -> Step {
    let (owner, target) = (record.owner().to_lower().to_string(), target.to_lower().to_string());
    Step {
        stage: Stage::Vet,
        what: if is_service(record.kind) { "service".into() } else { "alias".into() },
        result: format!("{owner} leads to {target}").into(),
        decides: false,
        detail: json!({ "name": owner, "type": record.kind.to_string(), "target": target }),
    }
}

/// Whether records of the type name a service and may carry hints (RFC 9460 section 2).
#[inline]
fn is_service(kind: RecordType) -> bool {
    matches!(kind, RecordType::HTTPS | RecordType::SVCB)
}

fn hints_step(withheld: &[Hints]) -> Step {
    let v4 = withheld.iter().any(|hints| hints.v4).then_some("ipv4hint");
    let v6 = withheld.iter().any(|hints| hints.v6).then_some("ipv6hint");
    let hints: Vec<&str> = v4.into_iter().chain(v6).collect();
    Step {
        stage: Stage::Vet,
        what: "address hints".into(),
        result: "taken out".into(),
        decides: false,
        detail: json!({ "hints": hints }),
    }
}
