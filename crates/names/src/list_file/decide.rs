//! What the lists in use say about a question.

use std::net::IpAddr;

use keyhole_wire::RecordType;

use super::candidates::{Candidate, Candidates};
use super::file::ListFile;
use super::format::{Attributes, SPECIFIC};
use super::hit::{Action, EntryLocation, ListHit, ListKind, ListMask};
use super::limits::{Effect, Limits, types_of};
use crate::address_name::Network;
use crate::hashed_name::HashedName;

impl ListFile {
    /// What the lists in use say about a question, by precedence: an important exception, an
    /// important block, an exception or an entry of an allow list, a block. Among equals the
    /// longest name wins, then the first list. `kinds` says by list id what a hit means; on an
    /// allow list every hit allows. No allocation for a name that no list speaks of, unless the
    /// file has patterns.
    pub fn decide(
        &self,
        in_use: &ListMask,
        kinds: &[ListKind],
        hashed: &HashedName,
        kind: RecordType,
    ) -> Option<ListHit> {
        if in_use.is_empty() {
            return None;
        }
        self.decide_among(in_use, kinds, hashed, kind, true)
    }

    /// What the lists in use say about an address in the answer to a question of this type.
    /// Patterns are about names.
    pub fn decide_address(
        &self,
        in_use: &ListMask,
        kinds: &[ListKind],
        address: IpAddr,
        kind: RecordType,
    ) -> Option<ListHit> {
        if !self.has_addresses || in_use.is_empty() {
            return None;
        }
        let hashed = HashedName::new(Network::of(address).names().first()?);
        self.decide_among(in_use, kinds, &hashed, kind, false)
    }

    /// Whether any entry speaks of addresses in answers.
    pub fn has_addresses(&self) -> bool {
        self.has_addresses
    }

    fn decide_among(
        &self,
        in_use: &ListMask,
        kinds: &[ListKind],
        hashed: &HashedName,
        kind: RecordType,
        with_patterns: bool,
    ) -> Option<ListHit> {
        let mut candidates = Candidates::default();
        let mut offer = |attributes: &Attributes, location: EntryLocation, labels: usize| {
            if let Some(mut hit) = self.hit(attributes, location)
                && in_use.contains(hit.list)
                && self.applies(attributes, hashed, Some(kind))
            {
                if kinds.get(hit.list) == Some(&ListKind::Allow) {
                    hit.action = Action::Allow;
                }
                let (effect, rewrite) = self.effect(attributes);
                candidates.add(Candidate::new(hit, *attributes, labels, effect, rewrite));
            }
        };
        if with_patterns {
            self.each_match(hashed, &mut offer);
        } else {
            self.each_name(hashed, &mut offer);
        }
        candidates.decide(|one, other| self.cancels(one, other))
    }

    /// Adds every record type that an entry of the lists in use for this name singles out, by
    /// number. Costs nothing where no list has such entries.
    pub fn named_types(&self, in_use: &ListMask, hashed: &HashedName, types: &mut Vec<u16>) {
        if !self.has_types {
            return;
        }
        let mut offer = |attributes: &Attributes, location: EntryLocation, _: usize| {
            let hit = self.hit(attributes, location);
            if hit.is_some_and(|hit| hit.is_typed && in_use.contains(hit.list))
                && self.applies(attributes, hashed, None)
            {
                types.extend(self.limits(attributes.limits).into_iter().flat_map(types_of));
            }
        };
        self.each_match(hashed, &mut offer);
    }

    /// Whether any entry speaks of some record types only.
    pub fn has_types(&self) -> bool {
        self.has_types
    }

    /// Offers all entries that mean the name, each with the number of labels of it that it gives;
    /// some patterns more than once.
    #[inline]
    pub(super) fn each_match(
        &self,
        hashed: &HashedName,
        offer: &mut impl FnMut(&Attributes, EntryLocation, usize),
    ) {
        self.each_name(hashed, offer);
        if self.patterns.is_empty() {
            return;
        }
        let text = hashed.text();
        self.patterns.candidates(text.as_bytes(), |index, pattern| {
            if pattern.matcher.is_match(text.as_bytes()) {
                offer(&pattern.attributes, EntryLocation::Pattern(index), 0);
            }
        });
    }

    /// Whether the first entry, a `$badfilter`, takes back the second one: both say the same.
    fn cancels(&self, one: &Candidate, other: &Candidate) -> bool {
        let is_same_target = match (one.hit.location, other.hit.location) {
            (EntryLocation::Name { name, .. }, EntryLocation::Name { name: other, .. }) => {
                name == other
            }
            (EntryLocation::Pattern(one), EntryLocation::Pattern(other)) => {
                let text = |index| self.patterns.get(index).map(|pattern| &pattern.text);
                text(one) == text(other)
            }
            _ => false,
        };
        let flags = |candidate: &Candidate| candidate.attributes.flags & !SPECIFIC;
        let limits = |candidate: &Candidate| {
            let limits = self.read_limits(&candidate.attributes).unwrap_or_default();
            // Spared names are no part of what a list wrote.
            Limits { effect: Effect::Decides, spared_names: Vec::new(), ..limits }
        };
        is_same_target && flags(one) == flags(other) && limits(one) == limits(other)
    }
}
