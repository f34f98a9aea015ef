//! vet: is the answer acceptable?
//!
//! Runs on cache hits too: the cache holds what upstream said, never what was decided, so one
//! client's verdict cannot leak to another and a changed rule acts on what is already cached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{AnswerError, Hints, Name, Record, RecordType};
use serde_json::json;

use super::authorize::blocked;
use super::fetch::Fetched;
use super::{Body, End};
use crate::Reason;
use crate::document::{Mode, PrivateAddresses};
use crate::policy::{
    AliasChain, BlockAnswer, Cause, InStage, Policy, Step, Trace, Verdict, allowed_by_now,
};
use crate::question::Question;
use crate::reason::Stage;
use crate::snapshot::Snapshot;

/// Looks at every name and address that the answer leads to.
#[inline]
pub fn vet(
    snapshot: &Snapshot,
    question: &Question,
    fetched: Fetched,
    trace: &mut impl Trace,
) -> End {
    let Fetched { permit, reason, body } = fetched;
    let policy = &snapshot.policies[permit.policy()];
    let mut vetting = Vetting {
        chain: AliasChain::new(&snapshot.lists, policy, &question.hashed, permit.moment()),
        policy,
        question,
        // What a person declared as a local record may lead into the network.
        private_allowed: policy.private_addresses == PrivateAddresses::Allow
            || reason == Reason::LocalRecord,
        cause: permit.cause(),
        allowed_by: allowed_by_now(None, Verdict::Allow(permit.cause())),
        would_block: permit.would_block(),
    };
    let withheld = body.answer().and_then(|answer| {
        answer.records().find_map(|record| match record.kind {
            RecordType::A | RecordType::AAAA => vetting.address(&record),
            RecordType::CNAME | RecordType::DNAME => vetting.alias(&record, trace),
            kind if is_service(kind) => vetting.service(&record, trace),
            _ => None,
        })
    });
    let body = withheld.is_none().then(|| vetting.without_hints(body, trace));
    let Vetting { cause, would_block, .. } = vetting;
    match (withheld, body) {
        (Some(end), _) => End { would_block, ..end },
        (None, Some(Ok(body))) => {
            End { reason, cause: Some(cause), would_block, target: None, body }
        }
        (None, _) => {
            let end = End::because(Reason::InternalError);
            End { cause: Some(cause), would_block, ..end }
        }
    }
}

struct Vetting<'a> {
    /// The question, and the targets of its aliases so far.
    chain: AliasChain<'a>,
    policy: &'a Policy,
    question: &'a Question,
    private_allowed: bool,
    /// What allowed the name, or the pause that lets a target through.
    cause: Cause,
    /// What allows the names behind the last alias, if something does expressly.
    allowed_by: Option<Cause>,
    /// Observe-only matches of targets count like those of the name itself; the first one is kept.
    would_block: Option<Cause>,
}

impl Vetting<'_> {
    /// A name behind an alias is decided about like a name asked for (CNAME cloaking).
    fn alias(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
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
    fn address(&mut self, record: &Record<'_>) -> Option<End> {
        if !record.address().is_some_and(is_private) || !self.withholds_private() {
            return None;
        }
        let cause = Cause::PrivateAddresses;
        Some(blocked(Reason::PrivateAddress, cause, None, BlockAnswer::NoData))
    }

    /// Whether a private address that was found is withheld, or only noted.
    fn withholds_private(&mut self) -> bool {
        if self.private_allowed {
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
        let withheld: Vec<Hints> = services.map(|record| self.hints(&record)).collect();
        if withheld.iter().all(|hints| hints.is_empty()) {
            return Ok(body);
        }
        trace.step(|| hints_step(&withheld));
        let mut withheld = withheld.into_iter();
        let without = answer.without_hints(|_| withheld.next().unwrap_or_default())?;
        Ok(body.with_answer(Arc::new(without)))
    }

    /// The hints of a record that are withheld.
    fn hints(&mut self, record: &Record<'_>) -> Hints {
        let (mut found, mut private) = (Hints::default(), Hints::default());
        for address in record.hints() {
            let of = |hints: &mut Hints| {
                if address.is_ipv4() { hints.v4 = true } else { hints.v6 = true }
            };
            of(&mut found);
            if is_private(address) {
                of(&mut private);
            }
        }
        let private = if private.is_empty() || !self.withholds_private() {
            Hints::default()
        } else {
            private
        };
        if found.is_empty() || !self.chain.has_types() {
            return private;
        }
        let target = record.target().map(|target| HashedName::new(&target));
        let denies = |kind| !self.chain.allows(kind, target.as_ref());
        Hints {
            v4: private.v4 || (found.v4 && denies(RecordType::A)),
            v6: private.v6 || (found.v6 && denies(RecordType::AAAA)),
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

/// Addresses that are never public: RFC 1918, 6598, 3927, 4193, 4291, loopback, unspecified,
/// broadcast, site-local (RFC 3879) and local NAT64 (RFC 8215); also where IPv6 carries them:
/// mapped, compatible (RFC 4291 section 2.5.5), behind the NAT64 prefix (RFC 6052) and 6to4 (RFC
/// 3056).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || segments[0] & 0xffc0 == 0xfec0
                || segments[..3] == [0x64, 0xff9b, 1]
                || carried(v6).is_some_and(|v4| is_private(v4.into()))
        }
    }
}

/// The IPv4 address to which an IPv6 address leads, for those that carry one.
fn carried(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = v6.octets();
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => Some([a, b, c, d].into()),
        [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_form() {
        for (address, private) in [
            ("10.1.2.3", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("169.254.169.254", true),
            ("127.0.0.1", true),
            ("0.0.0.0", true),
            ("198.18.0.1", false),
            ("::", true),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::ffff:10.0.0.1", true),
            ("64:ff9b::a00:1", true),
            ("64:ff9b::c612:1", false),
            ("64:ff9b:1::c612:1", true),
            ("2002:a00:1::1", true),
            ("2002:c612:1::1", false),
            ("::10.0.0.1", true),
            ("::198.18.0.1", false),
            ("fec0::1", true),
            ("255.255.255.255", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), private, "{address}");
        }
    }
}
