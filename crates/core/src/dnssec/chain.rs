//! The chain of trust: from an anchor down to the zone of a name.

use std::sync::Arc;
use std::time::Instant;

use keyhole_wire::{Answer, Name, RecordType, Section};

use super::denial::Proofs;
use super::key::{Ds, Key, is_supported, usable};
use super::proof::Delegation;
use super::rrset::{self, RrSet};
use super::rules::Anchor;
use super::signature::{Signature, Window};
use super::work::{MAX_DS, MAX_KEYS, MAX_PROOFS, Work};
use super::zones::{Known, Link, Zone};
use super::{Counts, Fetch, Rules, names};
use crate::reason::Reason;

/// Whether the zone of a name is signed.
pub(super) enum Standing {
    /// By these keys.
    Signed(Arc<Zone>),
    /// It is proved that it is not, no anchor is above it, or it is left out.
    Unsigned,
}

/// Looks for keys on behalf of one answer.
pub(super) struct Walk<'a, F> {
    rules: &'a Rules,
    fetch: &'a F,
    counts: &'a Counts,
    unix: i64,
    now: Instant,
    pub(super) work: Work,
    /// The longest TTL that the records of the answer may have.
    pub(super) ttl: u32,
    /// Seconds for which the answer may be kept.
    pub(super) valid_for: u32,
}

impl<'a, F: Fetch> Walk<'a, F> {
    pub(super) fn new(
        rules: &'a Rules,
        fetch: &'a F,
        counts: &'a Counts,
        unix: i64,
        now: Instant,
    ) -> Self {
        let (work, ttl, valid_for) = (Work::default(), u32::MAX, u32::MAX);
        Self { rules, fetch, counts, unix, now, work, ttl, valid_for }
    }

    /// The time as signatures have it.
    pub(super) fn unix_u32(&self) -> u32 {
        self.unix as u32
    }

    /// The anchor by which a name is judged; none where none is above it, or it is left out, so that
    /// whatever is said of it is insecure.
    pub(super) fn anchor(&mut self, name: &Name) -> Option<&'a Anchor> {
        let anchor = self.rules.anchor(name)?;
        if let Some(until) = self.rules.exempt_until(name, anchor, self.unix) {
            let left = u32::try_from(until - self.unix).unwrap_or(u32::MAX);
            self.valid_for = self.valid_for.min(left);
            self.ttl = self.ttl.min(left);
            return None;
        }
        Some(anchor)
    }

    /// Whether the zone of a name is signed.
    pub(super) async fn standing(&mut self, name: &Name) -> Result<Standing, Reason> {
        let Some(anchor) = self.anchor(name) else { return Ok(Standing::Unsigned) };
        let mut zone = self.anchored(anchor).await?;
        for keep in names::count(&anchor.apex) + 1..=names::count(name) {
            match self.link(&zone, &names::suffix(name, keep)).await? {
                Link::Cut(child) => zone = child,
                Link::Inside => {}
                Link::Unsigned => return Ok(Standing::Unsigned),
            }
        }
        Ok(Standing::Signed(zone))
    }

    /// The zone of an anchor.
    async fn anchored(&mut self, anchor: &Anchor) -> Result<Arc<Zone>, Reason> {
        let known = self.rules.zones.get(&anchor.apex, self.now, self.unix_u32());
        if let Some(Link::Cut(zone)) = known {
            self.note_anchor(anchor, Ok(()));
            return Ok(zone);
        }
        let ds = usable(anchor.ds.clone());
        let (zone, ttl, window) = match self.keys(&anchor.apex, &ds).await {
            Err(why) if !is_said_by_zone(why) => return Err(why),
            outcome => {
                self.note_anchor(anchor, outcome.as_ref().map(|_| ()).map_err(|why| *why));
                outcome?
            }
        };
        let known = Known::new(Link::Cut(Arc::clone(&zone)), ttl, window, self.now);
        self.rules.zones.put(&anchor.apex, known);
        Ok(zone)
    }

    /// Notes for status whether the keys of an anchor are what they should be.
    fn note_anchor(&self, anchor: &Anchor, outcome: Result<(), Reason>) {
        anchor.note(outcome);
        self.counts.note_anchor(outcome);
    }

    /// Gives what else waits on this thread its turn, between the signatures of one set and those of
    /// the next.
    pub(super) async fn pause(&self) {
        self.fetch.pause().await;
    }

    /// What a name directly below what is known is: a further zone, signed or not, or none.
    async fn link(&mut self, zone: &Arc<Zone>, child: &Name) -> Result<Link, Reason> {
        if let Some(link) = self.rules.zones.get(child, self.now, self.unix_u32()) {
            return Ok(link);
        }
        let answer = self.ask(child, RecordType::DS).await?;
        match self.read_link(zone, child, &answer).await {
            Ok(known) => {
                let link = known.link.clone();
                self.rules.zones.put(child, known);
                Ok(link)
            }
            Err(why) => {
                self.forget(child, RecordType::DS, why);
                Err(why)
            }
        }
    }

    /// Has records asked for anew that led nowhere: they may be forged, or changed since. Those that
    /// cost too much are not worth another question.
    fn forget(&self, name: &Name, kind: RecordType, why: Reason) {
        if is_said_by_zone(why) {
            self.fetch.forget(name, kind);
        }
    }

    async fn ask(&mut self, name: &Name, kind: RecordType) -> Result<Arc<Answer>, Reason> {
        self.work.fetch()?;
        self.fetch.fetch(name, kind).await
    }

    async fn read_link(
        &mut self,
        zone: &Zone,
        child: &Name,
        answer: &Answer,
    ) -> Result<Known, Reason> {
        let sets = rrset::read(answer)?;
        if let Some((_, set)) = rrset::find(&sets, child, RecordType::DS, Section::Answer) {
            return self.read_delegation(zone, set, answer.ttl()).await;
        }
        // An alias is no delegation.
        let is_alias = |set: &&RrSet| {
            let here = set.kind == RecordType::CNAME && set.owner == *child;
            let above = set.kind == RecordType::DNAME && child.is_at_or_below(&set.owner);
            set.section == Section::Answer && (here || above) && !set.signatures.is_empty()
        };
        if let Some(alias) = sets.iter().find(is_alias) {
            let signature = self.verify(alias, zone)?;
            let ttl = answer.ttl().min(signature.original_ttl);
            return Ok(Known::new(Link::Inside, ttl, signature.window, self.now));
        }
        let (proofs, window) = self.proofs(zone, &sets).await?;
        let link = match proofs.delegation(&zone.apex, child, &mut self.work)? {
            Delegation::Inside => Link::Inside,
            Delegation::Unsigned => Link::Unsigned,
        };
        Ok(Known::denied(link, answer.ttl(), window, self.now))
    }

    /// A delegation with DS records.
    async fn read_delegation(
        &mut self,
        zone: &Zone,
        set: &RrSet,
        ttl: u32,
    ) -> Result<Known, Reason> {
        let signature = self.verify(set, zone)?;
        if set.expanded_by(signature).is_some() {
            return Err(Reason::DnssecBogus);
        }
        if set.data.len() > MAX_DS {
            return Err(Reason::DnssecOverLimit);
        }
        let (ttl, window) = (ttl.min(signature.original_ttl), signature.window);
        let ds = usable(set.data.iter().filter_map(|data| Ds::read(data)).collect());
        // RFC 4035 section 5.2, RFC 6840 section 5.2: what nobody can check counts as unsigned.
        if ds.is_empty() {
            return Ok(Known::new(Link::Unsigned, ttl, window, self.now));
        }
        let (child, keys_ttl, keys_window) = self.keys(&set.owner, &ds).await?;
        let window = window.and(keys_window, self.unix_u32());
        Ok(Known::new(Link::Cut(child), ttl.min(keys_ttl), window, self.now))
    }

    /// The keys of a zone that one of these DS records vouches for.
    async fn keys(&mut self, apex: &Name, ds: &[Ds]) -> Result<(Arc<Zone>, u32, Window), Reason> {
        let answer = self.ask(apex, RecordType::DNSKEY).await?;
        let read = self.read_keys(apex, ds, &answer);
        if let Err(why) = read {
            self.forget(apex, RecordType::DNSKEY, why);
        }
        read
    }

    fn read_keys(
        &mut self,
        apex: &Name,
        ds: &[Ds],
        answer: &Answer,
    ) -> Result<(Arc<Zone>, u32, Window), Reason> {
        let sets = rrset::read(answer)?;
        let set = rrset::find(&sets, apex, RecordType::DNSKEY, Section::Answer);
        let (_, set) = set.ok_or(Reason::DnssecKeyMissing)?;
        if set.data.len() > MAX_KEYS {
            return Err(Reason::DnssecOverLimit);
        }
        let keys: Vec<Key> = set.data.iter().filter_map(|data| Key::read(data)).collect();
        let is_named = |key: &Key| ds.iter().any(|ds| ds.names(apex, key));
        let vouched: Vec<&Key> = keys.iter().filter(|key| is_named(key)).collect();
        if vouched.is_empty() {
            return Err(Reason::DnssecKeyMissing);
        }
        let signature = self.verify_by(set, apex, &vouched)?;
        let (ttl, window) = (answer.ttl().min(signature.original_ttl), signature.window);
        Ok((Arc::new(Zone { apex: *apex, keys }), ttl, window))
    }

    /// The proofs in authority that the zone signed, and how long they are valid.
    async fn proofs(&mut self, zone: &Zone, sets: &[RrSet]) -> Result<(Proofs, Window), Reason> {
        let unix = self.unix_u32();
        let (mut signed, mut fault) = (Vec::new(), Reason::DnssecProofMissing);
        let mut window = Window { from: unix, until: unix.wrapping_add(i32::MAX as u32) };
        let is_proof = |set: &&RrSet| {
            set.section == Section::Authority
                && matches!(set.kind, RecordType::NSEC | RecordType::NSEC3)
        };
        if sets.iter().filter(is_proof).count() > MAX_PROOFS {
            return Err(Reason::DnssecOverLimit);
        }
        for set in sets.iter().filter(is_proof) {
            self.pause().await;
            match self.verify(set, zone) {
                Ok(signature) if set.expanded_by(signature).is_none() => {
                    let until = signature.window.and(window, unix).until;
                    window = Window { from: window.from, until };
                    signed.push(set);
                }
                Ok(_) => {}
                Err(Reason::DnssecOverLimit) => return Err(Reason::DnssecOverLimit),
                Err(why) => fault = why,
            }
        }
        if signed.is_empty() {
            return Err(fault);
        }
        Ok((Proofs::read(&zone.apex, signed.into_iter())?, window))
    }

    /// The signature of a zone over a set, checked.
    pub(super) fn verify<'s>(
        &mut self,
        set: &'s RrSet,
        zone: &Zone,
    ) -> Result<&'s Signature, Reason> {
        self.verify_by(set, &zone.apex, &zone.keys.iter().collect::<Vec<_>>())
    }

    /// The signature over a set by one of these keys of a zone.
    fn verify_by<'s>(
        &mut self,
        set: &'s RrSet,
        apex: &Name,
        keys: &[&Key],
    ) -> Result<&'s Signature, Reason> {
        let mut fault = Reason::DnssecSignatureMissing;
        let by_zone =
            set.signatures.iter().filter(|one| one.signer == *apex && set.may_be_signed_by(one));
        for signature in by_zone.filter(|one| is_supported(one.algorithm)) {
            if let Err(why) = signature.window.check(self.unix_u32()) {
                fault = graver(fault, why);
                continue;
            }
            fault = graver(fault, Reason::DnssecKeyMissing);
            let message = set.message(signature);
            let fits = |key: &&&Key| {
                key.tag == signature.tag && key.algorithm == signature.algorithm && key.signs_zone()
            };
            for key in keys.iter().filter(fits) {
                self.work.signature()?;
                if key.has_signed(&message, &signature.octets) {
                    return Ok(signature);
                }
                fault = Reason::DnssecBogus;
                self.work.failure()?;
            }
        }
        Err(fault)
    }
}

/// Whether a fault is one of the records, and not for want of them or of work.
fn is_said_by_zone(why: Reason) -> bool {
    !matches!(why, Reason::DnssecIndeterminate | Reason::DnssecOverLimit | Reason::Overloaded)
}

/// The fault that says more of why a set is not believed.
fn graver(one: Reason, other: Reason) -> Reason {
    let rank = |reason| match reason {
        Reason::DnssecBogus => 4,
        Reason::DnssecSignatureExpired => 3,
        Reason::DnssecSignatureNotYetValid => 2,
        Reason::DnssecKeyMissing => 1,
        _ => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}
