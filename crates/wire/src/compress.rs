//! Name compression with a bounded cost (RFC 1035 section 4.1.4).
//!
//! Attackers have made resolvers spend seconds on compressing one answer of 64 KiB. Here each suffix
//! costs one probe of a small table, and a message has a budget of probes: behind it, names are
//! written in full.

use crate::name::{MAX_LABELS, is_at_or_below};
use crate::packed::read_name;

/// Slots of the table; a power of two. A newer suffix takes the slot of an older one.
const SLOTS: usize = 128;
/// How many suffixes of one message are looked up at most.
const BUDGET: u32 = 16_384;
/// What a probe costs that finds another suffix of the same hash: reading that name was in vain.
const COLLISION: u32 = 32;
/// The offsets that a pointer can hold are below this.
const REACH: usize = 0x4000;

/// The suffixes written so far.
pub(crate) struct Compressor {
    slots: [(u32, u16); SLOTS],
    budget: u32,
}

impl Compressor {
    pub(crate) fn new() -> Self {
        Self { slots: [(0, 0); SLOTS], budget: BUDGET }
    }

    /// Appends `name`, in full wire form, to `message`, which starts with its header.
    pub(crate) fn write(&mut self, name: &[u8], message: &mut Vec<u8>) {
        let mut suffixes = [(0u8, 0u32); MAX_LABELS];
        let count = hash_suffixes(name, &mut suffixes);
        for &(at, hash) in &suffixes[..count] {
            let suffix = &name[usize::from(at)..];
            if let Some(target) = self.find(hash, suffix, message) {
                message.extend_from_slice(&(0xc000 | target).to_be_bytes());
                return;
            }
            self.remember(hash, message.len());
            message.extend_from_slice(&suffix[..1 + usize::from(suffix[0])]);
        }
        message.push(0);
    }

    fn find(&mut self, hash: u32, suffix: &[u8], message: &[u8]) -> Option<u16> {
        self.budget = self.budget.checked_sub(1)?;
        let (stored, at) = self.slots[hash as usize % SLOTS];
        if at == 0 || stored != hash {
            return None;
        }
        let (name, _) = read_name(message, usize::from(at)).ok()?;
        if name.as_wire().len() == suffix.len() && is_at_or_below(name.as_wire(), suffix) {
            return Some(at);
        }
        self.budget = self.budget.saturating_sub(COLLISION);
        None
    }

    fn remember(&mut self, hash: u32, at: usize) {
        if at < REACH && self.budget > 0 {
            self.slots[hash as usize % SLOTS] = (hash, at as u16);
        }
    }
}

/// The offset and hash of every suffix without the root, the longest first; gives their number.
fn hash_suffixes(name: &[u8], suffixes: &mut [(u8, u32); MAX_LABELS]) -> usize {
    let mut count = 0;
    let mut at = 0;
    while name[at] != 0 {
        suffixes[count].0 = at as u8;
        count += 1;
        at += 1 + usize::from(name[at]);
    }
    // From right to left, so that every octet is hashed once; FNV-1a on the lower case.
    let mut hash = 0x811c_9dc5_u32;
    let mut end = at;
    for (at, slot) in suffixes[..count].iter_mut().rev() {
        for octet in &name[usize::from(*at)..end] {
            hash = (hash ^ u32::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
        }
        *slot = hash;
        end = usize::from(*at);
    }
    count
}
