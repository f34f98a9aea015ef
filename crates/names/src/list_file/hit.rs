//! What a list says about a name, and which lists are asked.

use serde::{Deserialize, Serialize};

/// The most lists in a file, so that a set of them is a small array of bits.
pub const MAX_LISTS: usize = 1024;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Action {
    Allow,
    Block,
}

/// What a hit on a list means. An exception (`@@`) on a block list allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ListKind {
    Block,
    Allow,
}

/// One entry that speaks of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListHit {
    /// The id of the list.
    pub list: usize,
    /// The line in the file, counted from 1.
    pub line: u32,
    /// The index of the file among those of the list.
    pub file: u16,
    /// What the hit does. An entry of an allow list allows, and so does an exception (`@@`).
    pub action: Action,
    /// An important block beats what allows, except what is important as well.
    pub important: bool,
    /// Whether the entry speaks of some record types only (`$dnstype`).
    pub is_typed: bool,
    pub(super) location: EntryLocation,
}

/// Where an entry stands in the list file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryLocation {
    /// Places among the names: of the name and of what the list says about it.
    Name { name: u32, attributes: u32 },
    /// The index of a pattern.
    Pattern(u32),
}

impl ListHit {
    /// This hit, or the other one where that has precedence.
    #[must_use]
    pub fn or_stronger(self, other: Option<Self>) -> Self {
        other.filter(|other| rank(other) > rank(&self)).unwrap_or(self)
    }
}

/// The precedence of a hit among the hits of all lists.
#[inline]
pub(super) fn rank(hit: &ListHit) -> u8 {
    u8::from(hit.important) * 2 + u8::from(hit.action == Action::Allow)
}

/// A set of list ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMask {
    words: [u64; MAX_LISTS / 64],
}

impl ListMask {
    /// Adds a list; an id of 1,024 or more is ignored, because no file has that many lists.
    pub fn insert(&mut self, list: usize) {
        if let Some(word) = self.words.get_mut(list / 64) {
            *word |= 1 << (list % 64);
        }
    }

    /// Whether the list is in the set.
    #[inline]
    pub fn contains(&self, list: usize) -> bool {
        self.words.get(list / 64).is_some_and(|word| word >> (list % 64) & 1 == 1)
    }

    /// Whether no list is in the set.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.words == [0; MAX_LISTS / 64]
    }
}

impl FromIterator<usize> for ListMask {
    fn from_iter<T: IntoIterator<Item = usize>>(lists: T) -> Self {
        let mut mask = Self::default();
        lists.into_iter().for_each(|list| mask.insert(list));
        mask
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_mask_holds_the_lists_that_were_added() {
        let mask: ListMask = [0, 63, 64, 1023, 1024, usize::MAX].into_iter().collect();
        for list in [0, 63, 64, 1023] {
            assert!(mask.contains(list));
        }
        for list in [1, 62, 65, 1024, usize::MAX] {
            assert!(!mask.contains(list));
        }
        assert!(ListMask::default().is_empty() && !mask.is_empty());
    }
}
