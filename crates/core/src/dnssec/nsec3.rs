//! NSEC3: which hash of a name comes after which (RFC 5155).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use data_encoding::BASE32_DNSSEC;
use keyhole_wire::{Name, RecordType};

use super::names;
use super::proof::{Delegation, Proof, Types};
use super::work::{MAX_ITERATIONS, REFUSED_ITERATIONS, Work};
use crate::reason::Reason;

/// Octets of SHA-1, the only algorithm (RFC 5155 section 11).
const HASH: usize = 20;
const SHA1: u8 = 1;
const OPT_OUT: u8 = 1;

type Hash = [u8; HASH];

/// An NSEC3 record of a zone.
#[derive(Debug)]
pub(super) struct Nsec3 {
    owner: Hash,
    next: Hash,
    opt_out: bool,
    iterations: u16,
    salt: Vec<u8>,
    types: Types,
}

impl Nsec3 {
    /// Reads a record; none where it cannot be one of the zone, or has an algorithm or flags that
    /// are not known (RFC 5155 sections 8.1 and 8.2).
    pub(super) fn read(apex: &Name, owner: &Name, data: &[u8]) -> Option<Self> {
        if names::parent(owner)? != *apex {
            return None;
        }
        let label = owner.labels().next()?;
        let owner = BASE32_DNSSEC.decode(label).ok()?.try_into().ok()?;
        let (&[algorithm, flags, i0, i1, salt], rest) = data.split_first_chunk()?;
        let (salt, rest) = rest.split_at_checked(usize::from(salt))?;
        let (len, rest) = rest.split_first()?;
        let (next, types) = rest.split_at_checked(usize::from(*len))?;
        (algorithm == SHA1 && flags & !OPT_OUT == 0).then_some(Self {
            owner,
            next: next.try_into().ok()?,
            opt_out: flags & OPT_OUT != 0,
            iterations: u16::from_be_bytes([i0, i1]),
            salt: salt.to_vec(),
            types: Types::read(types),
        })
    }

    fn covers(&self, hash: &Hash) -> bool {
        if self.owner < self.next {
            self.owner < *hash && *hash < self.next
        } else {
            self.owner < *hash || *hash < self.next
        }
    }
}

/// Keeps the records of one chain: a zone may have several with other salts, and a proof is made of
/// one (RFC 5155 section 8.2).
pub(super) fn keep_one_chain(all: &mut Vec<Nsec3>) {
    let Some(first) = all.first() else { return };
    let (iterations, salt) = (first.iterations, first.salt.clone());
    all.retain(|one| one.iterations == iterations && one.salt == salt);
}

/// The chain of a zone, with which names are hashed.
struct Chain<'a> {
    all: &'a [Nsec3],
    work: &'a mut Work,
}

/// What a chain says of a name.
enum Found<'a> {
    /// It exists.
    Exists(&'a Nsec3),
    /// It does not: the labels of its closest encloser, and whether there may be unsigned
    /// delegations in its place.
    Missing { encloser: usize, opt_out: bool },
    /// Nothing that counts.
    Nothing,
}

impl<'a> Chain<'a> {
    /// The chain; none where there is none, or where a name is not worth its iterations.
    fn of(all: &'a [Nsec3], work: &'a mut Work) -> Result<Result<Self, Option<Proof>>, Reason> {
        match all.first().map(|one| one.iterations) {
            None => Ok(Err(None)),
            Some(count) if count > REFUSED_ITERATIONS => Err(Reason::DnssecIterations),
            Some(count) if count > MAX_ITERATIONS => Ok(Err(Some(Proof::Unsigned))),
            Some(_) => Ok(Ok(Self { all, work })),
        }
    }

    /// RFC 5155 section 5.
    fn hash(&mut self, name: &Name) -> Result<Hash, Reason> {
        let Nsec3 { iterations, salt, .. } = &self.all[0];
        self.work.hashes(u32::from(*iterations) + 1)?;
        let mut hash: Hash = [0; HASH];
        for round in 0..=*iterations {
            let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
            context.update(if round == 0 { name.as_wire() } else { &hash });
            context.update(salt);
            hash.copy_from_slice(context.finish().as_ref());
        }
        Ok(hash)
    }

    fn own(&mut self, name: &Name) -> Result<Option<&'a Nsec3>, Reason> {
        let hash = self.hash(name)?;
        Ok(self.all.iter().find(|one| one.owner == hash))
    }

    fn covering(&mut self, name: &Name) -> Result<Option<&'a Nsec3>, Reason> {
        let hash = self.hash(name)?;
        Ok(self.all.iter().find(|one| one.covers(&hash)))
    }

    /// The name itself, or the proof of its closest encloser (RFC 5155 section 8.3).
    fn find(&mut self, apex: &Name, name: &Name) -> Result<Found<'a>, Reason> {
        if let Some(own) = self.own(name)? {
            return Ok(Found::Exists(own));
        }
        for encloser in (names::count(apex)..names::count(name)).rev() {
            let Some(own) = self.own(&names::suffix(name, encloser))? else { continue };
            if own.types.ends_zone() {
                return Ok(Found::Nothing);
            }
            let next = self.covering(&names::suffix(name, encloser + 1))?;
            return Ok(match next {
                Some(next) => Found::Missing { encloser, opt_out: next.opt_out },
                None => Found::Nothing,
            });
        }
        Ok(Found::Nothing)
    }
}

fn worth(opt_out: bool) -> Proof {
    if opt_out { Proof::Unsigned } else { Proof::Proved }
}

pub(super) fn no_data(
    all: &[Nsec3],
    apex: &Name,
    name: &Name,
    kind: RecordType,
    work: &mut Work,
) -> Result<Option<Proof>, Reason> {
    let mut chain = match Chain::of(all, work)? {
        Ok(chain) => chain,
        Err(proof) => return Ok(proof),
    };
    match chain.find(apex, name)? {
        Found::Exists(own) => Ok(own.types.lack(kind, name).then_some(Proof::Proved)),
        // RFC 5155 section 8.6 and erratum 3441: a delegation, or what lies above one, that nobody
        // signed.
        Found::Missing { opt_out: true, .. } => Ok(Some(Proof::Unsigned)),
        Found::Missing { encloser, .. } => {
            let Some(wildcard) = names::wildcard(&names::suffix(name, encloser)) else {
                return Ok(None);
            };
            let own = chain.own(&wildcard)?;
            Ok(own.filter(|own| own.types.lack(kind, &wildcard)).map(|_| Proof::Proved))
        }
        Found::Nothing => Ok(None),
    }
}

pub(super) fn no_name(
    all: &[Nsec3],
    apex: &Name,
    name: &Name,
    work: &mut Work,
) -> Result<Option<Proof>, Reason> {
    let mut chain = match Chain::of(all, work)? {
        Ok(chain) => chain,
        Err(proof) => return Ok(proof),
    };
    let Found::Missing { encloser, opt_out } = chain.find(apex, name)? else { return Ok(None) };
    let Some(wildcard) = names::wildcard(&names::suffix(name, encloser)) else { return Ok(None) };
    Ok(chain.covering(&wildcard)?.map(|_| worth(opt_out)))
}

pub(super) fn no_closer(
    all: &[Nsec3],
    name: &Name,
    encloser: usize,
    work: &mut Work,
) -> Result<Option<Proof>, Reason> {
    let mut chain = match Chain::of(all, work)? {
        Ok(chain) => chain,
        Err(proof) => return Ok(proof),
    };
    let next = names::suffix(name, encloser + 1);
    Ok(chain.covering(&next)?.map(|covering| worth(covering.opt_out)))
}

pub(super) fn delegation(
    all: &[Nsec3],
    apex: &Name,
    name: &Name,
    work: &mut Work,
) -> Result<Option<Delegation>, Reason> {
    let mut chain = match Chain::of(all, work)? {
        Ok(chain) => chain,
        Err(proof) => return Ok(proof.map(|_| Delegation::Unsigned)),
    };
    Ok(match chain.find(apex, name)? {
        Found::Exists(own) => own.types.delegation(),
        Found::Missing { opt_out: true, .. } => Some(Delegation::Unsigned),
        Found::Missing { .. } => Some(Delegation::Inside),
        Found::Nothing => None,
    })
}
