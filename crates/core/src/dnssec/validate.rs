//! From an answer to what it is worth.

use std::time::Instant;

use keyhole_wire::{Answer, Name, Rcode, RecordType, Section};

use super::chain::{Standing, Walk};
use super::denial::Proofs;
use super::proof::Proof;
use super::rrset::{self, RrSet};
use super::signature::Signature;
use super::work::{MAX_ALIASES, MAX_PROOFS, MAX_SIGNERS};
use super::{Counts, Fetch, Rules, Security, names};
use crate::reason::Reason;

/// What validation found out, and for how long that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it is worth.
    pub security: Security,
    /// The longest TTL that its records may have (RFC 4035 section 5.3.3).
    pub ttl: u32,
    /// Seconds for which it may be kept at all.
    pub valid_for: u32,
}

/// What was found out about one set of records.
#[allow(clippy::large_enum_variant, reason = "an answer has at most 64 of them")]
enum Outcome {
    Secure {
        signer: Name,
        /// The labels of the closest encloser, where a wildcard spoke for the owner.
        encloser: Option<usize>,
    },
    Insecure,
    /// An alias that a DNAME record makes (RFC 6672 section 3.1): it has no signature.
    Made,
}

/// Validates an answer as of `unix`, in seconds of Unix time.
pub async fn validate(
    answer: &Answer,
    rules: &Rules,
    fetch: &impl Fetch,
    counts: &Counts,
    unix: i64,
) -> Checked {
    let mut walk = Walk::new(rules, fetch, counts, unix, Instant::now());
    let security = match check_all(&mut walk, answer).await {
        Ok(true) => Security::Secure,
        Ok(false) => Security::Insecure,
        Err(why) => Security::Failed(why),
    };
    Checked { security, ttl: walk.ttl, valid_for: walk.valid_for }
}

/// Whether all of an answer is signed; if not, it is proved that it need not be.
async fn check_all<F: Fetch>(walk: &mut Walk<'_, F>, answer: &Answer) -> Result<bool, Reason> {
    let (name, kind) = answer.question();
    // Nobody signs signatures.
    if matches!(kind, RecordType::RRSIG | RecordType::SIG | RecordType::ANY) {
        return Ok(false);
    }
    let sets = rrset::read(answer)?;
    let is_proof = |set: &&RrSet| matches!(set.kind, RecordType::NSEC | RecordType::NSEC3);
    if sets.iter().filter(is_proof).count() > MAX_PROOFS {
        return Err(Reason::DnssecOverLimit);
    }
    let mut outcomes = Vec::with_capacity(sets.len());
    for set in &sets {
        outcomes.push(match is_made_by_dname(set, &sets) {
            true => Outcome::Made,
            false => check(walk, set).await?,
        });
        walk.pause().await;
    }
    let judged = Judged { sets: &sets, outcomes: &outcomes };
    let is_proved = follow(walk, &judged, answer.rcode(), (name, kind)).await?;
    let is_secure = |outcome: &Outcome| !matches!(outcome, Outcome::Insecure);
    Ok(is_proved && outcomes.iter().all(is_secure))
}

/// Checks one set by itself.
async fn check<F: Fetch>(walk: &mut Walk<'_, F>, set: &RrSet) -> Result<Outcome, Reason> {
    let side = zone_side(&set.owner, set.kind);
    let Some(anchor) = walk.anchor(&side) else { return Ok(Outcome::Insecure) };
    let mut fault = None;
    let mut signers: Vec<Name> = Vec::new();
    // Only who stands above a name can have signed it, and above its anchor nobody is believed. That
    // a signer's zone is not signed says nothing of the owner: anybody can write any signer.
    let is_possible =
        |one: &&Signature| set.may_be_signed_by(one) && one.signer.is_at_or_below(&anchor.apex);
    for signature in set.signatures.iter().filter(is_possible) {
        if !signers.contains(&signature.signer) {
            signers.push(signature.signer);
        }
    }
    if signers.len() > MAX_SIGNERS {
        return Err(Reason::DnssecOverLimit);
    }
    for signer in signers {
        let Standing::Signed(zone) = walk.standing(&signer).await? else { continue };
        if zone.apex != signer {
            continue;
        }
        match walk.verify(set, &zone) {
            Ok(signature) => {
                let encloser = set.expanded_by(signature);
                // Nobody proves that nothing is closer than a wildcard with DNAME (RFC 6672 section
                // 3.3 advises against them).
                if set.kind == RecordType::DNAME && encloser.is_some() {
                    return Err(Reason::DnssecProofMissing);
                }
                walk.bound(signature);
                return Ok(Outcome::Secure { signer, encloser });
            }
            Err(Reason::DnssecOverLimit) => return Err(Reason::DnssecOverLimit),
            Err(why) => fault = Some(why),
        }
    }
    let unsigned = match set.signatures.is_empty() {
        true => Reason::DnssecSignatureMissing,
        false => Reason::DnssecBogus,
    };
    match (walk.standing(&side).await, fault) {
        (Ok(Standing::Unsigned), _) => Ok(Outcome::Insecure),
        // A signature that fails says more than what else is not known.
        (_, Some(fault)) => Err(fault),
        (Ok(Standing::Signed(_)), None) => Err(unsigned),
        (Err(why), None) => Err(why),
    }
}

/// The name whose zone has the records: DS records belong to the zone above.
fn zone_side(name: &Name, kind: RecordType) -> Name {
    match kind {
        RecordType::DS => names::parent(name).unwrap_or(*name),
        _ => *name,
    }
}

/// Whether a set is the alias that a DNAME record of the same answer makes.
fn is_made_by_dname(set: &RrSet, sets: &[RrSet]) -> bool {
    let [target] = &set.data[..] else { return false };
    set.kind == RecordType::CNAME
        && set.section == Section::Answer
        && set.signatures.is_empty()
        && sets.iter().filter(|one| one.kind == RecordType::DNAME).any(|dname| {
            let (owner, above) = (set.owner.as_wire(), dname.owner.as_wire());
            let [to] = &dname.data[..] else { return false };
            set.owner != dname.owner
                && dname.section == Section::Answer
                && set.owner.is_at_or_below(&dname.owner)
                && [&owner[..owner.len() - above.len()], to].concat() == *target
        })
}

/// The sets of an answer and what was found out about each.
struct Judged<'a> {
    sets: &'a [RrSet],
    outcomes: &'a [Outcome],
}

impl<'a> Judged<'a> {
    fn answer(&self, owner: &Name, kind: RecordType) -> Option<(&'a RrSet, &'a Outcome)> {
        let (at, set) = rrset::find(self.sets, owner, kind, Section::Answer)?;
        Some((set, &self.outcomes[at]))
    }

    /// The proofs that a zone signed for names as they are.
    fn proofs(&self, apex: &Name) -> Result<Proofs, Reason> {
        let of_zone = |outcome: &Outcome| match outcome {
            Outcome::Secure { signer, encloser: None } => signer == apex,
            _ => false,
        };
        let both = self.sets.iter().zip(self.outcomes);
        Proofs::read(apex, both.filter(|(_, outcome)| of_zone(outcome)).map(|(set, _)| set))
    }

    /// The zone whose proofs speak of a name's side: the one that signed its SOA record, or another proof.
    fn denier(&self, side: &Name) -> Option<Name> {
        let speaks = |wanted: fn(RecordType) -> bool| {
            let both = self.sets.iter().zip(self.outcomes);
            both.filter(|(set, _)| set.section == Section::Authority && wanted(set.kind)).find_map(
                |(_, outcome)| match outcome {
                    Outcome::Secure { signer, .. } if side.is_at_or_below(signer) => Some(*signer),
                    _ => None,
                },
            )
        };
        speaks(|kind| kind == RecordType::SOA)
            .or_else(|| speaks(|kind| matches!(kind, RecordType::NSEC | RecordType::NSEC3)))
    }
}

/// Follows the aliases from the question to the end, and checks the proofs on the way. Whether all of
/// it is proved; if not, it is proved that nobody signs it.
async fn follow<F: Fetch>(
    walk: &mut Walk<'_, F>,
    judged: &Judged<'_>,
    rcode: Rcode,
    (name, kind): (Name, RecordType),
) -> Result<bool, Reason> {
    let mut current = name.to_lower();
    let mut is_proved = true;
    for _ in 0..=MAX_ALIASES {
        let found = judged.answer(&current, kind);
        let alias = judged.answer(&current, RecordType::CNAME);
        let Some((set, outcome)) = found.or(alias) else {
            return Ok(deny(walk, judged, rcode, (&current, kind)).await? && is_proved);
        };
        if let Outcome::Secure { signer, encloser: Some(encloser) } = outcome {
            let proofs = judged.proofs(signer)?;
            let proof = proofs.no_closer(&current, *encloser, &mut walk.work)?;
            is_proved &= proof == Proof::Proved;
        }
        if set.kind == kind && rcode != Rcode::NXDOMAIN {
            return Ok(is_proved);
        }
        if set.kind == kind && matches!(outcome, Outcome::Insecure) {
            return Ok(false);
        }
        // The code is not signed: it must not deny what is there. With an alias that was asked for, it
        // may speak of what the alias leads to.
        if set.kind == kind && kind != RecordType::CNAME {
            return Err(Reason::DnssecBogus);
        }
        let target = set.data.first().and_then(|data| Name::from_wire(data).ok());
        current = target.ok_or(Reason::DnssecBogus)?.to_lower();
    }
    Err(Reason::DnssecOverLimit)
}

/// Checks that there is no such name or type.
async fn deny<F: Fetch>(
    walk: &mut Walk<'_, F>,
    judged: &Judged<'_>,
    rcode: Rcode,
    (name, kind): (&Name, RecordType),
) -> Result<bool, Reason> {
    let side = zone_side(name, kind);
    let Some(anchor) = walk.anchor(&side) else { return Ok(false) };
    // A zone above the anchor does not speak of what is below it.
    if let Some(apex) = judged.denier(&side).filter(|apex| apex.is_at_or_below(&anchor.apex)) {
        let proofs = judged.proofs(&apex)?;
        let proof = match rcode {
            Rcode::NXDOMAIN => proofs.no_name(&apex, name, &mut walk.work)?,
            _ => proofs.no_data(&apex, name, kind, &mut walk.work)?,
        };
        return Ok(proof == Proof::Proved);
    }
    match walk.standing(&side).await? {
        Standing::Unsigned => Ok(false),
        Standing::Signed(_) => Err(Reason::DnssecProofMissing),
    }
}

impl<F: Fetch> Walk<'_, F> {
    /// What a signature vouches for may be kept no longer than it says (RFC 4035 section 5.3.3).
    fn bound(&mut self, signature: &Signature) {
        let left = signature.window.left(self.unix_u32());
        self.ttl = self.ttl.min(signature.original_ttl).min(left);
        self.valid_for = self.valid_for.min(left);
    }
}
