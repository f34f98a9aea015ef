//! The limits of work for one answer: what they allow is far above what honest zones need, and far
//! below what would be felt by others (CVE-2023-50387, CVE-2023-50868).

use crate::reason::Reason;

/// Signatures over one set of records; a zone that changes its algorithm has two or three.
pub(super) const MAX_SIGNATURES_PER_SET: usize = 8;
/// Zones that claim to have signed one set; there is one, or two where one server has both.
pub(super) const MAX_SIGNERS: usize = 2;
/// Sets of records in one answer.
pub(super) const MAX_SETS: usize = 64;
/// Keys of a zone.
pub(super) const MAX_KEYS: usize = 32;
/// DS records of a delegation.
pub(super) const MAX_DS: usize = 16;
/// Records of proofs in one answer; eight of each kind are more than any proof needs.
pub(super) const MAX_PROOFS: usize = 16;
/// Aliases in one answer.
pub(super) const MAX_ALIASES: usize = 16;
/// Iterations of NSEC3 above which a proof counts for nothing and the zone as unsigned (RFC 9276
/// section 3.2).
pub(super) const MAX_ITERATIONS: u16 = 50;
/// Iterations above which the answer fails.
pub(super) const REFUSED_ITERATIONS: u16 = 150;

/// Signatures that are computed for one answer. A name of ten labels behind two aliases needs some 45
/// where nothing is remembered.
pub const MAX_SIGNATURES: u32 = 64;
/// Rounds of hashing for one answer. A name of 127 labels below one zone costs 6,500 with 50
/// iterations.
pub const MAX_HASHES: u32 = 8_192;

/// What is left of the work that one answer may cost.
pub(super) struct Work {
    fetches: u32,
    signatures: u32,
    failures: u32,
    hashes: u32,
}

impl Default for Work {
    fn default() -> Self {
        // A name of ten labels behind two aliases needs some 30 fetches where nothing is remembered.
        Self { fetches: 48, signatures: MAX_SIGNATURES, failures: 8, hashes: MAX_HASHES }
    }
}

impl Work {
    /// A DS or DNSKEY set is asked for.
    pub(super) fn fetch(&mut self) -> Result<(), Reason> {
        take(&mut self.fetches, 1)
    }

    /// A signature is computed with one key.
    pub(super) fn signature(&mut self) -> Result<(), Reason> {
        take(&mut self.signatures, 1)
    }

    /// A signature did not fit a key with its tag: rare where nobody means harm.
    pub(super) fn failure(&mut self) -> Result<(), Reason> {
        take(&mut self.failures, 1)
    }

    /// A name is hashed so many times.
    pub(super) fn hashes(&mut self, count: u32) -> Result<(), Reason> {
        take(&mut self.hashes, count)
    }
}

fn take(left: &mut u32, count: u32) -> Result<(), Reason> {
    *left = left.checked_sub(count).ok_or(Reason::DnssecOverLimit)?;
    Ok(())
}
