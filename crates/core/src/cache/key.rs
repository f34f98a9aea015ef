//! What an entry is found by: upstream set, name, type.

use std::hash::{Hash, Hasher};

use keyhole_wire::{Name, RecordType};
use quick_cache::Equivalent;

/// The key of an entry, borrowed: looking up allocates nothing.
///
/// The set is part of the key because different upstreams may answer the same question
/// differently; no client may see what another one's upstreams said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRef<'a> {
    set: u64,
    kind: RecordType,
    name: &'a [u8],
}

impl<'a> KeyRef<'a> {
    /// The key of a question; `lower` must be in lower case (RFC 4343).
    #[inline]
    pub fn new(set: u64, lower: &'a Name, kind: RecordType) -> Self {
        debug_assert!(!lower.as_wire().iter().any(u8::is_ascii_uppercase));
        Self { set, kind, name: lower.as_wire() }
    }

    /// The same key with its own memory.
    pub fn to_owned(self) -> Key {
        Key { set: self.set, kind: self.kind, name: self.name.into() }
    }
}

/// The key of an entry with its own memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    set: u64,
    kind: RecordType,
    name: Box<[u8]>,
}

impl Key {
    /// The same key, borrowed.
    #[inline]
    pub fn borrow(&self) -> KeyRef<'_> {
        KeyRef { set: self.set, kind: self.kind, name: &self.name }
    }

    /// Octets on the heap.
    pub(super) fn heap_octets(&self) -> usize {
        self.name.len()
    }
}

impl Hash for KeyRef<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // One write of the name and one of the rest; the two forms of the key must agree.
        state.write(self.name);
        state.write_u64(self.set.rotate_left(16) ^ u64::from(self.kind.0));
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrow().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    #[inline]
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.borrow()
    }
}
