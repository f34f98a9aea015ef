//! Writing OPT records (RFC 6891 section 6.1).

use crate::edns::DNSSEC_OK;
use crate::header::RECORD;
use crate::types::{Rcode, RecordType};

/// Octets of an OPT record without options.
pub(crate) const OPT: usize = 1 + RECORD;
/// Octets before the data of an option.
pub(crate) const OPTION: usize = 4;

/// Where the length of an OPT record under construction stands.
pub(crate) struct Open {
    length_at: usize,
}

/// Begins an OPT record of version 0.
#[inline]
pub(crate) fn begin(octets: u16, rcode: Rcode, dnssec_ok: bool, out: &mut Vec<u8>) -> Open {
    let [k0, k1] = RecordType::OPT.0.to_be_bytes();
    let [s0, s1] = octets.to_be_bytes();
    let flags = if dnssec_ok { DNSSEC_OK } else { 0 };
    let [f0, f1] = (flags as u16).to_be_bytes();
    // The upper eight bits of the response code (RFC 6891 section 6.1.3).
    let upper = (rcode.0 >> 4) as u8;
    out.extend_from_slice(&[0, k0, k1, s0, s1, upper, 0, f0, f1, 0, 0]);
    Open { length_at: out.len() - 2 }
}

/// Appends one option whose data comes in pieces.
#[inline]
pub(crate) fn push(code: u16, pieces: &[&[u8]], out: &mut Vec<u8>) {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let [c0, c1] = code.to_be_bytes();
    let [l0, l1] = (len as u16).to_be_bytes();
    out.extend_from_slice(&[c0, c1, l0, l1]);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Closes the record.
#[inline]
pub(crate) fn end(open: Open, out: &mut [u8]) {
    let len = (out.len() - open.length_at - 2) as u16;
    out[open.length_at..open.length_at + 2].copy_from_slice(&len.to_be_bytes());
}

/// The first `most` octets of a text, ending at a character.
#[inline]
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
