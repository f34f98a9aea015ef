//! What is validated for a set of upstreams: the anchors, and the names that are left out.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use data_encoding::HEXLOWER_PERMISSIVE;
use keyhole_wire::Name;

use super::key::Ds;
use super::names;
use super::zones::Zones;
use crate::Error;
use crate::document::{ValidationDocument, ValidationMode};
use crate::reason::Reason;

/// Anchors, exceptions, and what is known of zones by them.
#[derive(Debug)]
pub struct Rules {
    mode: ValidationMode,
    anchors: Vec<Anchor>,
    exempt: Vec<Exempt>,
    pub(super) zones: Zones,
}

/// A zone whose keys are known beforehand.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) apex: Name,
    pub(super) ds: Vec<Ds>,
    /// Answers that failed in a row because the keys of the zone did not fit; their number and why.
    failed: AtomicU64,
    why: AtomicU64,
}

impl Anchor {
    fn new(apex: Name, ds: Ds) -> Self {
        let (failed, why) = Default::default();
        Self { apex, ds: vec![ds], failed, why }
    }

    /// Notes whether the keys of the zone are those of the anchor, by one answer.
    pub(super) fn note(&self, outcome: Result<(), Reason>) {
        match outcome {
            // Nearly always; the word is then read alone, and shared by all threads.
            Ok(()) if self.failed.load(Relaxed) == 0 => {}
            Ok(()) => self.failed.store(0, Relaxed),
            Err(why) => {
                self.why.store(why as u64, Relaxed);
                self.failed.fetch_add(1, Relaxed);
            }
        }
    }
}

/// A domain that is not validated for a while (RFC 7646).
#[derive(Debug)]
struct Exempt {
    name: Name,
    /// Seconds of Unix time.
    until: i64,
}

impl Rules {
    /// Reads what the snapshot says; `place` is where it stands.
    ///
    /// # Errors
    /// What cannot be used, with its place.
    pub fn read(place: &str, document: &ValidationDocument) -> Result<Self, Error> {
        let mut anchors: Vec<Anchor> = Vec::new();
        for (index, one) in document.anchors.iter().enumerate() {
            let at = |why: String| Error::invalid(format!("{place}.anchors[{index}]"), why);
            let apex = read_name(&one.name).map_err(&at)?;
            let digest = HEXLOWER_PERMISSIVE.decode(one.digest.as_bytes());
            let digest = digest.map_err(|_| at("the digest is not hexadecimal".into()))?;
            let (tag, algorithm, digest_type) = (one.tag, one.algorithm, one.digest_type);
            let ds = Ds { tag, algorithm, digest_type, digest };
            match anchors.iter_mut().find(|anchor| anchor.apex == apex) {
                Some(anchor) => anchor.ds.push(ds),
                None => anchors.push(Anchor::new(apex, ds)),
            }
        }
        // Without anchors everything is insecure, and nobody's AD counts; a mode that does not act
        // would do nothing.
        if anchors.is_empty() && document.mode != ValidationMode::On {
            return Err(Error::invalid(format!("{place}.anchors"), "name at least one anchor"));
        }
        let exempt = document.exempt.iter().enumerate().map(|(index, one)| {
            let at = |why| Error::invalid(format!("{place}.exempt[{index}].name"), why);
            Ok(Exempt { name: read_name(&one.name).map_err(at)?, until: one.until })
        });
        let exempt = exempt.collect::<Result<_, Error>>()?;
        Ok(Self { mode: document.mode, anchors, exempt, zones: Zones::default() })
    }

    /// Whether what is found out acts, or is only counted.
    pub fn acts(&self) -> bool {
        self.mode == ValidationMode::On
    }

    /// Whether nothing can be signed, because there are no anchors.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// What is wrong with an anchor, in plain words: nothing below it can be validated.
    pub fn fault(&self) -> Option<String> {
        let failing = |one: &&Anchor| one.failed.load(Relaxed) > 0;
        let anchor = self.anchors.iter().find(failing)?;
        let (failed, why) = (anchor.failed.load(Relaxed), anchor.why.load(Relaxed));
        let why = Reason::ALL.iter().find(|one| **one as u64 == why).map_or("", |one| one.word());
        let zone = if anchor.apex.is_root() { "the root".into() } else { anchor.apex.to_string() };
        Some(format!(
            "answers fail at the trust anchor of {zone} ({why}, {failed} in a row): the keys that \
             upstreams give for it are not those of the anchor; mend the file that \
             upstreams.validate.anchors of a policy names, or leave it out for the keys of the root"
        ))
    }

    /// The closest anchor at or above a name.
    pub(super) fn anchor(&self, name: &Name) -> Option<&Anchor> {
        let above = self.anchors.iter().filter(|one| name.is_at_or_below(&one.apex));
        above.max_by_key(|one| names::count(&one.apex))
    }

    /// Until when a name is left out, if it is. An anchor below the exception has precedence (RFC
    /// 7646 section 2).
    pub(super) fn exempt_until(&self, name: &Name, anchor: &Anchor, now: i64) -> Option<i64> {
        let labels = names::count(&anchor.apex);
        let acts = |one: &&Exempt| {
            now < one.until && name.is_at_or_below(&one.name) && names::count(&one.name) >= labels
        };
        self.exempt.iter().filter(acts).map(|one| one.until).max()
    }
}

fn read_name(text: &str) -> Result<Name, String> {
    Name::from_text(text).map(|name| name.to_lower()).map_err(|error| error.to_string())
}
