//! vet: is the answer acceptable?
//!
//! Runs on cache hits too: the cache holds what upstream said, never what was decided, so one
//! client's verdict cannot leak to another and a changed rule acts on what is already cached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keyhole_names::HashedName;
use keyhole_wire::{Record, RecordType};

use super::End;
use super::authorize::blocked;
use super::fetch::Fetched;
use crate::Reason;
use crate::document::{Mode, PrivateAddresses};
use crate::list_table::ListTable;
use crate::policy::{self, BlockAnswer, Cause, InStage, Moment, Policy, Trace, Verdict};
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
    let policy = &snapshot.policies[fetched.permit.policy()];
    let mut vetting = Vetting {
        lists: &snapshot.lists,
        policy,
        question,
        moment: fetched.permit.moment(),
        // What a person declared as a local record may lead into the network.
        private_allowed: policy.private_addresses == PrivateAddresses::Allow
            || fetched.reason == Reason::LocalRecord,
        cause: fetched.permit.cause(),
        would_block: fetched.permit.would_block(),
    };
    let withheld = fetched.body.answer().and_then(|answer| {
        answer.records().find_map(|record| match record.kind {
            RecordType::A | RecordType::AAAA => vetting.addresses(&record),
            RecordType::CNAME | RecordType::DNAME => vetting.target(&record, trace),
            RecordType::HTTPS | RecordType::SVCB => {
                vetting.target(&record, trace).or_else(|| vetting.addresses(&record))
            }
            _ => None,
        })
    });
    let Vetting { cause, would_block, .. } = vetting;
    match withheld {
        Some(end) => End { would_block, ..end },
        None => End { reason: fetched.reason, cause: Some(cause), would_block, body: fetched.body },
    }
}

struct Vetting<'a> {
    lists: &'a ListTable,
    policy: &'a Policy,
    question: &'a Question,
    moment: Moment,
    private_allowed: bool,
    /// What allowed the name, or the pause that lets a target through.
    cause: Cause,
    /// Observe-only matches of targets count like those of the name itself; the first one is kept.
    would_block: Option<Cause>,
}

impl Vetting<'_> {
    /// A name behind an alias is decided about like a name asked for (CNAME cloaking), and so is
    /// the target of an HTTPS or SVCB record, which a client connects to without asking again.
    fn target(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
        let Self { lists, policy, question, moment, .. } = *self;
        let target = record.target()?;
        if target.is_root() || target == *question.hashed.name() {
            return None;
        }
        let (hashed, kind) = (HashedName::new(&target), question.kind());
        let mut trace = InStage { stage: Stage::Vet, trace };
        let decision = policy::decide_target(lists, policy, &hashed, kind, moment, &mut trace);
        self.would_block = self.would_block.or(decision.would_block);
        match decision.verdict {
            Verdict::Block(cause, answer) => {
                Some(blocked(Reason::BlockedTarget, cause, None, answer))
            }
            Verdict::Allow(cause) => {
                if cause == Cause::Pause {
                    self.cause = cause;
                }
                None
            }
        }
    }

    /// DNS rebinding: a public name must not lead a browser to an address inside the network.
    fn addresses(&mut self, record: &Record<'_>) -> Option<End> {
        if self.private_allowed {
            return None;
        }
        if !(record.address().is_some_and(is_private) || record.hints().any(is_private)) {
            return None;
        }
        let cause = Cause::PrivateAddresses;
        if self.policy.mode == Mode::Observe {
            self.would_block = self.would_block.or(Some(cause));
            return None;
        }
        Some(blocked(Reason::PrivateAddress, cause, None, BlockAnswer::Nxdomain))
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
