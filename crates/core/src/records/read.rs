//! From record documents to owners with their record sets, everything checked.

use keyhole_names::NameMap;
use keyhole_wire::{Name, RecordType};

use crate::document::{RecordDataDocument, RecordDocument};
use crate::faults::Faults;

/// The longest TTL of a local record in seconds: one week.
const MAX_TTL: u32 = 604_800;
/// The most octets in one character string (RFC 1035 section 3.3).
const MAX_STRING: usize = 255;
/// The most octets of TXT data in one record that still leaves room for the rest of an answer.
const MAX_TXT: usize = 16_384;

/// A name that has records.
pub(super) struct Owner {
    pub(super) name: Name,
    pub(super) data: Data,
    /// Where its first record was declared.
    pub(super) origin: String,
    /// The place of its first record in the snapshot.
    pub(super) path: String,
}

/// What an owner has: a CNAME stands alone (RFC 1034 section 3.6.2).
#[expect(clippy::large_enum_variant, reason = "few, and read in place")]
pub(super) enum Data {
    Sets(Vec<RecordSet>),
    Alias { target: Name, ttl: u32 },
}

/// All records of one type that an owner has.
pub(super) struct RecordSet {
    pub(super) kind: RecordType,
    pub(super) ttl: u32,
    pub(super) data: Vec<Vec<u8>>,
}

impl Owner {
    /// Whether the name is `*.` and something (RFC 4592 section 2.1.1).
    pub(super) fn is_wildcard(&self) -> bool {
        self.name.labels().next() == Some(b"*")
    }

    /// The closest name of which all below is answered here: the parent of a wildcard, or the
    /// owner itself.
    pub(super) fn local_from(&self) -> Name {
        let below = self.is_wildcard().then(|| self.name.as_wire().get(2..)).flatten();
        below.and_then(|wire| Name::from_wire(wire).ok()).unwrap_or(self.name)
    }

    /// Seconds for which it may be remembered that the owner lacks a type.
    pub(super) fn negative_ttl(&self) -> u32 {
        match &self.data {
            Data::Sets(sets) => sets.iter().map(|set| set.ttl).min().unwrap_or(0),
            Data::Alias { ttl, .. } => *ttl,
        }
    }
}

/// Reads the records of a set; what is wrong goes into `faults`.
pub(super) fn read(
    documents: &[RecordDocument],
    set: &[usize],
    path: &str,
    faults: &mut Faults,
) -> NameMap<Owner> {
    let mut owners = NameMap::default();
    for (index, document) in set.iter().filter_map(|&index| Some((index, documents.get(index)?))) {
        let path = format!("{path}[{index}]");
        if let Err((part, why)) = read_one(document, &path, &mut owners) {
            faults.add(format!("{path}.{part}"), format!("{why} ({})", document.origin));
        }
    }
    owners
}

fn read_one(
    document: &RecordDocument,
    path: &str,
    owners: &mut NameMap<Owner>,
) -> Result<(), (&'static str, String)> {
    let name = keyhole_names::read_name(&document.name)
        .map_err(|error| ("name", format!("{:?}: {error}", document.name)))?;
    if document.ttl > MAX_TTL {
        return Err(("ttl", format!("{} s is longer than a week ({MAX_TTL} s)", document.ttl)));
    }
    let target = |text: &str| {
        keyhole_names::read_name(text).map_err(|error| ("data", format!("{text:?}: {error}")))
    };
    let owner = owners.entry(&name, || Owner {
        name: name.to_lower(),
        data: Data::Sets(Vec::new()),
        origin: document.origin.clone(),
        path: path.to_owned(),
    });
    let (kind, data) = match &document.data {
        RecordDataDocument::Cname(text) => {
            return owner.alias(target(text)?, document.ttl).map_err(|why| ("data", why));
        }
        RecordDataDocument::A(address) => (RecordType::A, address.octets().to_vec()),
        RecordDataDocument::Aaaa(address) => (RecordType::AAAA, address.octets().to_vec()),
        RecordDataDocument::Ptr(text) => (RecordType::PTR, target(text)?.as_wire().to_vec()),
        RecordDataDocument::Txt(strings) => {
            (RecordType::TXT, txt(strings).map_err(|why| ("data", why))?)
        }
    };
    owner.push(kind, document.ttl, data).map_err(|why| ("data", why))
}

impl Owner {
    fn alias(&mut self, target: Name, ttl: u32) -> Result<(), String> {
        match &self.data {
            Data::Sets(sets) if sets.is_empty() => {
                self.data = Data::Alias { target, ttl };
                Ok(())
            }
            Data::Sets(_) => Err(self.stands_alone()),
            Data::Alias { target: other, .. } if *other == target => Ok(()),
            Data::Alias { target: other, .. } => Err(format!(
                "{} already is an alias of {other} (declared at {}) and can have only one target",
                self.name, self.origin
            )),
        }
    }

    fn push(&mut self, kind: RecordType, ttl: u32, data: Vec<u8>) -> Result<(), String> {
        let Data::Sets(sets) = &mut self.data else {
            return Err(self.stands_alone());
        };
        let Some(set) = sets.iter_mut().find(|set| set.kind == kind) else {
            sets.push(RecordSet { kind, ttl, data: vec![data] });
            return Ok(());
        };
        // One set has one TTL (RFC 2181 section 5.2) and no record twice (section 5).
        set.ttl = set.ttl.min(ttl);
        if !set.data.contains(&data) {
            set.data.push(data);
        }
        Ok(())
    }

    fn stands_alone(&self) -> String {
        format!(
            "{} has a CNAME and other records (first declared at {}); a CNAME stands alone \
             (RFC 1034 section 3.6.2)",
            self.name, self.origin
        )
    }
}

fn txt(strings: &[String]) -> Result<Vec<u8>, String> {
    if strings.is_empty() {
        return Err("a TXT record needs at least one string".to_owned());
    }
    let mut data = Vec::new();
    for string in strings {
        let len = u8::try_from(string.len()).map_err(|_| {
            format!("a string of {} octets; at most {MAX_STRING} fit, so split it", string.len())
        })?;
        data.push(len);
        data.extend_from_slice(string.as_bytes());
    }
    if data.len() > MAX_TXT {
        return Err(format!("{} octets of text; at most {MAX_TXT} fit in one answer", data.len()));
    }
    Ok(data)
}
