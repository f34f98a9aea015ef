//! Names inside a message, which may end in a compression pointer (RFC 1035 section 4.1.4).

use crate::header::{HEADER, RECORD, u16_at, u32_at};
use crate::name::{MAX_NAME, Name};
use crate::parse_error::ParseError;

/// The most pointers that one name may go through. Every honest pointer stands behind at least one
/// label, and a name has at most 127 of them (RFC 9267 section 2).
const MAX_HOPS: usize = 127;

/// Reads the name at `at`; gives it and the offset behind it.
///
/// A pointer must lead to an earlier place than the labels that it continues, and never into the
/// header: so a loop is impossible and the cost is bounded by the two limits (RFC 9267 section 2).
#[inline]
pub(crate) fn read_name(message: &[u8], at: usize) -> Result<(Name, usize), ParseError> {
    let mut name = Name::ROOT;
    let mut len = 0;
    let mut start = at;
    let mut behind = None;
    for _ in 0..=MAX_HOPS {
        let stop = skip_labels(message, start)?;
        let run = &message[start..stop];
        // One octet stays free for the root label.
        if len + run.len() >= MAX_NAME {
            return Err(ParseError::BadName);
        }
        name.octets[len..len + run.len()].copy_from_slice(run);
        len += run.len();
        if message[stop] == 0 {
            name.octets[len] = 0;
            name.len = (len + 1) as u8;
            return Ok((name, behind.unwrap_or(stop + 1)));
        }
        let target = usize::from(u16_at(message, stop).ok_or(ParseError::Truncated)? & 0x3fff);
        if target >= start || target < HEADER {
            return Err(ParseError::BadPointer);
        }
        behind.get_or_insert(stop + 2);
        start = target;
    }
    Err(ParseError::BadPointer)
}

/// The offset behind the name at `at`, which must not be compressed: the first name of a message
/// has nothing before it that a pointer could lead to.
#[inline]
pub(crate) fn skip_plain_name(message: &[u8], at: usize) -> Result<usize, ParseError> {
    let stop = skip_labels(message, at)?;
    if message[stop] == 0 { Ok(stop + 1) } else { Err(ParseError::BadPointer) }
}

/// The offset behind a name of which only the form of its labels counts: it may be too long, or end
/// in a pointer to anywhere. For looking behind what is wrong.
#[cold]
pub(crate) fn skip_any_name(message: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            len @ 1..=63 => at += 1 + usize::from(len),
            _ => return None,
        }
    }
}

/// Takes over a name that [`skip_plain_name`] has measured.
#[inline]
pub(crate) fn copy_name(wire: &[u8]) -> Name {
    let mut name = Name::ROOT;
    name.octets[..wire.len()].copy_from_slice(wire);
    name.len = wire.len() as u8;
    name
}

/// The offset of the root label or pointer that ends the labels at `at`.
#[inline]
fn skip_labels(message: &[u8], at: usize) -> Result<usize, ParseError> {
    let mut stop = at;
    loop {
        let &len = message.get(stop).ok_or(ParseError::Truncated)?;
        match len {
            0 | 0xc0.. => return Ok(stop),
            1..=63 => stop += 1 + usize::from(len),
            // Extended label types are not in use (RFC 6891 section 5).
            _ => return Err(ParseError::BadName),
        }
        if stop - at >= MAX_NAME {
            return Err(ParseError::BadName);
        }
    }
}

/// The fixed fields of a record and where its data lies.
pub(crate) struct Frame {
    pub(crate) kind: u16,
    pub(crate) class: u16,
    pub(crate) ttl: u32,
    /// Offset of the data.
    pub(crate) at: usize,
    /// Offset behind the data; lies within the message.
    pub(crate) end: usize,
}

/// Reads what stands behind the owner of a record.
#[inline]
pub(crate) fn read_frame(message: &[u8], at: usize) -> Option<Frame> {
    let frame = Frame {
        kind: u16_at(message, at)?,
        class: u16_at(message, at + 2)?,
        ttl: u32_at(message, at + 4)?,
        at: at + RECORD,
        end: at + RECORD + usize::from(u16_at(message, at + 8)?),
    };
    (frame.end <= message.len()).then_some(frame)
}
