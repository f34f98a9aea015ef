//! Views of the records in an answer.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::compress::full_len;
use crate::compressed_name::read_name;
use crate::encode::Encoded;
use crate::header::{HEADER, RECORD, u16_at, u32_at};
use crate::name::Name;
use crate::rdata::{Field, IPV4_HINT, IPV6_HINT, expand, fields, is_compressed, parameter};
use crate::section::Section;
use crate::types::RecordType;

/// One record of an answer. Its class is IN.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it stands.
    pub section: Section,
    /// Its type.
    pub kind: RecordType,
    /// Seconds that it may be kept, counted from when the answer was read.
    pub ttl: u32,
    message: &'a [u8],
    owner_at: usize,
    data_at: usize,
    data_end: usize,
}

impl<'a> Record<'a> {
    /// The records of a stored message. Costs a few reads per record; names are read on demand.
    #[inline]
    pub(crate) fn all(encoded: &'a Encoded, question: usize) -> impl Iterator<Item = Self> {
        let message = &*encoded.message;
        let mut owner_at = HEADER + question + 4;
        encoded.ttls.iter().enumerate().map(move |(index, &ttl_at)| {
            let frame = usize::from(ttl_at) - 4;
            let data_at = frame + RECORD;
            let answer = index < usize::from(encoded.answers);
            let record = Self {
                section: if answer { Section::Answer } else { Section::Authority },
                kind: RecordType(u16_at(message, frame).unwrap_or(0)),
                ttl: u32_at(message, frame + 4).unwrap_or(0),
                message,
                owner_at,
                data_at,
                data_end: data_at + usize::from(u16_at(message, frame + 8).unwrap_or(0)),
            };
            owner_at = record.data_end;
            record
        })
    }

    /// The name that the record belongs to.
    #[must_use]
    pub fn owner(&self) -> Name {
        self.name_at(self.owner_at)
    }

    /// The data, with its names in full.
    #[must_use]
    pub fn data(&self) -> Cow<'a, [u8]> {
        if !is_compressed(self.kind) {
            return Cow::Borrowed(self.stored());
        }
        let mut data = Vec::new();
        // The data was checked when it was stored, so it expands.
        let _ = expand(self.message, self.data_at, self.data_end, self.kind, &mut data);
        Cow::Owned(data)
    }

    /// The data in the form that is signed: with names in full and, for the types that RFC 4034
    /// section 6.2 lists, in lower case; not the next name of NSEC (RFC 6840 section 5.1).
    #[must_use]
    pub fn canonical_data(&self) -> Vec<u8> {
        let mut data = self.data().into_owned();
        lower_names(self.kind, &mut data);
        data
    }

    /// The name that the record leads to: of CNAME and DNAME, and of SVCB and HTTPS where they name
    /// another host than their owner (RFC 9460 section 2.5).
    #[inline]
    #[must_use]
    pub fn target(&self) -> Option<Name> {
        let at = match self.kind {
            RecordType::CNAME | RecordType::DNAME => self.data_at,
            RecordType::SVCB | RecordType::HTTPS => self.data_at + 2,
            _ => return None,
        };
        let name = self.name_at(at);
        let itself = at != self.data_at && name.is_root();
        (!itself).then_some(name)
    }

    /// The address in an A or AAAA record.
    #[inline]
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.kind {
            RecordType::A => self.stored().first_chunk().map(|four| ipv4(*four)),
            RecordType::AAAA => self.stored().first_chunk().map(|sixteen| ipv6(*sixteen)),
            _ => None,
        }
    }

    /// The addresses in the ipv4hint and ipv6hint of SVCB and HTTPS (RFC 9460 section 7.3).
    pub fn hints(&self) -> impl Iterator<Item = IpAddr> + 'a {
        let mut rest = self.parameters();
        std::iter::from_fn(move || {
            let (key, value) = parameter(rest, 0)?;
            rest = &rest[4 + value.len()..];
            Some((key, value))
        })
        .flat_map(|(key, value)| {
            let v4 = if key == IPV4_HINT { value } else { &[] };
            let v6 = if key == IPV6_HINT { value } else { &[] };
            let v4 = v4.chunks_exact(4).filter_map(|four| four.first_chunk().map(|a| ipv4(*a)));
            let v6 = v6.chunks_exact(16).filter_map(|all| all.first_chunk().map(|a| ipv6(*a)));
            v4.chain(v6)
        })
    }

    fn parameters(&self) -> &'a [u8] {
        if !matches!(self.kind, RecordType::SVCB | RecordType::HTTPS) {
            return &[];
        }
        let behind = read_name(self.message, self.data_at + 2).map_or(self.data_end, |(_, at)| at);
        &self.message[behind..self.data_end]
    }

    /// The data as it is stored: names in it may be compressed.
    #[inline]
    #[must_use]
    pub fn stored(&self) -> &'a [u8] {
        &self.message[self.data_at..self.data_end]
    }

    /// A name of the stored message; all of them were written here, so the fallback never occurs.
    fn name_at(&self, at: usize) -> Name {
        read_name(self.message, at).map_or(Name::ROOT, |(name, _)| name)
    }
}

/// Lowers the names in data that holds them in full.
fn lower_names(kind: RecordType, data: &mut [u8]) {
    if matches!(kind, RecordType::NSEC | RecordType::SVCB | RecordType::HTTPS) {
        return;
    }
    let mut at = 0;
    for field in fields(kind) {
        let rest = &data[at.min(data.len())..];
        let first = rest.first().map_or(0, |&len| usize::from(len));
        at += match field {
            Field::Octets(count) => *count,
            Field::Text => 1 + first,
            Field::Name | Field::PlainName => {
                let len = full_len(rest);
                data[at..at + len].make_ascii_lowercase();
                len
            }
            // Nothing behind them is a name.
            Field::Texts | Field::Parameters | Field::Rest => return,
        };
    }
}

fn ipv4(octets: [u8; 4]) -> IpAddr {
    Ipv4Addr::from(octets).into()
}

fn ipv6(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(octets).into()
}
