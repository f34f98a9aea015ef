//! Names in an order in which those below a zone stand together.

use std::collections::BTreeSet;
use std::ops::Bound;

use keyhole_wire::Name;

/// Names, each by its labels from the last to the first.
#[derive(Default)]
pub(super) struct NameTree(BTreeSet<Box<[u8]>>);

impl NameTree {
    /// Adds one.
    pub(super) fn add(&mut self, name: &Name) {
        self.0.insert(turned(name.as_wire()).into());
    }

    /// All of them.
    pub(super) fn into_names(self) -> Vec<Name> {
        self.0.iter().filter_map(|key| name_of(key)).collect()
    }

    /// Those at or below the zone that `belongs` says are meant.
    pub(super) fn below(&self, zone: &Name, belongs: impl Fn(&Name) -> bool) -> Vec<Name> {
        let start = turned(zone.as_wire());
        let from = (Bound::Included(&start[..]), Bound::Unbounded);
        let keys = self.0.range::<[u8], _>(from).take_while(|key| key.starts_with(&start));
        keys.filter_map(|key| name_of(key)).filter(belongs).collect()
    }
}

fn name_of(key: &[u8]) -> Option<Name> {
    let mut wire = turned(key);
    wire.push(0);
    Name::from_wire(&wire).ok()
}

/// Labels in the opposite order, without the root.
fn turned(labels: &[u8]) -> Vec<u8> {
    let (mut left, mut all) = (labels, Vec::new());
    while let Some((&octets, _)) = left.split_first().filter(|(octets, _)| **octets > 0) {
        let (label, rest) = left.split_at((1 + usize::from(octets)).min(left.len()));
        all.push(label);
        left = rest;
    }
    all.reverse();
    all.concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn names_at_and_below_a_zone_stand_together() {
        let name = |text: &str| Name::from_text(text).unwrap();
        let mut names = NameTree::default();
        for text in ["e.org", "a.e.org", "b.a.e.org", "ae.org", "e.organ", "org"] {
            names.add(&name(text));
        }
        let found = names.below(&name("e.org"), |one| one != &name("a.e.org"));
        assert_eq!(found, [name("e.org"), name("b.a.e.org")]);
        assert_eq!(names.below(&name("org"), |_| true).len(), 5);
        assert_eq!(names.into_names().len(), 6);
    }
}
