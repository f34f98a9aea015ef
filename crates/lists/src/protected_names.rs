//! Names that no list may block, because Keyhole could not serve without them.

use std::collections::HashSet;

use keyhole_names::HashedName;
use keyhole_names::list_file::Matcher;
use keyhole_wire::Name;

use crate::entry::{ListEntry, Scope, Target};

/// Protected names, and the parents through which a wide entry would block them.
#[derive(Default)]
pub(crate) struct ProtectedNames {
    names: Vec<HashedName>,
    /// Wire form of each protected name and of its parents.
    reach: HashSet<Vec<u8>>,
}

impl ProtectedNames {
    /// Protects these names.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        let mut protected = Self::default();
        for name in names {
            let hashed = HashedName::new(name);
            protected.reach.extend(hashed.suffixes().map(|suffix| suffix.wire.to_vec()));
            protected.names.push(hashed);
        }
        protected
    }

    /// The protected names that an entry would block. Types do not count: a name that serves
    /// Keyhole is blocked for no type.
    pub(crate) fn blocked_by(&self, entry: &ListEntry, matcher: Option<&Matcher>) -> Vec<Name> {
        if !self.may_meet(entry) {
            return Vec::new();
        }
        let meets = |hashed: &HashedName| match (&entry.target, matcher) {
            (Target::Name(name, scope), _) => {
                let (is_same, is_within) =
                    (hashed.name() == name, hashed.name().is_at_or_below(name));
                match scope {
                    Scope::Exact => is_same,
                    Scope::Below => is_within && !is_same,
                    Scope::AtAndBelow => is_within,
                }
            }
            (_, Some(matcher)) => matcher.is_match(hashed.text().as_bytes()),
            (_, None) => false,
        };
        let spared = |hashed: &HashedName| {
            entry.limits.except_names.iter().any(|spared| hashed.name().is_at_or_below(spared))
        };
        let met = self.names.iter().filter(|hashed| meets(hashed) && !spared(hashed));
        met.map(|hashed| *hashed.name()).collect()
    }

    /// Whether it may meet a protected name at all: nearly no entry does.
    fn may_meet(&self, entry: &ListEntry) -> bool {
        match &entry.target {
            Target::Name(name, _) => self.reach.contains(name.as_wire()),
            Target::Pattern(_) => true,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn meets(scope: Scope, text: &str) -> bool {
        let protected = ProtectedNames::new(&[Name::from_text("dns.Example.org").unwrap()]);
        let target = Target::Name(Name::from_text(text).unwrap(), scope);
        !protected.blocked_by(&ListEntry::block(target), None).is_empty()
    }

    #[test]
    fn a_protected_name_is_met_by_itself_and_by_parents_that_reach_down() {
        assert!(meets(Scope::Exact, "dns.example.org"));
        assert!(meets(Scope::AtAndBelow, "dns.example.org"));
        assert!(meets(Scope::AtAndBelow, "example.org"));
        assert!(meets(Scope::Below, "example.org"));
    }

    #[test]
    fn names_beside_and_below_a_protected_one_may_be_blocked() {
        assert!(!meets(Scope::Exact, "example.org"));
        assert!(!meets(Scope::Below, "dns.example.org"));
        assert!(!meets(Scope::AtAndBelow, "x.dns.example.org"));
        assert!(!meets(Scope::AtAndBelow, "ns.example.org"));
    }
}
