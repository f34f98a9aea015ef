//! Names that no list may block, because Keyhole could not serve without them.

use std::collections::HashMap;

use keyhole_names::HashedName;
use keyhole_names::list_file::Matcher;
use keyhole_wire::Name;

use crate::entry::{ListEntry, Scope, Target};

/// Protected names, and the parents through which a wide entry would block them.
#[derive(Default)]
pub(crate) struct ProtectedNames {
    names: Vec<HashedName>,
    /// Wire form of each protected name and of its parents: whether it is protected itself, and
    /// whether a protected name lies below.
    reach: HashMap<Vec<u8>, (bool, bool)>,
}

impl ProtectedNames {
    /// Protects these names.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        let mut protected = Self::default();
        for name in names {
            let hashed = HashedName::new(name);
            for suffix in hashed.suffixes() {
                let reach = protected.reach.entry(suffix.wire.to_vec()).or_default();
                if suffix.labels == hashed.labels() { reach.0 = true } else { reach.1 = true }
            }
            protected.names.push(hashed);
        }
        protected
    }

    /// Whether an entry with this target would block a protected name. Limits do not count: a name
    /// that serves Keyhole is blocked for no type.
    pub(crate) fn is_blocked_by(&self, entry: &ListEntry, matcher: Option<&Matcher>) -> bool {
        let spared = |hashed: &HashedName| {
            entry.limits.except_names.iter().any(|spared| hashed.name().is_at_or_below(spared))
        };
        match (&entry.target, matcher) {
            (Target::Name(name, scope), _) => {
                let Some(&(itself, below)) = self.reach.get(name.as_wire()) else {
                    return false;
                };
                match scope {
                    Scope::Exact => itself,
                    Scope::Below => below,
                    Scope::AtAndBelow => itself || below,
                }
            }
            (_, Some(matcher)) => self
                .names
                .iter()
                .any(|hashed| matcher.is_match(hashed.text().as_bytes()) && !spared(hashed)),
            (_, None) => false,
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
        protected.is_blocked_by(&ListEntry::block(target), None)
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
