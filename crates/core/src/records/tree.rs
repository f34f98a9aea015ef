//! Which local name answers for a name: itself, a wildcard, or none (RFC 4592).

use keyhole_names::HashedName;
use keyhole_names::NameMap;
use keyhole_wire::Name;

use super::read::Owner;

/// Owners and the names between them and the root.
pub(super) struct Tree {
    owners: Vec<Owner>,
    nodes: NameMap<Node>,
    root: Node,
    has_wildcards: bool,
}

/// A name that exists: it has records, or a name below it has (RFC 4592 section 2.2.2). All numbers
/// are indices of owners.
#[derive(Clone, Copy, Default)]
struct Node {
    /// The name's own records.
    owner: Option<u32>,
    /// The wildcard right below the name.
    wildcard: Option<u32>,
    /// The wildcard below the closest ancestor that has one. It does not answer for this name,
    /// which exists, but it makes the surroundings local.
    cover: Option<u32>,
}

/// Where a name lies. All numbers are indices of owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameLocation {
    /// Local data says nothing about it.
    Outside,
    /// It has records.
    Owner(u32),
    /// It does not exist, and this wildcard answers for it.
    Wildcard(u32),
    /// It exists without records, below the parent of this wildcard.
    Empty(u32),
    /// It does not exist, and a name in between keeps this wildcard from answering for it.
    Missing(u32),
}

impl Tree {
    pub(super) fn new(owners: NameMap<Owner>) -> Self {
        let owners: Vec<Owner> = owners.into_values().collect();
        let has_wildcards = owners.iter().any(Owner::is_wildcard);
        let nodes = NameMap::default();
        let mut tree = Self { owners, nodes, root: Node::default(), has_wildcards };
        for index in 0..tree.owners.len() {
            tree.plant(index as u32);
        }
        tree.cover();
        tree
    }

    /// The owner with this index, one that [`NameLocation`] named.
    pub(super) fn owner(&self, index: u32) -> &Owner {
        &self.owners[index as usize]
    }

    /// All owners by index.
    pub(super) fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// Finds what answers for a name: one probe when it is local or no wildcard exists, else up to
    /// one per label.
    #[inline]
    pub(super) fn locate(&self, hashed: &HashedName) -> NameLocation {
        let mut suffixes = hashed.suffixes();
        let whole = match suffixes.next() {
            Some(suffix) => self.nodes.get(&suffix),
            None => Some(&self.root),
        };
        if let Some(node) = whole {
            return match (node.owner, node.cover) {
                (Some(owner), _) => NameLocation::Owner(owner),
                (None, Some(wildcard)) => NameLocation::Empty(wildcard),
                (None, None) => NameLocation::Outside,
            };
        }
        if !self.has_wildcards {
            return NameLocation::Outside;
        }
        // RFC 4592 section 3.3.1: only a wildcard right below the closest encloser answers.
        let encloser = suffixes.find_map(|suffix| self.nodes.get(&suffix)).unwrap_or(&self.root);
        match (encloser.wildcard, encloser.cover) {
            (Some(wildcard), _) => NameLocation::Wildcard(wildcard),
            (None, Some(wildcard)) => NameLocation::Missing(wildcard),
            (None, None) => NameLocation::Outside,
        }
    }

    /// Whether the name has no records, and a name below it has.
    #[inline]
    pub(super) fn is_empty_nonterminal(&self, hashed: &HashedName) -> bool {
        let node = hashed.suffixes().next().and_then(|whole| self.nodes.get(&whole));
        node.is_some_and(|node| node.owner.is_none())
    }

    /// Makes an owner and all its ancestors exist.
    fn plant(&mut self, index: u32) {
        let owner = &self.owners[index as usize];
        let (name, is_wildcard) = (owner.name, owner.is_wildcard());
        self.node(&name).owner = Some(index);
        for (above, ancestor) in ancestors(&name).enumerate() {
            let node = self.node(&ancestor);
            if is_wildcard && above == 0 {
                node.wildcard = Some(index);
            }
        }
    }

    fn node(&mut self, name: &Name) -> &mut Node {
        if name.is_root() { &mut self.root } else { self.nodes.entry(name, Node::default) }
    }

    fn cover(&mut self) {
        let names: Vec<Name> =
            self.nodes.iter().filter_map(|(wire, _)| Name::from_wire(wire).ok()).collect();
        for name in names {
            let wildcard = ancestors(&name).find_map(|ancestor| self.node(&ancestor).wildcard);
            self.node(&name).cover = wildcard;
        }
    }
}

/// The ancestors of a name, nearest first, the root at the end.
pub(super) fn ancestors(name: &Name) -> impl Iterator<Item = Name> {
    let mut name = *name;
    std::iter::from_fn(move || {
        let wire = name.as_wire();
        let behind = wire.get(1 + usize::from(wire[0])..).filter(|rest| !rest.is_empty())?;
        name = Name::from_wire(behind).ok()?;
        Some(name)
    })
}
