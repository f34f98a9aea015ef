//! Name compression with a bounded cost (RFC 1035 section 4.1.4).
//!
//! Attackers have made resolvers spend seconds on compressing one answer of 64 KiB. Here each
//! suffix costs one probe of a small table, and a message has a budget of probes: behind it, names
//! are written in full.

use crate::compressed_name::read_name;

/// Slots of the table; a power of two. A newer suffix takes the slot of an older one.
const SLOTS: usize = 128;
/// How many suffixes of the first name are kept for good. That name is the question, which owns most
/// records: without it an answer could outgrow the message that it came in.
const KEPT: usize = 8;
/// How many suffixes of one message are looked up at most.
const BUDGET: u32 = 16_384;
/// What a probe costs that finds another suffix of the same hash: reading that name was in vain.
const COLLISION: u32 = 32;
/// The offsets that a pointer can hold are below this.
const REACH: usize = 0x4000;

/// The suffixes written so far: hash and offset of each.
pub(crate) struct Compressor {
    slots: [(u32, u16); SLOTS],
    kept: [(u32, u16); KEPT],
    /// How many are kept; no more are once the first name is whole.
    count: usize,
    is_first: bool,
    budget: u32,
}

impl Compressor {
    pub(crate) fn new() -> Self {
        let (slots, kept) = ([(0, 0); SLOTS], [(0, 0); KEPT]);
        Self { slots, kept, count: 0, is_first: true, budget: BUDGET }
    }

    /// Appends the name that `octets` starts with, in full wire form, to `message`, which starts
    /// with its header. Gives the octets of the full name.
    pub(crate) fn write(&mut self, octets: &[u8], message: &mut Vec<u8>) -> usize {
        let len = full_len(octets);
        let name = &octets[..len];
        let mut at = 0;
        while name[at] != 0 {
            let suffix = &name[at..];
            let hash = hash(suffix);
            if let Some(target) = self.find(hash, suffix, message) {
                message.extend_from_slice(&(0xc000 | target).to_be_bytes());
                return len;
            }
            self.remember(hash, message.len());
            let label = 1 + usize::from(suffix[0]);
            message.extend_from_slice(&suffix[..label]);
            at += label;
        }
        message.push(0);
        self.is_first = false;
        len
    }

    fn find(&mut self, hash: u32, suffix: &[u8], message: &[u8]) -> Option<u16> {
        self.budget = self.budget.checked_sub(1)?;
        let kept = self.kept[..self.count].iter().find(|(stored, _)| *stored == hash);
        let (stored, at) = *kept.unwrap_or(&self.slots[hash as usize % SLOTS]);
        if at == 0 || stored != hash {
            return None;
        }
        let (name, _) = read_name(message, usize::from(at)).ok()?;
        if name.as_wire().eq_ignore_ascii_case(suffix) {
            return Some(at);
        }
        self.budget = self.budget.saturating_sub(COLLISION);
        None
    }

    fn remember(&mut self, hash: u32, at: usize) {
        if at >= REACH || self.budget == 0 {
            return;
        }
        if self.is_first && self.count < KEPT {
            self.kept[self.count] = (hash, at as u16);
            self.count += 1;
        } else {
            self.slots[hash as usize % SLOTS] = (hash, at as u16);
        }
    }
}

/// Octets of the full name that `octets` starts with.
pub(crate) fn full_len(octets: &[u8]) -> usize {
    let mut at = 0;
    while octets[at] != 0 {
        at += 1 + usize::from(octets[at]);
    }
    at + 1
}

/// FNV-1a over the length, the first label and the four octets behind it, in lower case. Hashing
/// the whole suffix would cost more than the few collisions do that this makes.
fn hash(suffix: &[u8]) -> u32 {
    let some = (1 + usize::from(suffix[0]) + 4).min(suffix.len());
    let start = 0x811c_9dc5_u32 ^ suffix.len() as u32;
    suffix[..some].iter().fold(start, |hash, octet| {
        (hash ^ u32::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    })
}
