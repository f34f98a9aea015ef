//! Parts of lines that many events share.
//!
//! Most queries differ from another one only in their time and their name. What stands before and
//! behind the name is then copied from an earlier line: that takes a fraction of the time of
//! writing it field by field.

use super::entry::{Shared, SharedHead};

/// A power of two. Each is small, so that all of them stay below a megabyte.
const SLOTS: usize = 512;
/// The longest credential that is kept, in words.
const MAX_CREDENTIAL: usize = 32;
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The line of the last event of each kind, without its time and its name.
pub(super) struct Memo {
    slots: Box<[Slot]>,
}

#[derive(Clone, Default)]
struct Slot {
    head: SharedHead,
    credential: Vec<u64>,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Default for Memo {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); SLOTS].into() }
    }
}

impl Memo {
    /// What stands before and behind the name in the line of an event.
    pub(super) fn find(&self, shared: &Shared<'_>) -> Option<(&[u8], &[u8])> {
        let slot = self.slots.get(place(shared))?;
        let is_same = slot.head == shared.head && slot.credential == shared.credential;
        is_same.then_some((&slot.before, &slot.after))
    }

    /// Keeps both parts of a line in the place of another one.
    pub(super) fn keep(&mut self, shared: &Shared<'_>, before: &[u8], after: &[u8]) {
        if shared.credential.len() > MAX_CREDENTIAL {
            return;
        }
        if let Some(slot) = self.slots.get_mut(place(shared)) {
            slot.head = shared.head;
            before.clone_into(&mut slot.before);
            after.clone_into(&mut slot.after);
            shared.credential.clone_into(&mut slot.credential);
        }
    }
}

fn place(shared: &Shared<'_>) -> usize {
    let words = shared.head.iter().chain(shared.credential);
    let mixed = words.fold(0_u64, |mixed, word| (mixed.rotate_left(5) ^ word).wrapping_mul(MIX));
    (mixed >> 32) as usize % SLOTS
}
