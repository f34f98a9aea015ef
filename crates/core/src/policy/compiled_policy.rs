//! One policy, in the form in which packets ask it.

use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_names::list_file::ListMask;
use keyhole_wire::RecordType;

use super::block_answer::BlockAnswer;
use super::domains::{Domain, Domains};
use super::name_patterns::NamePatterns;
use super::rules::RuleSet;
use super::schedule::Moment;
use super::span::Span;
use super::tunneling::Tunneling;
use crate::document::{DefaultDocument, LogLevel, Mode, PrivateAddresses};
use crate::records::{Forwarding, Rewrites};

/// One policy, compiled.
pub struct Policy {
    /// `metadata.name` of the document.
    pub name: String,
    /// Where it was declared.
    pub origin: String,
    /// Whether it acts, or lets everything through and only records what it would have done.
    pub mode: Mode,
    /// How much of each query may be written down.
    pub log: LogLevel,
    /// Its rules.
    pub rules: RuleSet,
    /// The lists in use, by index.
    pub list_ids: Vec<usize>,
    /// The same as a set of bits.
    pub lists: ListMask,
    /// How a name on a block list is answered.
    pub list_answer: BlockAnswer,
    /// Whether lists act or only record.
    pub list_mode: Mode,
    /// While block rules and block lists only record.
    pub paused: Option<Span>,
    /// What happens to a name that no rule and no list decides.
    pub default: DefaultDocument,
    /// What happens to a private address in the answer for a public name.
    pub private_addresses: PrivateAddresses,
    /// Public names whose answers may have private addresses.
    pub private_names: NamePatterns,
    /// Names with a special use that are asked upstream.
    pub forwarded_names: NamePatterns,
    /// The budgets of name octets of each of its clients; none where nobody counts.
    pub tunneling: Option<Tunneling>,
    /// Whether clients that ask for many domains which do not exist are slowed; none where nobody looks.
    pub missing_domains: Option<bool>,
    /// Seconds for which a client may keep the answer for a blocked name.
    pub blocked_ttl: u32,
    /// Domains for which other upstream sets are asked.
    pub domains: Domains,
    /// The index of the upstream set that answers for all other names.
    pub upstream_set: usize,
    /// The index of the local records that its clients see.
    pub record_set: usize,
    /// Names whose addresses its clients get from another name.
    pub rewrites: Arc<Rewrites>,
}

impl Policy {
    /// The time that a decision of this policy needs; `unix` is asked for the second of Unix time
    /// only if a rule or a pause depends on it.
    #[inline]
    pub fn moment(&self, unix: impl FnOnce() -> i64) -> Moment {
        let is_timed = self.rules.is_scheduled()
            || self.paused.is_some()
            || self.tunneling.as_ref().is_some_and(Tunneling::is_timed);
        Moment::at(if is_timed { unix() } else { 0 })
    }

    /// Whether the answer for a name that is asked for may have private addresses.
    #[inline]
    pub fn allows_private(&self, hashed: &HashedName) -> bool {
        self.private_addresses == PrivateAddresses::Allow
            || self.private_names.has(hashed)
            || self.forwarded_names.has(hashed)
    }

    /// The index of the upstream set that is asked for a name, and the domain that says so, if one
    /// does.
    #[inline]
    pub fn route(&self, hashed: &HashedName, kind: RecordType) -> (usize, Option<&Domain>) {
        let domain = self.domains.find(hashed, kind);
        (domain.map_or(self.upstream_set, |domain| domain.upstream_set), domain)
    }

    /// Whether block rules and block lists only record.
    #[inline]
    pub(super) fn is_paused(&self, moment: Moment) -> bool {
        self.paused.is_some_and(|pause| pause.holds(moment))
    }
}

impl Forwarding for Policy {
    /// A domain lets a zone leave that it names, or of which it names a part. One that lies above
    /// the zone does not: the zone is the more specific of the two.
    fn forwards(&self, hashed: &HashedName, kind: RecordType, zone_octets: usize) -> bool {
        let covers = |domain: &Domain| domain.name.as_wire().len() >= zone_octets;
        self.forwarded_names.has(hashed) || self.domains.find(hashed, kind).is_some_and(covers)
    }

    fn lies_above(&self, hashed: &HashedName) -> bool {
        self.domains.lie_below(hashed)
    }
}
