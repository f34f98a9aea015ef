//! The entries of all lists on their way into one file.

use std::collections::{HashMap, HashSet};

use keyhole_names::list_file::{
    Attributes, HEADER, Header, Limits, Pattern, SECTIONS, SourceList, Sources, build_table,
    wire_len, write_limits,
};
use keyhole_names::{Error, hash_wire, is_address_name};

use crate::report::ListReport;
use crate::skip_reason::SkipReason;

/// The most entries of one list for one name; more only make each look-up slower.
const MAX_PER_NAME: usize = 16;

/// One entry with a name.
struct Row {
    hash: u64,
    /// Where the name starts in `names`.
    name: usize,
    list: u16,
    attributes: Attributes,
}

/// Collects entries and writes the file.
pub(crate) struct FileBuilder {
    hash: fn(&[u8]) -> u64,
    rows: Vec<Row>,
    /// The wire form of the name of each row.
    names: Vec<u8>,
    limits: Vec<u8>,
    limits_seen: HashMap<Vec<u8>, u32>,
    patterns: Vec<u8>,
    patterns_seen: HashSet<(usize, Vec<u8>)>,
    has_addresses: bool,
}

impl Default for FileBuilder {
    fn default() -> Self {
        Self {
            hash: hash_wire,
            rows: Vec::new(),
            names: Vec::new(),
            // One octet in front, so that no limits are at 0.
            limits: vec![0],
            limits_seen: HashMap::new(),
            patterns: Vec::new(),
            patterns_seen: HashSet::new(),
            has_addresses: false,
        }
    }
}

impl FileBuilder {
    /// Stores limits once and gives their place; 0 for none.
    pub(crate) fn limits(&mut self, limits: &Limits) -> u32 {
        if limits.is_empty() {
            return 0;
        }
        let octets = write_limits(limits);
        // `finish` refuses a section that outgrows its offsets.
        let place = self.limits.len() as u32;
        if let Some(&known) = self.limits_seen.get(&octets) {
            return known;
        }
        self.limits.extend_from_slice(&octets);
        self.limits_seen.insert(octets, place);
        place
    }

    /// Adds an entry with a name in lower-case wire form.
    pub(crate) fn add_name(&mut self, list: usize, wire: &[u8], attributes: Attributes) {
        // There are at most 1,024 lists.
        let list = list as u16;
        self.rows.push(Row { hash: (self.hash)(wire), name: self.names.len(), list, attributes });
        self.names.extend_from_slice(wire);
        self.has_addresses |= is_address_name(wire);
    }

    /// Whether the list has this pattern already.
    pub(crate) fn has_pattern(
        &self,
        list: usize,
        pattern: &Pattern,
        attributes: &Attributes,
    ) -> bool {
        self.patterns_seen.contains(&(list, pattern_octets(pattern, attributes)))
    }

    /// Adds a pattern: what it means, then where it stands.
    pub(crate) fn add_pattern(&mut self, list: usize, pattern: &Pattern, attributes: Attributes) {
        let octets = pattern_octets(pattern, &attributes);
        attributes.write(true, &mut self.patterns);
        self.patterns.extend_from_slice(&octets[PATTERN_ATTRIBUTES..]);
        self.patterns_seen.insert((list, octets));
    }

    /// Writes the file and counts what each list has in it. Gives the octets and the number of
    /// distinct names.
    pub(crate) fn finish(mut self, reports: &mut [ListReport]) -> Result<(Vec<u8>, usize), Error> {
        let sources = Sources {
            lists: reports
                .iter()
                .map(|report| SourceList {
                    name: report.name.clone(),
                    files: report.files.iter().map(|file| file.path.clone()).collect(),
                })
                .collect(),
            addresses: self.has_addresses,
        };
        let sources = serde_json::to_vec(&sources)
            .map_err(|error| Error::invalid("request.lists", error.to_string()))?;
        let (names, places) = self.write_names(reports)?;
        let (table, probes) = build_table(&places);
        if u32::try_from(self.limits.len()).is_err() {
            return Err(too_large());
        }
        let parts = [&table, &names, &self.limits, &self.patterns, &sources];
        let mut sections = [const { 0..0 }; SECTIONS];
        let mut at = HEADER;
        for (section, part) in sections.iter_mut().zip(parts) {
            *section = at..at + part.len();
            at += part.len();
        }
        let header = Header { probes, names: places.len() as u64, sections };
        let mut file = Vec::with_capacity(at);
        file.extend_from_slice(&header.write(at));
        for part in parts {
            file.extend_from_slice(part);
        }
        Ok((file, places.len()))
    }

    /// Writes each name once with all that lists say about it; gives hash and place of each name.
    #[allow(clippy::type_complexity)]
    fn write_names(
        &mut self,
        reports: &mut [ListReport],
    ) -> Result<(Vec<u8>, Vec<(u64, u32)>), Error> {
        let names = &self.names;
        let wire = |row: &Row| {
            let rest = &names[row.name..];
            &rest[..wire_len(rest).unwrap_or(0)]
        };
        // Names of the same bucket come to lie together, and the entries of a name in the order of
        // the lists. The sort is stable: of entries that say the same, the first line comes first.
        self.rows.sort_by(|a, b| {
            (a.hash.cmp(&b.hash))
                .then_with(|| wire(a).cmp(wire(b)))
                .then_with(|| (a.list, a.attributes.flags).cmp(&(b.list, b.attributes.flags)))
                .then_with(|| a.attributes.limits.cmp(&b.attributes.limits))
        });
        // One octet in front, so that no name is at 0.
        let (mut out, mut places) = (vec![0], Vec::new());
        for group in self.rows.chunk_by(|a, b| a.hash == b.hash && wire(a) == wire(b)) {
            places.push((group[0].hash, u32::try_from(out.len()).map_err(|_| too_large())?));
            out.extend_from_slice(wire(&group[0]));
            let kept = distinct(group, reports, wire(&group[0]));
            for (index, attributes) in kept.iter().enumerate() {
                attributes.write(index + 1 == kept.len(), &mut out);
            }
        }
        Ok((out, places))
    }

    /// Makes every name have the hash that this function gives.
    #[cfg(test)]
    pub(crate) fn set_hash(&mut self, hash: fn(&[u8]) -> u64) {
        self.hash = hash;
    }
}

/// What the lists say about one name, each thing once for each list, with the counts of the report.
fn distinct(group: &[Row], reports: &mut [ListReport], wire: &[u8]) -> Vec<Attributes> {
    let mut kept: Vec<Attributes> = Vec::new();
    for rows in group.chunk_by(|a, b| a.list == b.list) {
        let report = &mut reports[usize::from(rows[0].list)];
        let says_same = |a: &Row, b: &Row| {
            (a.attributes.flags, a.attributes.limits) == (b.attributes.flags, b.attributes.limits)
        };
        for (index, same) in rows.chunk_by(says_same).enumerate() {
            let attributes = same[0].attributes;
            report.duplicates += same.len() - 1;
            if index < MAX_PER_NAME {
                report.taken += 1;
                kept.push(attributes);
            } else {
                let file = report.files.first().map_or("", |file| &file.path).to_owned();
                report.skipped.add(SkipReason::TooManyLimits, &file, attributes.line, wire);
            }
        }
    }
    kept
}

/// How many octets of [`pattern_octets`] say the same as the attributes.
const PATTERN_ATTRIBUTES: usize = 5;

/// What a pattern says, without where it stands: flags, limits, kind, length, text.
fn pattern_octets(pattern: &Pattern, attributes: &Attributes) -> Vec<u8> {
    let mut octets = vec![attributes.flags];
    octets.extend_from_slice(&attributes.limits.to_le_bytes());
    pattern.write(&mut octets);
    octets
}

fn too_large() -> Error {
    Error::invalid("request.lists", "the lists hold more than 4 GiB of names; use fewer lists")
}
