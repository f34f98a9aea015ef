//! Where names stand in the data of records, and whether the data fits its type.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 1035 section 3.3 | the types whose names may be compressed |
//! | RFC 3597 section 4 | later types: pointers are understood on receipt and never written |
//! | RFC 9460 section 2.2 | service parameters: ascending keys, lengths that fit |

use crate::compressed_name::read_name;
use crate::header::u16_at;
use crate::parse_error::AnswerError;
use crate::types::RecordType;

/// One part of a record's data.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    /// So many octets.
    Octets(usize),
    /// A name that is compressed when written.
    Name,
    /// A name that is written in full.
    PlainName,
    /// One length octet and as many octets (RFC 1035 section 3.3).
    Text,
    /// One or more texts up to the end.
    Texts,
    /// Service parameters up to the end (RFC 9460).
    Parameters,
    /// Anything up to the end.
    Rest,
}

/// The parts of a type's data, from first to last.
#[inline]
pub(crate) fn fields(kind: RecordType) -> &'static [Field] {
    use Field::{Name, Octets, Parameters, PlainName, Rest, Text, Texts};
    match kind {
        RecordType::A => &[Octets(4)],
        RecordType::AAAA => &[Octets(16)],
        RecordType::NS | RecordType::CNAME | RecordType::PTR => &[Name],
        RecordType::MD | RecordType::MF => &[Name],
        RecordType::MB | RecordType::MG | RecordType::MR => &[Name],
        RecordType::SOA => &[Name, Name, Octets(20)],
        RecordType::MINFO => &[Name, Name],
        RecordType::MX => &[Octets(2), Name],
        RecordType::HINFO => &[Text, Text],
        RecordType::TXT => &[Texts],
        RecordType::DNAME => &[PlainName],
        RecordType::RP => &[PlainName, PlainName],
        RecordType::AFSDB | RecordType::RT | RecordType::KX => &[Octets(2), PlainName],
        RecordType::PX => &[Octets(2), PlainName, PlainName],
        RecordType::SRV => &[Octets(6), PlainName],
        RecordType::NAPTR => &[Octets(4), Text, Text, Text, PlainName],
        RecordType::SIG | RecordType::RRSIG => &[Octets(18), PlainName, Rest],
        RecordType::NXT | RecordType::NSEC => &[PlainName, Rest],
        RecordType::SVCB | RecordType::HTTPS => &[Octets(2), PlainName, Parameters],
        _ => &[Rest],
    }
}

/// Whether the type's data holds a name that is compressed when written.
#[inline]
pub(crate) fn is_compressed(kind: RecordType) -> bool {
    fields(kind).iter().any(|field| matches!(field, Field::Name))
}

/// Appends the data at `message[at..end]` to `out` with its names in full, and checks that it fits
/// its type exactly.
pub(crate) fn expand(
    message: &[u8],
    at: usize,
    end: usize,
    kind: RecordType,
    out: &mut Vec<u8>,
) -> Result<(), AnswerError> {
    let bounded = &message[..end];
    let mut at = at;
    for field in fields(kind) {
        let rest = bounded.get(at..).ok_or(AnswerError::BadData)?;
        let used = match field {
            Field::Name | Field::PlainName => {
                let (name, behind) = read_name(bounded, at).map_err(|_| AnswerError::BadData)?;
                out.extend_from_slice(name.as_wire());
                at = behind;
                continue;
            }
            Field::Octets(count) => *count,
            Field::Text => text(rest)?,
            Field::Texts => texts(rest)?,
            Field::Parameters => parameters(rest)?,
            Field::Rest => rest.len(),
        };
        out.extend_from_slice(rest.get(..used).ok_or(AnswerError::BadData)?);
        at += used;
    }
    if at == end { Ok(()) } else { Err(AnswerError::BadData) }
}

fn text(rest: &[u8]) -> Result<usize, AnswerError> {
    rest.first().map(|&len| 1 + usize::from(len)).ok_or(AnswerError::BadData)
}

fn texts(rest: &[u8]) -> Result<usize, AnswerError> {
    let mut at = text(rest)?;
    while at < rest.len() {
        at += text(&rest[at..])?;
    }
    Ok(at)
}

fn parameters(rest: &[u8]) -> Result<usize, AnswerError> {
    let mut at = 0;
    let mut last = None;
    while at < rest.len() {
        let (key, value) = parameter(rest, at).ok_or(AnswerError::BadData)?;
        if last.is_some_and(|last| key <= last) || !is_hint_whole(key, value) {
            return Err(AnswerError::BadData);
        }
        last = Some(key);
        at += 4 + value.len();
    }
    Ok(at)
}

/// The service parameter at an offset: its key and its value.
#[inline]
pub(crate) fn parameter(rest: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let (key, len) = (u16_at(rest, at)?, u16_at(rest, at + 2)?);
    Some((key, rest.get(at + 4..at + 4 + usize::from(len))?))
}

/// The key that lists those which a client must understand (RFC 9460 section 8).
pub(crate) const MANDATORY: u16 = 0;
/// The keys of the two address hints (RFC 9460 section 7.3).
pub(crate) const IPV4_HINT: u16 = 4;
pub(crate) const IPV6_HINT: u16 = 6;

/// Hints hold one address or more, all of them whole.
fn is_hint_whole(key: u16, value: &[u8]) -> bool {
    match key {
        IPV4_HINT => !value.is_empty() && value.len().is_multiple_of(4),
        IPV6_HINT => !value.is_empty() && value.len().is_multiple_of(16),
        _ => true,
    }
}
