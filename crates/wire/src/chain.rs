//! Which records of an upstream's message belong to the answer.
//!
//! In the answer section: what the chain of CNAME and DNAME records reaches from the question. In
//! authority: the SOA of a negative answer and the proofs of DNSSEC. Everything else, however
//! helpful it looks, is how caches get poisoned, and is dropped (RFC 2181 section 5.4.1).

use crate::answer_reader::{RawRecord, RawRecords};
use crate::header::u16_at;
use crate::name::{Name, is_at_or_below};
use crate::parse_error::AnswerError;
use crate::section::Section;
use crate::types::{Rcode, RecordType};

/// The most CNAME records in a row. No honest chain comes near; it bounds the work on a forged one.
const MAX_CHAIN: usize = 256;

/// What was found.
pub(crate) struct Chain {
    /// Indexes of the records to keep: the chain in its order, then authority.
    pub(crate) kept: Vec<usize>,
    /// The end of the chain has no record of the type asked for.
    pub(crate) negative: bool,
}

/// Picks the records that answer the question.
pub(crate) fn follow(
    records: &RawRecords,
    name: &Name,
    kind: RecordType,
    rcode: Rcode,
) -> Result<Chain, AnswerError> {
    let mut kept = Vec::with_capacity(records.entries.len());
    let mut current = *name;
    let mut found = false;
    let mut visited = Vec::new();
    loop {
        if visited.len() > MAX_CHAIN {
            return Err(AnswerError::LongChain);
        }
        visited.push(current);
        let step = take_step(records, &current, kind, &mut kept);
        found |= step.found;
        match step.next {
            // A loop of CNAME records ends where it closes.
            Some(next) if !visited.contains(&next) => current = next,
            _ => break,
        }
    }
    let negative = rcode == Rcode::NXDOMAIN || !found;
    take_authority(records, &current, negative, &mut kept);
    Ok(Chain { kept, negative })
}

struct ChainStep {
    found: bool,
    next: Option<Name>,
}

/// Keeps what speaks of `current`.
fn take_step(
    records: &RawRecords,
    current: &Name,
    kind: RecordType,
    kept: &mut Vec<usize>,
) -> ChainStep {
    let mut step = ChainStep { found: false, next: None };
    let follows = !matches!(kind, RecordType::CNAME | RecordType::ANY);
    for (index, entry) in answers(records) {
        let owner = records.owner(entry);
        let here = owner.eq_ignore_ascii_case(current.as_wire());
        if here && (entry.kind == kind || kind == RecordType::ANY) {
            step.found = true;
            kept.push(index);
        } else if here && follows && entry.kind == RecordType::CNAME {
            // A name has one alias (RFC 2181 section 10.1); the first one counts.
            if step.next.is_none() {
                step.next = Name::from_wire(records.data(entry)).ok();
                kept.push(index);
            }
        } else if here && signs(records, entry, &[kind, RecordType::CNAME]) {
            kept.push(index);
        } else if !here
            && is_at_or_below(current.as_wire(), owner)
            && (entry.kind == RecordType::DNAME || signs(records, entry, &[RecordType::DNAME]))
            && !kept.contains(&index)
        {
            // RFC 6672 section 3.1: the CNAME made from it stands beside it.
            kept.push(index);
        }
    }
    step
}

fn answers(records: &RawRecords) -> impl Iterator<Item = (usize, &RawRecord)> {
    records.entries.iter().enumerate().filter(|(_, entry)| entry.section == Section::Answer)
}

/// Whether the record is a signature over one of the types (RFC 4034 section 3.1.1).
fn signs(records: &RawRecords, entry: &RawRecord, kinds: &[RecordType]) -> bool {
    entry.kind == RecordType::RRSIG
        && u16_at(records.data(entry), 0)
            .is_some_and(|covered| kinds.contains(&RecordType(covered)))
}

fn take_authority(records: &RawRecords, current: &Name, negative: bool, kept: &mut Vec<usize>) {
    let mut soa = None;
    for (index, entry) in records.entries.iter().enumerate() {
        if entry.section != Section::Authority {
            continue;
        }
        let zone = is_at_or_below(current.as_wire(), records.owner(entry));
        let keep = match entry.kind {
            // RFC 2308 section 3: the SOA of the zone in which the name is missing.
            RecordType::SOA => negative && zone && soa.replace(index).is_none(),
            RecordType::NSEC | RecordType::NSEC3 => true,
            RecordType::RRSIG => {
                (negative && zone && signs(records, entry, &[RecordType::SOA]))
                    || signs(records, entry, &[RecordType::NSEC, RecordType::NSEC3])
            }
            _ => false,
        };
        if keep {
            kept.push(index);
        }
    }
}
