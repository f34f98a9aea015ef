//! NSEC: which name comes after which (RFC 4034 section 4, RFC 4035 section 5.4).

use std::cmp::Ordering::{Greater, Less};

use keyhole_wire::{Name, RecordType};

use super::names;
use super::proof::{Delegation, Proof, Types};

/// An NSEC record of a zone.
#[derive(Debug)]
pub(super) struct Nsec {
    owner: Name,
    next: Name,
    types: Types,
}

impl Nsec {
    /// Reads a record; none where it cannot be one of the zone. The last one of a zone leads back to
    /// its apex and to nothing else.
    pub(super) fn read(apex: &Name, owner: &Name, data: &[u8]) -> Option<Self> {
        let mut len = 0;
        while *data.get(len)? != 0 {
            len += 1 + usize::from(data[len]);
        }
        let (next, types) = data.split_at_checked(len + 1)?;
        let next = Name::from_wire(next).ok()?.to_lower();
        let is_of_zone = owner.is_at_or_below(apex) && next.is_at_or_below(apex);
        let leads_on = names::compare(owner, &next) == Less || next == *apex;
        (is_of_zone && leads_on).then(|| Self { owner: *owner, next, types: Types::read(types) })
    }

    /// Whether the name would stand between the two, in a part of the zone that is its own.
    fn covers(&self, name: &Name) -> bool {
        let is_last = names::compare(&self.owner, &self.next) != Less;
        names::compare(name, &self.owner) == Greater
            && (is_last || names::compare(name, &self.next) == Less)
            && !(name.is_at_or_below(&self.owner) && self.types.ends_zone())
    }

    /// Whether a name that it covers exists all the same, because there are names below it.
    fn has_below(&self, name: &Name) -> bool {
        self.next.is_at_or_below(name)
    }

    /// Whether the name does not exist.
    fn denies(&self, name: &Name) -> bool {
        self.covers(name) && !self.has_below(name)
    }

    /// The labels of the closest name above a name it covers that exists.
    fn encloser(&self, name: &Name) -> usize {
        names::shared(name, &self.owner).max(names::shared(name, &self.next))
    }
}

pub(super) fn no_data(all: &[Nsec], name: &Name, kind: RecordType) -> Option<Proof> {
    if let Some(own) = all.iter().find(|one| one.owner == *name) {
        return own.types.lack(kind, name).then_some(Proof::Proved);
    }
    // A name that exists only because there are names below it has no records.
    if all.iter().any(|one| one.covers(name) && one.has_below(name)) {
        return Some(Proof::Proved);
    }
    let denying = all.iter().find(|one| one.denies(name))?;
    let wildcard = names::wildcard(&names::suffix(name, denying.encloser(name)))?;
    let own = all.iter().find(|one| one.owner == wildcard)?;
    own.types.lack(kind, &wildcard).then_some(Proof::Proved)
}

pub(super) fn no_name(all: &[Nsec], name: &Name) -> Option<Proof> {
    let denying = all.iter().find(|one| one.denies(name))?;
    let wildcard = names::wildcard(&names::suffix(name, denying.encloser(name)))?;
    all.iter().any(|one| one.denies(&wildcard)).then_some(Proof::Proved)
}

pub(super) fn no_closer(all: &[Nsec], name: &Name, encloser: usize) -> Option<Proof> {
    // A closer encloser than that of the wildcard would keep the wildcard away (RFC 4592 section
    // 2.2.1).
    let denies = |one: &Nsec| one.denies(name) && one.encloser(name) == encloser;
    all.iter().any(denies).then_some(Proof::Proved)
}

pub(super) fn delegation(all: &[Nsec], name: &Name) -> Option<Delegation> {
    if let Some(own) = all.iter().find(|one| one.owner == *name) {
        return own.types.delegation();
    }
    all.iter().any(|one| one.covers(name)).then_some(Delegation::Inside)
}
