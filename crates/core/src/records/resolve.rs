//! From an owner to an answer, along the aliases inside the local data.

use std::net::IpAddr;
use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{AnswerBuilder, AnswerError, Name, Rcode, RecordType, Synthetic, ZoneAt};

use super::local::{Link, Local};
use super::read::{Data, Owner};
use super::special::special_zone;
use super::tree::{NameLocation, Tree};
use crate::faults::Faults;

/// The most aliases in a row; more is a mistake, and every one makes each answer longer.
const MAX_CHAIN: usize = 16;

/// Answers from the owner with this index for `name`: the owner's own name, or one that its
/// wildcard covers.
pub(super) fn resolve(
    tree: &Tree,
    owner: u32,
    name: &Name,
    kind: RecordType,
) -> Result<Local, AnswerError> {
    let mut chain: Vec<Link> = Vec::new();
    let (mut owner, mut at) = (owner, *name);
    loop {
        match &tree.owner(owner).data {
            Data::Sets(sets) => {
                let Some(set) = sets.iter().find(|set| set.kind == kind) else {
                    let missing = Missing { at: &at, by: tree.owner(owner) };
                    return nothing(name, kind, &chain, Synthetic::NoData, &missing);
                };
                let builder = begin(name, kind, &chain, Rcode::NOERROR);
                let push = |b: AnswerBuilder, data: &Vec<u8>| b.push(&at, kind, set.ttl, data);
                return finish(set.data.iter().fold(builder, push));
            }
            // The alias itself is asked for and not followed (RFC 1034 section 3.6.2).
            Data::Alias { target, ttl } if kind == RecordType::CNAME => {
                let builder = begin(name, kind, &chain, Rcode::NOERROR);
                return finish(builder.push_name(&at, kind, *ttl, target));
            }
            Data::Alias { target, ttl } => {
                chain.push((at, *target, *ttl));
                at = *target;
            }
        }
        owner = match tree.locate(&HashedName::new(&at)) {
            NameLocation::Owner(next) | NameLocation::Wildcard(next)
                if chain.len() <= MAX_CHAIN =>
            {
                next
            }
            NameLocation::Empty(wildcard) => {
                let missing = Missing { at: &at, by: tree.owner(wildcard) };
                return nothing(name, kind, &chain, Synthetic::NoData, &missing);
            }
            // The code speaks of the last name of the chain (RFC 6604 section 3).
            NameLocation::Missing(wildcard) => {
                let missing = Missing { at: &at, by: tree.owner(wildcard) };
                return nothing(name, kind, &chain, Synthetic::Nxdomain, &missing);
            }
            _ => return Ok(Local::Alias { chain: chain.into(), target: at }),
        };
    }
}

/// Notes every alias that leads back to itself or through too many others.
pub(super) fn check_chains(tree: &Tree, faults: &mut Faults) {
    let mut reported: Vec<Name> = Vec::new();
    for owner in tree.owners() {
        let mut seen = vec![owner.name];
        let mut data = &owner.data;
        while let Data::Alias { target, .. } = data {
            let circle = seen.contains(target);
            seen.push(*target);
            if circle || seen.len() > MAX_CHAIN + 1 {
                if !seen.iter().any(|name| reported.contains(name)) {
                    let way: Vec<String> = seen.iter().map(Name::to_string).collect();
                    let what = if circle { "a circle" } else { "too long a chain" };
                    faults.add(
                        format!("{}.data", owner.path),
                        format!("{what} of aliases: {} ({})", way.join(" -> "), owner.origin),
                    );
                }
                reported.append(&mut seen);
                break;
            }
            match tree.locate(&HashedName::new(target)) {
                NameLocation::Owner(next) | NameLocation::Wildcard(next) => {
                    data = &tree.owner(next).data
                }
                _ => break,
            }
        }
    }
}

/// A name or type that local data says is not there.
pub(super) struct Missing<'a> {
    pub(super) at: &'a Name,
    /// The records that make its surroundings local.
    pub(super) by: &'a Owner,
}

impl Missing<'_> {
    /// The zone to which it belongs: that of its special use, or what local records own.
    fn zone(&self) -> ZoneAt {
        let special = special_zone(&HashedName::new(self.at)).and_then(|zone| zone.at());
        special.unwrap_or_else(|| {
            let (own, zone) = (self.at.as_wire().len(), self.by.local_from().as_wire().len());
            // A name has at most 255 octets.
            ZoneAt(own.saturating_sub(zone) as u8)
        })
    }

    /// What is said of it where no alias leads to it.
    pub(super) fn local(&self, what: Synthetic) -> Local {
        Local::Synthetic { what, ttl: self.by.negative_ttl(), zone: Some(self.zone()) }
    }
}

/// No records: a few octets that reply writes, or an answer where aliases lead to nothing.
fn nothing(
    name: &Name,
    kind: RecordType,
    chain: &[Link],
    what: Synthetic,
    missing: &Missing<'_>,
) -> Result<Local, AnswerError> {
    if chain.is_empty() {
        return Ok(missing.local(what));
    }
    finish(without(
        begin(name, kind, chain, code(what)),
        missing.at,
        missing.zone(),
        missing.by.negative_ttl(),
    ))
}

fn code(what: Synthetic) -> Rcode {
    if what == Synthetic::Nxdomain { Rcode::NXDOMAIN } else { Rcode::NOERROR }
}

/// Adds the SOA record of the zone in which `at` is missing.
fn without(builder: AnswerBuilder, at: &Name, zone: ZoneAt, ttl: u32) -> AnswerBuilder {
    let zone = at.as_wire().get(usize::from(zone.0)..).and_then(|wire| Name::from_wire(wire).ok());
    builder.soa(&zone.unwrap_or(*at), ttl)
}

/// What is said about a special name, behind the aliases that lead to it.
pub(super) fn behind(
    name: &Name,
    kind: RecordType,
    chain: &[Link],
    target: &Name,
    local: &Local,
) -> Result<Local, AnswerError> {
    match local {
        Local::Answer(answer) => {
            answer.with_chain(name, kind, chain).map(|answer| Local::Answer(Arc::new(answer)))
        }
        &Local::Synthetic { what: Synthetic::Address(address), ttl, .. } => {
            let builder = begin(name, kind, chain, Rcode::NOERROR);
            finish(match address {
                IpAddr::V4(v4) => builder.push(target, kind, ttl, &v4.octets()),
                IpAddr::V6(v6) => builder.push(target, kind, ttl, &v6.octets()),
            })
        }
        &Local::Synthetic { what, ttl, zone } => {
            let builder = begin(name, kind, chain, code(what));
            finish(without(builder, target, zone.unwrap_or(ZoneAt(0)), ttl))
        }
        Local::Alias { .. } => Ok(local.clone()),
    }
}

fn begin(name: &Name, kind: RecordType, chain: &[Link], rcode: Rcode) -> AnswerBuilder {
    let builder = AnswerBuilder::new(name, kind, rcode).authoritative();
    chain.iter().fold(builder, |builder, (owner, target, ttl)| {
        builder.push_name(owner, RecordType::CNAME, *ttl, target)
    })
}

fn finish(builder: AnswerBuilder) -> Result<Local, AnswerError> {
    builder.finish().map(|answer| Local::Answer(Arc::new(answer)))
}
