//! What narrows a few entries down, or makes them do something else: record types, names that are
//! spared, exceptions that are not plain.

use keyhole_wire::{Name, RecordType};

use super::format::wire_len;
use crate::hashed_name::HashedName;

/// What an entry does with the names that it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It blocks or allows them.
    #[default]
    Decides,
    /// It takes back the entries of all lists that say the same (`$badfilter`).
    Cancels,
    /// Its list blocks none of them: it says something about them that Keyhole does not do.
    Exempts,
}

/// The answer that an entry names (`$dnsrewrite`), as far as it withholds the real one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rewrite {
    /// The entry is no `$dnsrewrite`.
    #[default]
    None,
    /// Only in exceptions: from every `$dnsrewrite`.
    Any,
    /// The name does not exist.
    Nxdomain,
    /// Refused.
    Refused,
    /// The unspecified address.
    Null,
    /// No data.
    Nodata,
}

impl Effect {
    const ALL: [Self; 3] = [Self::Decides, Self::Cancels, Self::Exempts];
}

impl Rewrite {
    const ALL: [Self; 6] =
        [Self::None, Self::Any, Self::Nxdomain, Self::Refused, Self::Null, Self::Nodata];

    /// The modifier as lists write it; none without one.
    pub(super) fn modifier(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Any => Some("dnsrewrite"),
            Self::Nxdomain => Some("dnsrewrite=NXDOMAIN"),
            Self::Refused => Some("dnsrewrite=REFUSED"),
            Self::Null => Some("dnsrewrite=0.0.0.0"),
            Self::Nodata => Some("dnsrewrite=NOERROR"),
        }
    }
}

/// What narrows an entry down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// What it does.
    pub effect: Effect,
    /// The answer that it names.
    pub rewrite: Rewrite,
    /// Record types that it is for; empty means all (`$dnstype=A`).
    pub types: Vec<u16>,
    /// Record types that it is not for (`$dnstype=~A`).
    pub except_types: Vec<u16>,
    /// Names that it spares, with everything below them (`$denyallow=x`).
    pub except_names: Vec<Name>,
    /// Names that it spares alone, not what lies below them: those that serve Keyhole itself.
    pub spared_names: Vec<Name>,
}

/// The label in front of a name that is spared alone. No list can write it, and no server has it.
const ALONE: &[u8] = b"\x01=";

impl Limits {
    /// Whether nothing is narrowed down.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The octets of limits: effect, rewrite, three counts, the types, the excepted types, the spared
/// names.
pub fn write_limits(limits: &Limits) -> Vec<u8> {
    let names = limits.except_names.len() + limits.spared_names.len();
    let counts = [limits.types.len(), limits.except_types.len(), names];
    // A line of 4 KiB holds far fewer than 65,536 of anything.
    let counts = counts.into_iter().map(|count| count as u16);
    let types = limits.types.iter().chain(&limits.except_types).copied();
    let mut out = vec![limits.effect as u8, limits.rewrite as u8];
    out.extend(counts.chain(types).flat_map(u16::to_le_bytes));
    for name in &limits.except_names {
        out.extend_from_slice(name.as_wire());
    }
    for name in &limits.spared_names {
        out.extend_from_slice(ALONE);
        out.extend_from_slice(name.as_wire());
    }
    out
}

/// Reads limits at the start of the octets; none if they are broken.
pub(super) fn read_limits(octets: &[u8]) -> Option<Limits> {
    let mut view = LimitsView::new(octets)?;
    let all_types = |octets: &[u8]| {
        octets.as_chunks::<2>().0.iter().map(|kind| u16::from_le_bytes(*kind)).collect()
    };
    let (types, except_types) = (all_types(view.types), all_types(view.except_types));
    let (mut except_names, mut spared_names) = (Vec::new(), Vec::new());
    while let Some(wire) = view.next_name() {
        match wire.strip_prefix(ALONE) {
            Some(alone) => spared_names.push(Name::from_wire(alone).ok()?),
            None => except_names.push(Name::from_wire(wire).ok()?),
        }
    }
    Some(Limits {
        effect: view.effect,
        rewrite: view.rewrite,
        types,
        except_types,
        except_names,
        spared_names,
    })
}

/// Whether limits let an entry speak of this name and, if one is given, this type. Broken limits
/// let it speak of nothing.
pub(super) fn limits_apply(octets: &[u8], hashed: &HashedName, kind: Option<RecordType>) -> bool {
    let Some(mut view) = LimitsView::new(octets) else {
        return false;
    };
    if let Some(kind) = kind {
        let holds = |types: &[u8]| types.as_chunks::<2>().0.contains(&kind.0.to_le_bytes());
        if holds(view.except_types) || !(view.types.is_empty() || holds(view.types)) {
            return false;
        }
    }
    while let Some(spared) = view.next_name() {
        let is_spared = match spared.strip_prefix(ALONE) {
            Some(alone) => hashed.name().as_wire() == alone,
            None => hashed.suffixes().any(|suffix| suffix.wire == spared),
        };
        if is_spared {
            return false;
        }
    }
    true
}

/// Whether limits single out record types; broken ones do not.
pub(super) fn names_types(octets: &[u8]) -> bool {
    LimitsView::new(octets).is_some_and(|view| view.has_types())
}

/// The record types that limits single out, by number, taken in or left out.
pub(super) fn types_of(octets: &[u8]) -> Vec<u16> {
    let Some(view) = LimitsView::new(octets) else { return Vec::new() };
    let all =
        [view.types, view.except_types].into_iter().flat_map(|types| types.as_chunks::<2>().0);
    all.map(|kind| u16::from_le_bytes(*kind)).collect()
}

/// Whether any limits of a whole section single out record types. One octet stands in front.
pub(super) fn any_types(section: &[u8]) -> bool {
    let mut rest = section.get(1..).unwrap_or_default();
    while let Some(mut view) = LimitsView::new(rest) {
        if view.has_types() {
            return true;
        }
        while view.next_name().is_some() {}
        rest = view.names;
    }
    false
}

/// Effect and rewrite of the limits at the start of the octets.
pub(super) fn effect_of(octets: &[u8]) -> Option<(Effect, Rewrite)> {
    LimitsView::new(octets).map(|view| (view.effect, view.rewrite))
}

/// Limits in place.
struct LimitsView<'a> {
    effect: Effect,
    rewrite: Rewrite,
    types: &'a [u8],
    except_types: &'a [u8],
    names_left: u16,
    names: &'a [u8],
}

impl<'a> LimitsView<'a> {
    fn new(octets: &'a [u8]) -> Option<Self> {
        let (&[effect, rewrite, t0, t1, e0, e1, n0, n1], rest) = octets.split_first_chunk::<8>()?;
        let effect = *Effect::ALL.get(usize::from(effect))?;
        let rewrite = *Rewrite::ALL.get(usize::from(rewrite))?;
        let count = |low, high| usize::from(u16::from_le_bytes([low, high]));
        let (types, rest) = rest.split_at_checked(2 * count(t0, t1))?;
        let (except_types, names) = rest.split_at_checked(2 * count(e0, e1))?;
        let names_left = u16::from_le_bytes([n0, n1]);
        Some(Self { effect, rewrite, types, except_types, names_left, names })
    }

    fn has_types(&self) -> bool {
        !(self.types.is_empty() && self.except_types.is_empty())
    }

    fn next_name(&mut self) -> Option<&'a [u8]> {
        self.names_left = self.names_left.checked_sub(1)?;
        let (name, rest) = self.names.split_at_checked(wire_len(self.names)?)?;
        self.names = rest;
        Some(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn limits_survive_a_round_trip() {
        let limits = Limits {
            effect: Effect::Exempts,
            rewrite: Rewrite::Nodata,
            types: vec![1, 28],
            except_types: vec![65],
            except_names: vec![Name::from_text("a.example.org").unwrap()],
            spared_names: vec![Name::from_text("dns.example.org").unwrap()],
        };
        let octets = write_limits(&limits);
        assert_eq!(read_limits(&octets), Some(limits));
        for end in 0..8 {
            assert_eq!(read_limits(&octets[..end]), None);
        }
    }

    #[test]
    fn limits_narrow_types_and_spare_names() {
        let hashed = |text: &str| HashedName::new(&Name::from_text(text).unwrap());
        let octets = write_limits(&Limits {
            types: vec![1, 28],
            except_types: vec![28],
            except_names: vec![Name::from_text("good.example.org").unwrap()],
            spared_names: vec![Name::from_text("dns.example.org").unwrap()],
            ..Limits::default()
        });
        let applies = |name: &str, kind| limits_apply(&octets, &hashed(name), kind);
        assert!(applies("bad.example.org", Some(RecordType::A)));
        assert!(applies("bad.example.org", None));
        assert!(!applies("bad.example.org", Some(RecordType::AAAA)));
        assert!(!applies("bad.example.org", Some(RecordType::TXT)));
        assert!(!applies("www.good.example.org", Some(RecordType::A)));
        assert!(!applies("dns.example.org", Some(RecordType::A)));
        assert!(applies("www.dns.example.org", Some(RecordType::A)));
        assert!(!limits_apply(&octets[..5], &hashed("bad.example.org"), None));
    }
}
