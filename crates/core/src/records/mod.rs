//! Names that are answered here: local records, and names with a special use.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 1034 section 3.6.2 | an alias stands alone and is followed, unless it is asked for |
//! | RFC 2308 section 2 | the two ways of saying that there is nothing |
//! | RFC 4592 | what a wildcard covers, and what keeps it from doing so |
//!
//! | RFC 8020 section 2 | a name with something below it exists |
//!
//! Local data owns the names that it declares and, below the parent of a wildcard, everything. All
//! other names are asked upstream, also where they lie between a declared name and the root.

mod forwarding;
mod local;
mod read;
mod resolve;
mod reverse;
mod rewrites;
mod special;
mod tree;
mod zones;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use keyhole_wire::{Answer, Name, RecordType, Synthetic};

pub use forwarding::Forwarding;
use keyhole_names::HashedName;
pub use local::{Link, Local};
pub use rewrites::{Rewrite, Rewrites};
pub use special::{SpecialZone, special_zone};

use crate::document::RecordDocument;
use crate::faults::Faults;
use tree::{NameLocation, Tree};

/// The types whose answers are prepared: all that local records have, and HTTPS, which browsers ask
/// for along with addresses.
const PREPARED: [RecordType; 6] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::HTTPS,
    RecordType::CNAME,
    RecordType::PTR,
    RecordType::TXT,
];

/// For what does not fit into any message.
const SERVFAIL: Local = Local::Synthetic { what: Synthetic::SERVFAIL, ttl: 0, zone: None };

/// What is said of a name, as records, for what comes behind an alias; none for an alias and for what
/// does not fit into any message.
pub fn as_answer(local: &Local, name: &Name, kind: RecordType) -> Option<Arc<Answer>> {
    match resolve::behind(name, kind, &[], name, local).ok()? {
        Local::Answer(answer) => Some(answer),
        Local::Synthetic { .. } | Local::Alias { .. } => None,
    }
}

/// Local records that are seen together, compiled.
pub struct Records {
    tree: Tree,
    /// By owner, in the order of [`PREPARED`].
    prepared: Vec<[Local; PREPARED.len()]>,
}

impl Records {
    /// Compiles those of the records that `set` holds by index; `path` is where they all are in the
    /// snapshot. With faults, the result must not be used.
    pub(crate) fn compile(
        documents: &[RecordDocument],
        set: &[usize],
        path: &str,
        faults: &mut Faults,
    ) -> Self {
        let mut owners = read::read(documents, set, path, faults);
        reverse::add(&mut owners);
        let tree = Tree::new(owners);
        resolve::check_chains(&tree, faults);
        let mut prepared = Vec::with_capacity(tree.owners().len());
        for (index, owner) in tree.owners().iter().enumerate() {
            prepared.push(PREPARED.map(|kind| {
                resolve::resolve(&tree, index as u32, &owner.name, kind).unwrap_or_else(|error| {
                    faults.add(&owner.path, format!("{}: {error} ({})", owner.name, owner.origin));
                    SERVFAIL
                })
            }));
        }
        Self { tree, prepared }
    }

    /// What is said here about a name and type, and by which zone with a special use if local
    /// records say nothing; none leaves the name to others.
    ///
    /// `forwarding` says which names with a special use the policy leaves to its upstreams.
    pub fn answer(
        &self,
        hashed: &HashedName,
        kind: RecordType,
        forwarding: &impl Forwarding,
    ) -> Option<(Local, Option<SpecialZone>)> {
        let special = |hashed: &HashedName| {
            let zone =
                special_zone(hashed).filter(|zone| !zone.leaves(hashed, kind, forwarding))?;
            let exists = self.tree.is_empty_nonterminal(hashed) || forwarding.lies_above(hashed);
            Some((zone.say(hashed, kind, exists)?, Some(zone)))
        };
        // SOA, NS and DS belong to the zone, also where a record stands at its apex.
        if special_zone(hashed).is_some_and(|zone| zone.owns(kind)) {
            return special(hashed);
        }
        let local = match self.find(hashed, kind) {
            None => return special(hashed),
            Some(local) => local,
        };
        let Local::Alias { chain, target } = &local else { return Some((local, None)) };
        // An alias must not take a special name out, either.
        match special(&HashedName::new(target)) {
            None => Some((local, None)),
            Some((said, _)) => {
                let behind = resolve::behind(hashed.name(), kind, chain, target, &said);
                Some((behind.unwrap_or(SERVFAIL), None))
            }
        }
    }

    /// Whether local records answer for the name, of whatever type they are.
    pub fn answers(&self, hashed: &HashedName) -> bool {
        self.tree.locate(hashed) != NameLocation::Outside
    }

    /// Whether a question stays here: local records or a zone with a special use answer it.
    pub fn keeps(
        &self,
        hashed: &HashedName,
        kind: RecordType,
        forwarding: &impl Forwarding,
    ) -> bool {
        let says = |zone: SpecialZone| {
            !zone.leaves(hashed, kind, forwarding) && zone.say(hashed, kind, false).is_some()
        };
        self.answers(hashed) || special_zone(hashed).is_some_and(says)
    }

    /// Whether nothing is declared for the name, and something below it.
    #[inline]
    pub fn is_empty_nonterminal(&self, hashed: &HashedName) -> bool {
        self.tree.is_empty_nonterminal(hashed)
    }

    /// What local records say about a name and type; none leaves the name to others.
    ///
    /// A declared name costs one probe and an `Arc`; a name under a wildcard is put together anew.
    pub fn find(&self, hashed: &HashedName, kind: RecordType) -> Option<Local> {
        let (owner, what) = match self.tree.locate(hashed) {
            NameLocation::Outside => return None,
            NameLocation::Owner(owner) => {
                if let Some(slot) = PREPARED.iter().position(|prepared| *prepared == kind) {
                    return self.prepared.get(owner as usize).map(|locals| locals[slot].clone());
                }
                return Some(self.resolve(owner, hashed, kind));
            }
            NameLocation::Wildcard(owner) => return Some(self.resolve(owner, hashed, kind)),
            NameLocation::Empty(wildcard) => (wildcard, Synthetic::NoData),
            NameLocation::Missing(wildcard) => (wildcard, Synthetic::Nxdomain),
        };
        Some(resolve::Missing { at: hashed.name(), by: self.tree.owner(owner) }.local(what))
    }

    /// Where the records that answer for a name were declared; for explanation.
    pub fn origin(&self, hashed: &HashedName) -> Option<&str> {
        match self.tree.locate(hashed) {
            NameLocation::Outside => None,
            NameLocation::Owner(owner)
            | NameLocation::Wildcard(owner)
            | NameLocation::Empty(owner)
            | NameLocation::Missing(owner) => Some(&self.tree.owner(owner).origin),
        }
    }

    fn resolve(&self, owner: u32, hashed: &HashedName, kind: RecordType) -> Local {
        resolve::resolve(&self.tree, owner, hashed.name(), kind)
            // Only a set within a few octets of the largest message can fail for a longer name.
            .unwrap_or(SERVFAIL)
    }
}
