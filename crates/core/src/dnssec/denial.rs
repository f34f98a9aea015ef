//! Proofs that there is no such name or type: the questions that NSEC and NSEC3 answer.

use keyhole_wire::{Name, RecordType};

use super::nsec::Nsec;
use super::nsec3::Nsec3;
use super::proof::{Delegation, Proof};
use super::rrset::RrSet;
use super::work::{MAX_PROOFS, Work};
use super::{nsec, nsec3};
use crate::reason::Reason;

/// The signed proofs of one zone in an answer.
pub(super) struct Proofs {
    nsec: Vec<Nsec>,
    nsec3: Vec<Nsec3>,
}

impl Proofs {
    /// Reads the sets of the zone, all of whose signatures were checked.
    ///
    /// # Errors
    /// More records than any proof needs.
    pub(super) fn read<'a>(
        apex: &Name,
        sets: impl Iterator<Item = &'a RrSet>,
    ) -> Result<Self, Reason> {
        let (mut nsec, mut nsec3) = (Vec::new(), Vec::new());
        for set in sets {
            // A name has one of them.
            let [data] = &set.data[..] else { continue };
            match set.kind {
                RecordType::NSEC => nsec.extend(Nsec::read(apex, &set.owner, data)),
                RecordType::NSEC3 => nsec3.extend(Nsec3::read(apex, &set.owner, data)),
                _ => {}
            }
        }
        if nsec.len() > MAX_PROOFS || nsec3.len() > MAX_PROOFS {
            return Err(Reason::DnssecOverLimit);
        }
        nsec3::keep_one_chain(&mut nsec3);
        Ok(Self { nsec, nsec3 })
    }

    /// The name exists and has no records of the type, or a wildcard speaks for it that has none.
    pub(super) fn no_data(
        &self,
        apex: &Name,
        name: &Name,
        kind: RecordType,
        work: &mut Work,
    ) -> Result<Proof, Reason> {
        if let Some(proof) = nsec::no_data(&self.nsec, name, kind) {
            return Ok(proof);
        }
        nsec3::no_data(&self.nsec3, apex, name, kind, work)?.ok_or(Reason::DnssecProofMissing)
    }

    /// Neither the name nor a wildcard for it exists.
    pub(super) fn no_name(
        &self,
        apex: &Name,
        name: &Name,
        work: &mut Work,
    ) -> Result<Proof, Reason> {
        if let Some(proof) = nsec::no_name(&self.nsec, name) {
            return Ok(proof);
        }
        nsec3::no_name(&self.nsec3, apex, name, work)?.ok_or(Reason::DnssecProofMissing)
    }

    /// Nothing stands between a name and the encloser, with so many labels, of the wildcard that
    /// spoke for it (RFC 4035 section 5.3.4, RFC 5155 section 8.8).
    pub(super) fn no_closer(
        &self,
        name: &Name,
        encloser: usize,
        work: &mut Work,
    ) -> Result<Proof, Reason> {
        if let Some(proof) = nsec::no_closer(&self.nsec, name, encloser) {
            return Ok(proof);
        }
        nsec3::no_closer(&self.nsec3, name, encloser, work)?.ok_or(Reason::DnssecProofMissing)
    }

    /// What a name is that has no DS records (RFC 4035 section 5.2, RFC 5155 section 8.9).
    pub(super) fn delegation(
        &self,
        apex: &Name,
        name: &Name,
        work: &mut Work,
    ) -> Result<Delegation, Reason> {
        if let Some(delegation) = nsec::delegation(&self.nsec, name) {
            return Ok(delegation);
        }
        nsec3::delegation(&self.nsec3, apex, name, work)?.ok_or(Reason::DnssecProofMissing)
    }
}
