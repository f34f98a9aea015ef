//! Names that are answered here: local records, and names with a special use.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 1034 section 3.6.2 | an alias stands alone and is followed, unless it is asked for |
//! | RFC 2308 section 2 | the two ways of saying that there is nothing |
//! | RFC 4592 | what a wildcard covers, and what keeps it from doing so |
//!
//! Local data owns the names that it declares and, below the parent of a wildcard, everything. All
//! other names are asked upstream, also where they lie between a declared name and the root.

mod local;
mod read;
mod resolve;
mod special;
mod tree;

#[cfg(test)]
mod tests;

use keyhole_wire::{RecordType, Synthetic};

use keyhole_names::HashedName;
pub use local::{Link, Local};
pub use special::special;

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
        let tree = Tree::new(read::read(documents, set, path, faults));
        resolve::check_chains(&tree, faults);
        let mut prepared = Vec::with_capacity(tree.owners().len());
        for (index, owner) in tree.owners().iter().enumerate() {
            prepared.push(PREPARED.map(|kind| {
                resolve::resolve(&tree, index as u32, &owner.name, kind).unwrap_or_else(|error| {
                    faults.add(&owner.path, format!("{}: {error} ({})", owner.name, owner.origin));
                    Local::Synthetic { what: Synthetic::SERVFAIL, ttl: 0 }
                })
            }));
        }
        Self { tree, prepared }
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
        Some(Local::Synthetic { what, ttl: self.tree.owner(owner).negative_ttl() })
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
            .unwrap_or(Local::Synthetic { what: Synthetic::SERVFAIL, ttl: 0 })
    }
}
