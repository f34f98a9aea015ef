//! From an owner to an answer, along the aliases inside the local data.

use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{AnswerBuilder, AnswerError, Name, Rcode, RecordType, Synthetic};

use super::local::{Link, Local};
use super::read::Data;
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
                    let ttl = tree.owner(owner).negative_ttl();
                    return nothing(name, kind, &chain, Synthetic::NoData, &at, ttl);
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
                let ttl = tree.owner(wildcard).negative_ttl();
                return nothing(name, kind, &chain, Synthetic::NoData, &at, ttl);
            }
            // The code speaks of the last name of the chain (RFC 6604 section 3).
            NameLocation::Missing(wildcard) => {
                let ttl = tree.owner(wildcard).negative_ttl();
                return nothing(name, kind, &chain, Synthetic::Nxdomain, &at, ttl);
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

/// No records: a few octets that reply writes, or an answer where aliases lead to nothing.
fn nothing(
    name: &Name,
    kind: RecordType,
    chain: &[Link],
    what: Synthetic,
    zone: &Name,
    ttl: u32,
) -> Result<Local, AnswerError> {
    if chain.is_empty() {
        return Ok(Local::Synthetic { what, ttl });
    }
    let rcode = if what == Synthetic::Nxdomain { Rcode::NXDOMAIN } else { Rcode::NOERROR };
    finish(begin(name, kind, chain, rcode).soa(zone, ttl))
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
