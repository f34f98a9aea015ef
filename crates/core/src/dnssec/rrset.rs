//! Sets of records of one owner and type, in canonical form, with their signatures.

use keyhole_wire::{Answer, Name, RecordType, Section};

use super::names;
use super::signature::Signature;
use super::work::{MAX_SETS, MAX_SIGNATURES_PER_SET};
use crate::reason::Reason;

const IN: u16 = 1;

/// Records of one owner and type, and the signatures over them.
#[derive(Debug)]
pub(super) struct RrSet {
    /// In lower case.
    pub(super) owner: Name,
    pub(super) kind: RecordType,
    pub(super) section: Section,
    /// In canonical form and order, each once (RFC 4034 sections 6.2 and 6.3).
    pub(super) data: Vec<Vec<u8>>,
    pub(super) signatures: Vec<Signature>,
}

impl RrSet {
    /// Whether a signature may be one over it: the signer stands at or above its owner, for DS above
    /// it (RFC 4035 section 5.3.1), and it does not claim more labels than the owner has.
    pub(super) fn may_be_signed_by(&self, signature: &Signature) -> bool {
        let is_above = self.owner.is_at_or_below(&signature.signer);
        let is_parent = self.kind != RecordType::DS || signature.signer != self.owner;
        is_above && is_parent && usize::from(signature.labels) <= self.signed_labels()
    }

    /// The labels of the closest encloser, where a signature says that a wildcard spoke for the owner.
    pub(super) fn expanded_by(&self, signature: &Signature) -> Option<usize> {
        let labels = usize::from(signature.labels);
        (labels < self.signed_labels()).then_some(labels)
    }

    /// What a signature signs (RFC 4034 section 3.1.8.1).
    pub(super) fn message(&self, signature: &Signature) -> Vec<u8> {
        let owner = match self.expanded_by(signature) {
            Some(labels) => names::wildcard(&names::suffix(&self.owner, labels)),
            None => None,
        };
        let owner = owner.unwrap_or(self.owner);
        let mut message = signature.head.clone();
        for data in &self.data {
            message.extend_from_slice(owner.as_wire());
            message.extend_from_slice(&self.kind.0.to_be_bytes());
            message.extend_from_slice(&IN.to_be_bytes());
            message.extend_from_slice(&signature.original_ttl.to_be_bytes());
            // Data of a record has at most 65535 octets.
            message.extend_from_slice(&(data.len() as u16).to_be_bytes());
            message.extend_from_slice(data);
        }
        message
    }

    /// The labels that a signature counts: not the root, nor a leading `*` (RFC 4034 section 3.1.3).
    fn signed_labels(&self) -> usize {
        names::count(&self.owner) - usize::from(names::is_wildcard(&self.owner))
    }
}

/// The sets of an answer. Signatures without records are left out.
///
/// # Errors
/// More sets or signatures than any honest answer has.
pub(super) fn read(answer: &Answer) -> Result<Vec<RrSet>, Reason> {
    let mut sets: Vec<RrSet> = Vec::new();
    for record in answer.records().filter(|record| record.kind != RecordType::RRSIG) {
        let (owner, kind, section) = (record.owner().to_lower(), record.kind, record.section);
        let set = place(&mut sets, &owner, kind, section)?;
        set.data.push(record.canonical_data());
    }
    for record in answer.records().filter(|record| record.kind == RecordType::RRSIG) {
        let Some(signature) = Signature::read(&record.data()) else { continue };
        let owner = record.owner();
        let set = sets.iter_mut().find(|set| {
            set.owner == owner && set.kind == signature.covered && set.section == record.section
        });
        let Some(set) = set else { continue };
        if !set.signatures.contains(&signature) {
            set.signatures.push(signature);
        }
        if set.signatures.len() > MAX_SIGNATURES_PER_SET {
            return Err(Reason::DnssecOverLimit);
        }
    }
    for set in &mut sets {
        set.data.sort_unstable();
        set.data.dedup();
    }
    Ok(sets)
}

fn place<'a>(
    sets: &'a mut Vec<RrSet>,
    owner: &Name,
    kind: RecordType,
    section: Section,
) -> Result<&'a mut RrSet, Reason> {
    let is_this = |set: &RrSet| set.owner == *owner && set.kind == kind && set.section == section;
    let at = match sets.iter().position(is_this) {
        Some(at) => at,
        None if sets.len() == MAX_SETS => return Err(Reason::DnssecOverLimit),
        None => {
            let (data, signatures) = (Vec::new(), Vec::new());
            sets.push(RrSet { owner: *owner, kind, section, data, signatures });
            sets.len() - 1
        }
    };
    Ok(&mut sets[at])
}

/// The set of an owner and type in a section.
pub(super) fn find<'a>(
    sets: &'a [RrSet],
    owner: &Name,
    kind: RecordType,
    section: Section,
) -> Option<(usize, &'a RrSet)> {
    let is_this = |set: &RrSet| set.owner == *owner && set.kind == kind && set.section == section;
    sets.iter().enumerate().find(|(_, set)| is_this(set))
}
