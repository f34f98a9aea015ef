//! The layout of a list file: one header, five sections, all numbers little-endian.
//!
//! | section | what it holds |
//! | --- | --- |
//! | table | hash to place among the names  |
//! | names | each name in wire form, then what lists say about it, the last one marked |
//! | limits | record types, spared names and effects, for the few entries that have some |
//! | patterns | wildcards and regular expressions as text |
//! | sources | the lists and their files by name, JSON |

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::hit::Action;
use crate::Error;
use crate::hashed_name::hash_wire;

/// What every list file starts with.
const MAGIC: [u8; 8] = *b"KHLISTS\n";
/// The version of this layout and of the hash; another one is an error.
const VERSION: u32 = 2;
/// The octets of the header, a multiple of a cache line so that the table starts on one.
pub const HEADER: usize = 128;
/// The sections in the order of the file.
pub const SECTIONS: usize = 5;
/// A name whose hash tells whether file and build agree on the hash.
const PROBE: &[u8] = b"\x07keyhole\x07example\x00";

/// The entry is for the name itself.
pub const EXACT: u8 = 1;
/// The entry is for every name below.
pub const BELOW: u8 = 2;
/// The entry allows; without the flag it blocks.
pub const ALLOW: u8 = 4;
/// The entry is marked as important.
pub const IMPORTANT: u8 = 8;
/// The entry has limits.
const LIMITED: u8 = 16;
/// No more entries for this name.
const LAST: u8 = 32;
/// Of the entries of its list with this flag, only the most specific one for a name counts.
pub const SPECIFIC: u8 = 64;

/// The header of a list file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The most buckets that a probe reads.
    pub probes: u32,
    /// Distinct names.
    pub names: u64,
    /// Where the sections are.
    pub sections: [Range<usize>; SECTIONS],
}

impl Header {
    /// The octets of the header for a file of `total` octets.
    pub fn write(&self, total: usize) -> [u8; HEADER] {
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
    pub(super) fn read(file: &[u8]) -> Result<Self, Error> {
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
pub struct Attributes {
    /// [`EXACT`], [`BELOW`], [`ALLOW`], [`IMPORTANT`] and [`SPECIFIC`].
    pub flags: u8,
    /// The index of the file, counted over all lists.
    pub source: u16,
    /// The line, counted from 1.
    pub line: u32,
    /// Where the limits are; 0: none.
    pub limits: u32,
}

impl Attributes {
    /// The action as the list wrote it.
    pub fn action(&self) -> Action {
        if self.flags & ALLOW != 0 { Action::Allow } else { Action::Block }
    }

    /// Appends the attributes; `last` marks the last ones of a name.
    pub fn write(&self, last: bool, out: &mut Vec<u8>) {
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
    pub fn read(octets: &mut &[u8]) -> Option<(Self, bool)> {
        let (&[flags, s0, s1, l0, l1, l2, l3], mut rest) = octets.split_first_chunk::<7>()?;
        let mut attributes = Self {
            flags: flags & (EXACT | BELOW | ALLOW | IMPORTANT | SPECIFIC),
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

/// The octets that the name at the start takes, its root label included; none if it has no end.
pub fn wire_len(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            len => at += 1 + usize::from(len),
        }
    }
}

/// The lists and their files, as the file names them.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// In the order of their ids.
    pub lists: Vec<SourceList>,
    /// Whether lists speak of addresses in answers, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub addresses: bool,
}

/// One list with its files. Sources are counted over all lists, in this order.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceList {
    /// Its name.
    pub name: String,
    /// The paths of its files.
    pub files: Vec<String>,
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(octets: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn attributes_survive_a_round_trip() {
        for limits in [0, 77] {
            let attributes = Attributes { flags: EXACT | ALLOW, source: 513, line: 70_000, limits };
            let mut out = Vec::new();
            attributes.write(true, &mut out);
            assert_eq!(Attributes::read(&mut out.as_slice()), Some((attributes, true)));
            assert_eq!(Attributes::read(&mut &out[..out.len() - 1]), None);
        }
    }
}
