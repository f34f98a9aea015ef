//! A compiled list file, mapped into memory and asked in place.

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

use keyhole_wire::{Name, RecordType};
use memmap2::Mmap;

use super::entry_text::entry_text;
use super::format::{
    self, ALLOW, Attributes, BELOW, EXACT, Header, IMPORTANT, SECTIONS, Sources, wire_len,
};
use super::hit::{Action, EntryLocation, ListHit, MAX_LISTS};
use super::limits::{
    Effect, Limits, Rewrite, any_types, effect_of, limits_apply, names_types, read_limits,
};
use super::patterns::PatternSet;
use super::table;
use crate::Error;
use crate::address_name::Network;
use crate::error::read_document;
use crate::hashed_name::{HashedName, Suffix};

/// All lists of a snapshot, compiled. Every offset in the file is checked where it is used, so that
/// no file can do more than hold nothing.
pub struct ListFile {
    octets: Octets,
    probes: u32,
    names: u64,
    sections: [Range<usize>; SECTIONS],
    pub(super) patterns: PatternSet,
    /// Whether any entry speaks of some record types only.
    pub(super) has_types: bool,
    /// Whether any entry speaks of addresses in answers.
    pub(super) has_addresses: bool,
    lists: Vec<String>,
    files: Vec<SourceFile>,
}

/// A file that a list was compiled from.
struct SourceFile {
    list: u16,
    /// Its index among the files of the list.
    index: u16,
    path: String,
}

enum Octets {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Deref for Octets {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(octets) => octets,
        }
    }
}

impl ListFile {
    /// Maps a file whose SHA-256 is `sha256`, in hexadecimal. A file that differs, or that another
    /// version wrote, is an error.
    pub fn open(path: &Path, sha256: &str) -> Result<Self, Error> {
        let failed = |error| Error::system(format!("read the list file {}", path.display()), error);
        let file = File::open(path).map_err(failed)?;
        // SAFETY: a mapping is sound as long as nobody changes the file. Keyhole writes a list file
        // under another name, renames it into place and never opens it for writing again; a newer
        // one gets a new inode. The folder belongs to Keyhole alone.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        if !format::sha256(&map).eq_ignore_ascii_case(sha256) {
            return Err(Error::invalid(
                "list_file.sha256",
                format!("{} is not the file that was compiled; compile again", path.display()),
            ));
        }
        Self::new(Octets::Mapped(map))
    }

    /// Takes the octets of a file, as the compiler of the lists gives them.
    pub fn from_octets(octets: Vec<u8>) -> Result<Self, Error> {
        Self::new(Octets::Owned(octets))
    }

    fn new(octets: Octets) -> Result<Self, Error> {
        let header = Header::read(&octets)?;
        let [_, _, limits, patterns, sources] = header.sections.clone();
        let sources: Sources = read_document("list_file.sources", &octets[sources])?;
        if sources.lists.len() > MAX_LISTS {
            return Err(Error::invalid("list_file.sources", "more lists than a file may have"));
        }
        let mut files = Vec::new();
        for (list, source) in (0u16..).zip(&sources.lists) {
            for (index, path) in (0u16..).zip(&source.files) {
                files.push(SourceFile { list, index, path: path.clone() });
            }
        }
        let has_types = any_types(&octets[limits.clone()]);
        let patterns = PatternSet::read(&octets[patterns], &octets[limits])?;
        Ok(Self {
            probes: header.probes,
            names: header.names,
            sections: header.sections,
            patterns,
            has_types,
            has_addresses: sources.addresses,
            lists: sources.lists.into_iter().map(|list| list.name).collect(),
            files,
            octets,
        })
    }

    /// How many lists the file holds; their ids count from 0.
    pub fn list_count(&self) -> usize {
        self.lists.len()
    }

    /// The name of a list; empty if there is no such list.
    pub fn list_name(&self, list: usize) -> &str {
        self.lists.get(list).map_or("", String::as_str)
    }

    /// The path of the file that a hit is in, as the compiler was given it.
    pub fn file_path(&self, hit: &ListHit) -> &str {
        self.file_path_at(hit.list, hit.file)
    }

    /// The path of a file of a list, by its index; empty if there is no such file.
    pub fn file_path_at(&self, list: usize, index: u16) -> &str {
        let mut files = self.files.iter();
        let file = files.find(|file| (usize::from(file.list), file.index) == (list, index));
        file.map_or("", |file| file.path.as_str())
    }

    /// How many distinct names the file holds, patterns not counted.
    pub fn name_count(&self) -> u64 {
        self.names
    }

    /// The size of the file.
    pub fn octets(&self) -> usize {
        self.octets.len()
    }

    /// Every entry that speaks of the name for some type, as the lists wrote it.
    pub fn search(&self, hashed: &HashedName) -> Vec<ListHit> {
        let mut hits = Vec::new();
        let mut offer = |attributes: &Attributes, location: EntryLocation, _: usize| {
            if self.applies(attributes, hashed, None) {
                hits.extend(self.hit(attributes, location));
            }
        };
        self.each_match(hashed, &mut offer);
        hits.sort_by_key(|hit| (hit.list, hit.file, hit.line));
        hits.dedup();
        hits
    }

    /// How the entry of a hit is written, in adblock syntax: `||x^` for a name with everything
    /// below, `*.x` for everything below, `x` for the name alone, a pattern as it is.
    pub fn pattern(&self, hit: &ListHit) -> String {
        match hit.location {
            EntryLocation::Name { name, attributes } => {
                let name = self
                    .section(1)
                    .get(name as usize..)
                    .and_then(|rest| Name::from_wire(&rest[..wire_len(rest)?]).ok());
                let mut octets = self.section(1).get(attributes as usize..).unwrap_or_default();
                let (Some(name), Some((attributes, _))) = (name, Attributes::read(&mut octets))
                else {
                    return String::new();
                };
                let network = Network::from_name(&name);
                let text = match (attributes.flags & EXACT != 0, attributes.flags & BELOW != 0) {
                    _ if network.is_some() => {
                        format!("||{}^", network.map_or_else(String::new, |one| one.to_string()))
                    }
                    (true, true) => format!("||{name}^"),
                    (false, true) => format!("*.{name}"),
                    _ => name.to_string(),
                };
                entry_text(&text, &attributes, self.read_limits(&attributes))
            }
            EntryLocation::Pattern(index) => {
                self.patterns.get(index).map_or_else(String::new, |pattern| {
                    entry_text(
                        &pattern.text,
                        &pattern.attributes,
                        self.read_limits(&pattern.attributes),
                    )
                })
            }
        }
    }

    /// Offers all entries for the name itself and for what lies below its parents, each with the
    /// number of labels of the name that it gives.
    #[inline]
    pub(super) fn each_name(
        &self,
        hashed: &HashedName,
        offer: &mut impl FnMut(&Attributes, EntryLocation, usize),
    ) {
        for suffix in hashed.suffixes() {
            let Some(name) = self.find(&suffix) else {
                continue;
            };
            let scope = if suffix.labels == hashed.labels() { EXACT } else { BELOW };
            let names = self.section(1);
            let mut at = name as usize + suffix.wire.len();
            while let Some(mut rest) = names.get(at..)
                && let before = rest.len()
                && let Some((attributes, last)) = Attributes::read(&mut rest)
            {
                if attributes.flags & scope != 0 {
                    // Names lie within 4 GiB.
                    let location = EntryLocation::Name { name, attributes: at as u32 };
                    offer(&attributes, location, suffix.labels);
                }
                if last {
                    break;
                }
                at += before - rest.len();
            }
        }
    }

    /// The place of a name among the names; the octets are compared, so that a collision of hashes
    /// is no hit.
    #[inline]
    pub fn find(&self, suffix: &Suffix<'_>) -> Option<u32> {
        let names = self.section(1);
        table::find(self.section(0), self.probes, suffix.hash, |place| {
            let place = place as usize;
            names.get(place..place + suffix.wire.len()) == Some(suffix.wire)
        })
    }

    pub(super) fn hit(&self, attributes: &Attributes, location: EntryLocation) -> Option<ListHit> {
        let file = self.files.get(usize::from(attributes.source))?;
        // What takes a block back, or is no block, reads as an exception.
        let blocks = attributes.flags & ALLOW == 0 && self.effect(attributes).0 == Effect::Decides;
        Some(ListHit {
            list: usize::from(file.list),
            line: attributes.line,
            file: file.index,
            action: if blocks { Action::Block } else { Action::Allow },
            important: attributes.flags & IMPORTANT != 0,
            is_typed: attributes.limits != 0
                && self.limits(attributes.limits).is_some_and(names_types),
            location,
        })
    }

    pub(super) fn applies(
        &self,
        attributes: &Attributes,
        hashed: &HashedName,
        kind: Option<RecordType>,
    ) -> bool {
        attributes.limits == 0
            || self
                .limits(attributes.limits)
                .is_some_and(|octets| limits_apply(octets, hashed, kind))
    }

    #[inline]
    pub(super) fn effect(&self, attributes: &Attributes) -> (Effect, Rewrite) {
        match attributes.limits {
            0 => Default::default(),
            place => self.limits(place).and_then(effect_of).unwrap_or_default(),
        }
    }

    pub(super) fn read_limits(&self, attributes: &Attributes) -> Option<Limits> {
        match attributes.limits {
            0 => None,
            place => self.limits(place).and_then(read_limits),
        }
    }

    pub(super) fn limits(&self, place: u32) -> Option<&[u8]> {
        self.section(2).get(place as usize..)
    }

    #[inline]
    fn section(&self, index: usize) -> &[u8] {
        self.octets.get(self.sections[index].clone()).unwrap_or_default()
    }
}
