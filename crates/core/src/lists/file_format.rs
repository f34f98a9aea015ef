//! The layout of a list file: one header, five sections, all numbers little-endian.
//!
//! | section | what it holds |
//! | --- | --- |
//! | table | hash to place among the names ([`super::table`]) |
//! | names | each name in wire form, then what lists say about it, the last one marked |
//! | limits | record types and spared names, for the few entries that have some |
//! | patterns | wildcards and regular expressions as text |
//! | sources | the lists and their files by name, JSON |

use std::ops::Range;

use keyhole_wire::{Name, RecordType};

use super::entry::{Limits, Scope};
use crate::Error;
use crate::hashed_name::{HashedName, hash_wire};
use crate::snapshot::document::Action;

/// What every list file starts with.
const MAGIC: [u8; 8] = *b"KHLISTS\n";
/// The version of this layout and of the hash; another one is an error.
const VERSION: u32 = 1;
/// The octets of the header, a multiple of a cache line so that the table starts on one.
pub(crate) const HEADER: usize = 128;
/// The sections in the order of the file.
pub(crate) const SECTIONS: usize = 5;
/// A name whose hash tells whether file and build agree on the hash.
const PROBE: &[u8] = b"\x07keyhole\x07example\x00";

/// The entry is for the name itself.
pub(crate) const EXACT: u8 = 1;
/// The entry is for every name below.
pub(crate) const BELOW: u8 = 2;
/// The entry allows; without the flag it blocks.
pub(crate) const ALLOW: u8 = 4;
/// The entry is marked as important.
pub(crate) const IMPORTANT: u8 = 8;
/// The entry has limits.
const LIMITED: u8 = 16;
/// No more entries for this name.
const LAST: u8 = 32;

/// The header of a list file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The most buckets that a probe reads.
    pub(crate) probes: u32,
    /// Distinct names.
    pub(crate) names: u64,
    /// Where the sections are.
    pub(crate) sections: [Range<usize>; SECTIONS],
}

impl Header {
    /// The octets of the header for a file of `total` octets.
    pub(crate) fn write(&self, total: usize) -> [u8; HEADER] {
        let mut octets = Vec::with_capacity(HEADER);
        octets.extend_from_slice(&MAGIC);
        octets.extend_from_slice(&VERSION.to_le_bytes());
        octets.extend_from_slice(&self.probes.to_le_bytes());
        for number in [hash_wire(PROBE), total as u64, self.names] {
            octets.extend_from_slice(&number.to_le_bytes());
        }
        for section in &self.sections {
            octets.extend_from_slice(&(section.start as u64).to_le_bytes());
            octets.extend_from_slice(&(section.end as u64).to_le_bytes());
        }
        let mut header = [0; HEADER];
        header[..octets.len()].copy_from_slice(&octets);
        header
    }

    /// Reads the header of a whole file; every section lies inside the file.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Error> {
        let broken = |why: &str| Error::invalid("list_file", why);
        let header = file.get(..HEADER).ok_or_else(|| broken("too short to be a list file"))?;
        if header[..8] != MAGIC {
            return Err(broken("not a list file; write one with `keyhole lists compile`"));
        }
        // The offsets below are constants within the header.
        let number = |at: usize| header[at..].first_chunk().map_or(0, |n| u64::from_le_bytes(*n));
        let half = |at: usize| header[at..].first_chunk().map_or(0, |n| u32::from_le_bytes(*n));
        if half(8) != VERSION || number(16) != hash_wire(PROBE) {
            return Err(broken("written by another version of Keyhole; compile the lists again"));
        }
        if number(24) != file.len() as u64 {
            return Err(broken("not as long as it was written; compile the lists again"));
        }
        let mut sections = [const { 0..0 }; SECTIONS];
        for (index, section) in sections.iter_mut().enumerate() {
            let (start, end) = (number(40 + index * 16), number(48 + index * 16));
            let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
                return Err(broken("a section lies outside the file"));
            };
            if start > end || end > file.len() {
                return Err(broken("a section lies outside the file"));
            }
            *section = start..end;
        }
        Ok(Self { probes: half(12), names: number(32), sections })
    }
}

/// What one list says about one name or pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// [`EXACT`], [`BELOW`], [`ALLOW`] and [`IMPORTANT`].
    pub(crate) flags: u8,
    /// The index of the file, counted over all lists.
    pub(crate) source: u16,
    /// The line, counted from 1.
    pub(crate) line: u32,
    /// Where the limits are; 0: none.
    pub(crate) limits: u32,
}

impl Attributes {
    /// The action as the list wrote it.
    pub(crate) fn action(&self) -> Action {
        if self.flags & ALLOW != 0 { Action::Allow } else { Action::Block }
    }

    /// Appends the attributes; `last` marks the last ones of a name.
    pub(crate) fn write(&self, last: bool, out: &mut Vec<u8>) {
        let mut flags = self.flags;
        if self.limits != 0 {
            flags |= LIMITED;
        }
        if last {
            flags |= LAST;
        }
        out.push(flags);
        out.extend_from_slice(&self.source.to_le_bytes());
        out.extend_from_slice(&self.line.to_le_bytes());
        if self.limits != 0 {
            out.extend_from_slice(&self.limits.to_le_bytes());
        }
    }

    /// Reads attributes and says whether they are the last ones; none if the octets end before.
    #[inline]
    pub(crate) fn read(octets: &mut &[u8]) -> Option<(Self, bool)> {
        let (&[flags, s0, s1, l0, l1, l2, l3], mut rest) = octets.split_first_chunk::<7>()?;
        let mut attributes = Self {
            flags: flags & (EXACT | BELOW | ALLOW | IMPORTANT),
            source: u16::from_le_bytes([s0, s1]),
            line: u32::from_le_bytes([l0, l1, l2, l3]),
            limits: 0,
        };
        if flags & LIMITED != 0 {
            let (limits, behind) = rest.split_first_chunk::<4>()?;
            attributes.limits = u32::from_le_bytes(*limits);
            rest = behind;
        }
        *octets = rest;
        Some((attributes, flags & LAST != 0))
    }
}

/// The flags of a scope.
pub(crate) const fn scope_flags(scope: Scope) -> u8 {
    match scope {
        Scope::Exact => EXACT,
        Scope::Below => BELOW,
        Scope::AtAndBelow => EXACT | BELOW,
    }
}

/// The octets of limits: three counts, the types, the excepted types, the spared names.
pub(crate) fn write_limits(limits: &Limits) -> Vec<u8> {
    let counts = [limits.types.len(), limits.except_types.len(), limits.except_names.len()];
    // A line of 4 KiB holds far fewer than 65,536 of anything.
    let counts = counts.into_iter().map(|count| count as u16);
    let types = limits.types.iter().chain(&limits.except_types).copied();
    let mut out: Vec<u8> = counts.chain(types).flat_map(u16::to_le_bytes).collect();
    for name in &limits.except_names {
        out.extend_from_slice(name.as_wire());
    }
    out
}

/// Reads limits at the start of the octets; none if they are broken.
pub(crate) fn read_limits(octets: &[u8]) -> Option<Limits> {
    let mut view = LimitsView::new(octets)?;
    let all_types = |octets: &[u8]| {
        octets.as_chunks::<2>().0.iter().map(|kind| u16::from_le_bytes(*kind)).collect()
    };
    let (types, except_types) = (all_types(view.types), all_types(view.except_types));
    let mut except_names = Vec::new();
    while let Some(wire) = view.next_name() {
        except_names.push(Name::from_wire(wire).ok()?);
    }
    Some(Limits { types, except_types, except_names })
}

/// Whether limits let an entry speak of this name and, if one is given, this type. Broken limits
/// let it speak of nothing.
pub(crate) fn limits_apply(octets: &[u8], hashed: &HashedName, kind: Option<RecordType>) -> bool {
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
        if hashed.suffixes().any(|suffix| suffix.wire == spared) {
            return false;
        }
    }
    true
}

/// Limits in place.
struct LimitsView<'a> {
    types: &'a [u8],
    except_types: &'a [u8],
    names_left: u16,
    names: &'a [u8],
}

impl<'a> LimitsView<'a> {
    fn new(octets: &'a [u8]) -> Option<Self> {
        let (&[t0, t1, e0, e1, n0, n1], rest) = octets.split_first_chunk::<6>()?;
        let count = |low, high| usize::from(u16::from_le_bytes([low, high]));
        let (types, rest) = rest.split_at_checked(2 * count(t0, t1))?;
        let (except_types, names) = rest.split_at_checked(2 * count(e0, e1))?;
        Some(Self { types, except_types, names_left: u16::from_le_bytes([n0, n1]), names })
    }

    fn next_name(&mut self) -> Option<&'a [u8]> {
        self.names_left = self.names_left.checked_sub(1)?;
        let (name, rest) = self.names.split_at_checked(wire_len(self.names)?)?;
        self.names = rest;
        Some(name)
    }
}

/// The octets that the name at the start takes, its root label included; none if it has no end.
pub(crate) fn wire_len(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            len => at += 1 + usize::from(len),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn limits_survive_a_round_trip() {
        let limits = Limits {
            types: vec![1, 28],
            except_types: vec![65],
            except_names: vec![Name::from_text("a.example.org").unwrap()],
        };
        let octets = write_limits(&limits);
        assert_eq!(read_limits(&octets), Some(limits));
        for end in 0..6 {
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
        });
        let applies = |name: &str, kind| limits_apply(&octets, &hashed(name), kind);
        assert!(applies("bad.example.org", Some(RecordType::A)));
        assert!(applies("bad.example.org", None));
        assert!(!applies("bad.example.org", Some(RecordType::AAAA)));
        assert!(!applies("bad.example.org", Some(RecordType::TXT)));
        assert!(!applies("www.good.example.org", Some(RecordType::A)));
        assert!(!limits_apply(&octets[..5], &hashed("bad.example.org"), None));
    }

    #[test]
    fn facts_survive_a_round_trip() {
        for limits in [0, 77] {
            let attributes = Attributes { flags: EXACT | ALLOW, source: 513, line: 70_000, limits };
            let mut out = Vec::new();
            attributes.write(true, &mut out);
            assert_eq!(Attributes::read(&mut out.as_slice()), Some((attributes, true)));
            assert_eq!(Attributes::read(&mut &out[..out.len() - 1]), None);
        }
    }
}
