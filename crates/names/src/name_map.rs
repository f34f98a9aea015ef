//! A map whose keys are names, probed with the hashes that a [`HashedName`] name carries.
//!
//! A hit is one probe of a hash table and one comparison of octets; a miss is the probe alone.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use keyhole_wire::Name;

use crate::hashed_name::{Suffix, hash_wire};

/// No further entry has this hash.
const END: u32 = u32::MAX;

/// Values by lower-case name. Built once, then only read.
pub struct NameMap<V> {
    heads: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    entries: Vec<NameEntry<V>>,
}

struct NameEntry<V> {
    wire: Box<[u8]>,
    /// The next entry of the same hash, or [`END`].
    next: u32,
    value: V,
}

/// Takes the hash that is already there; a second hash would only cost time.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(octet);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        Self { heads: HashMap::default(), entries: Vec::new() }
    }
}

impl<V> NameMap<V> {
    /// Whether no name is in the map.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of exactly the name that the suffix spells.
    #[inline]
    pub fn get(&self, suffix: &Suffix<'_>) -> Option<&V> {
        self.find(suffix.hash, suffix.wire).map(|at| &self.entries[at].value)
    }

    /// The value of a name whose hash is not known yet.
    pub fn get_name(&self, name: &Name) -> Option<&V> {
        let lower = name.to_lower();
        let wire = lower.as_wire();
        self.find(hash_wire(wire), wire).map(|at| &self.entries[at].value)
    }

    /// The value of a name, made with `make` when the name is new.
    pub fn entry(&mut self, name: &Name, make: impl FnOnce() -> V) -> &mut V {
        let lower = name.to_lower();
        let wire = lower.as_wire();
        let at = self.place(hash_wire(wire), wire, make);
        &mut self.entries[at].value
    }

    /// Every name with its value, in the order in which the names came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().map(|entry| (&*entry.wire, &entry.value))
    }

    /// Every value, in the order in which the names came.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.entries.into_iter().map(|entry| entry.value)
    }

    /// The octets decide, never the hash alone: two names may share one.
    #[inline]
    fn find(&self, hash: u64, wire: &[u8]) -> Option<usize> {
        let mut at = *self.heads.get(&hash)?;
        while at != END {
            let entry = &self.entries[at as usize];
            if *entry.wire == *wire {
                return Some(at as usize);
            }
            at = entry.next;
        }
        None
    }

    fn place(&mut self, hash: u64, wire: &[u8], make: impl FnOnce() -> V) -> usize {
        if let Some(at) = self.find(hash, wire) {
            return at;
        }
        let at = self.entries.len();
        let next = self.heads.insert(hash, at as u32).unwrap_or(END);
        self.entries.push(NameEntry { wire: wire.into(), next, value: make() });
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_that_share_a_hash_are_told_apart_by_their_octets() {
        let mut map = NameMap::default();
        map.place(7, b"\x01a\x00", || "a");
        map.place(7, b"\x01b\x00", || "b");
        let value = |wire: &[u8]| map.find(7, wire).map(|at| map.entries[at].value);
        assert_eq!(value(b"\x01a\x00"), Some("a"));
        assert_eq!(value(b"\x01b\x00"), Some("b"));
        assert_eq!(value(b"\x01c\x00"), None);
    }

    #[test]
    fn a_name_is_found_whatever_its_case() {
        let mut map = NameMap::default();
        *map.entry(&Name::from_text("WWW.Example.org").unwrap(), || 0) += 1;
        *map.entry(&Name::from_text("www.example.ORG").unwrap(), || 0) += 1;
        assert_eq!(map.get_name(&Name::from_text("www.EXAMPLE.org").unwrap()), Some(&2));
        assert_eq!(map.get_name(&Name::from_text("example.org").unwrap()), None);
    }
}
