//! What is validated for a set of upstreams: the anchors, and the names that are left out.

use data_encoding::HEXLOWER_PERMISSIVE;
use keyhole_wire::Name;

use super::key::Ds;
use super::names;
use super::zones::Zones;
use crate::Error;
use crate::document::{ValidationDocument, ValidationMode};

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
                None => anchors.push(Anchor { apex, ds: vec![ds] }),
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
