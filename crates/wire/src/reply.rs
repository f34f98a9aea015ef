//! The single writer of replies. [`write_answer`] is the hot path: one copy and a few patches.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 2181 section 9 | TC where the records do not fit; no half answers |
//! | RFC 6891 section 6.1.1, 7 | OPT where the query had one, and only there; it counts in the size |
//! | RFC 7828, 7873, 8914 | keepalive, cookie, extended error |
//! | RFC 7830, RFC 8467 section 4.1 | padding, within the limit, for who padded |
//! | RFC 8767 section 4 | TTLs of stale records |

use crate::answer::Answer;
use crate::edns::MIN_UDP_OCTETS;
use crate::header::{AA, AD, CD, HEADER, Header, IN, QR, RA, RD, TC};
use crate::opt;
use crate::query::Query;
use crate::reply_opt::{ReplyEdns, write_opt_record};
use crate::types::Rcode;

/// How a reply must look for one client on one transport.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The query that is answered: id, RD, CD, the case of the name, DO and padding.
    pub query: &'a Query,
    /// The most octets of the reply: what UDP allows, or 65,535 on a stream. Below 512 means 512.
    pub limit: usize,
    /// The most octets of a reply that is made here ([`crate::write_synthetic`]); none for `limit`
    /// alone. To keep to it the text of the extended error goes, then its code, then the SOA
    /// record, then all but TC.
    pub made_limit: Option<usize>,
    /// Seconds since the answer was read, which are taken off its TTLs.
    pub age: u32,
    /// For a stale answer: the TTL of records that have run out, and the most for the others
    /// (30 seconds, RFC 8767 section 4).
    pub ttl_cap: Option<u32>,
    /// RA: recursion is offered to this client.
    pub recursion_available: bool,
    /// What an OPT record is to say. It is written only if the query had one.
    pub edns: Option<ReplyEdns<'a>>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Seconds for which the reply may be kept: its smallest TTL (RFC 8484 section 5.1).
    pub ttl: u32,
    /// TC is set: question and OPT are all that fitted.
    pub truncated: bool,
}

/// Appends the reply that carries `answer` to `out`. Allocates nothing but the room in `out`.
///
/// The answer must be one to the query's question; for another name the reply is SERVFAIL.
#[inline]
pub fn write_answer(answer: &Answer, shape: &Shape<'_>, out: &mut Vec<u8>) -> Written {
    let query = shape.query;
    let stored = answer.form(query.edns.is_some_and(|edns| edns.dnssec_ok));
    let name = query.name.as_wire();
    if name.len() != usize::from(answer.name_len) {
        return write_empty(Rcode::SERVFAIL, shape, out);
    }
    let has_opt = opt_of(shape).is_some();
    if !has_opt && answer.rcode.0 > 0x0f {
        // A code that needs OPT cannot be sent without it (RFC 6891 section 6.1.3).
        return write_empty(Rcode::SERVFAIL, shape, out);
    }
    if stored.message.len() + opt_octets(shape) > limit(shape) {
        return match leaner(shape, stored.message.len()) {
            Some(shape) => write_answer(answer, &shape, out),
            None => write_truncated(answer.rcode, shape, out),
        };
    }
    let mut extra = if answer.authoritative { AA } else { 0 };
    // RFC 6840 section 5.8: AD only for who shows that he understands it.
    if answer.authentic && (query.authentic_data || query.edns.is_some_and(|edns| edns.dnssec_ok)) {
        extra |= AD;
    }
    let start = out.len();
    out.extend_from_slice(&stored.message);
    let message = &mut out[start..];
    message[..2].copy_from_slice(&query.id.to_be_bytes());
    message[2..4].copy_from_slice(&flags(shape, answer.rcode, extra).to_be_bytes());
    message[11] = u8::from(has_opt);
    message[HEADER..HEADER + name.len()].copy_from_slice(name);
    if shape.age != 0 || shape.ttl_cap.is_some() {
        patch_ttls(message, &stored.ttls, shape);
    }
    write_opt(start, answer.rcode, shape, out);
    Written { ttl: remaining(answer.ttl, shape), truncated: false }
}

#[inline]
fn patch_ttls(message: &mut [u8], ttls: &[u16], shape: &Shape<'_>) {
    for &at in ttls {
        let at = usize::from(at);
        if let Some(field) = message.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *field = remaining(u32::from_be_bytes(*field), shape).to_be_bytes();
        }
    }
}

/// What is left of a TTL (RFC 8767 section 4 for stale answers).
#[inline]
fn remaining(ttl: u32, shape: &Shape<'_>) -> u32 {
    let left = ttl.saturating_sub(shape.age);
    match shape.ttl_cap {
        Some(cap) if left == 0 || left > cap => cap,
        _ => left,
    }
}

/// The flags of a reply; RD and CD repeat the query's (RFC 4035 section 3.2.2).
#[inline]
pub(crate) fn flags(shape: &Shape<'_>, rcode: Rcode, extra: u16) -> u16 {
    let query = shape.query;
    let mut flags = QR | extra | (rcode.0 & 0x0f);
    flags |= if query.recursion_desired { RD } else { 0 };
    flags |= if query.checking_disabled { CD } else { 0 };
    flags | if shape.recursion_available { RA } else { 0 }
}

#[inline]
pub(crate) fn limit(shape: &Shape<'_>) -> usize {
    shape.limit.clamp(usize::from(MIN_UDP_OCTETS), usize::from(u16::MAX))
}

/// The same for a reply that is made here.
#[inline]
pub(crate) fn limit_of_made(shape: &Shape<'_>) -> usize {
    limit(shape).min(shape.made_limit.unwrap_or(usize::MAX))
}

/// The OPT record to write: never to a client that sent none (RFC 6891 section 6.1.1).
#[inline]
fn opt_of<'a>(shape: &Shape<'a>) -> Option<ReplyEdns<'a>> {
    shape.query.edns.and(shape.edns)
}

/// Octets that the OPT record needs, without what may be left out.
#[inline]
fn opt_octets(shape: &Shape<'_>) -> usize {
    let Some(edns) = opt_of(shape) else {
        return 0;
    };
    let cookie = edns.cookie.map_or(0, |data| opt::OPTION + data.len());
    let keepalive = if edns.keepalive.is_some() { opt::OPTION + 2 } else { 0 };
    let error = if edns.extended_error.is_some() { opt::OPTION + 2 } else { 0 };
    opt::OPT + cookie + keepalive + error
}

/// How a reply on a stream can be whole where its OPT record does not fit: without options, or
/// without the record. To come back over a stream, as TC says, would lead here again.
#[cold]
fn leaner<'a>(shape: &Shape<'a>, octets: usize) -> Option<Shape<'a>> {
    let whole = usize::from(u16::MAX);
    let edns = opt_of(shape).filter(|_| limit(shape) == whole && octets <= whole)?;
    let bare = ReplyEdns { extended_error: None, keepalive: None, cookie: None, ..edns };
    Some(Shape { edns: (octets + opt::OPT <= whole).then_some(bare), ..*shape })
}

/// Begins a reply with header and question; gives where it starts.
#[inline]
pub(crate) fn write_head(flags: u16, counts: [u16; 2], shape: &Shape<'_>, out: &mut Vec<u8>) {
    let query = shape.query;
    let [answers, authorities] = counts;
    let additionals = u16::from(opt_of(shape).is_some());
    let header = Header { id: query.id, flags, questions: 1, answers, authorities, additionals };
    out.extend_from_slice(&header.octets());
    out.extend_from_slice(query.name.as_wire());
    let [k0, k1] = query.kind.0.to_be_bytes();
    let [c0, c1] = IN.to_be_bytes();
    out.extend_from_slice(&[k0, k1, c0, c1]);
}

/// Question and OPT alone.
#[cold]
fn write_empty(rcode: Rcode, shape: &Shape<'_>, out: &mut Vec<u8>) -> Written {
    let start = out.len();
    write_head(flags(shape, rcode, 0), [0, 0], shape, out);
    write_opt(start, rcode, shape, out);
    Written { ttl: 0, truncated: false }
}

/// Appends question and OPT alone, with TC: the client comes back over a stream (RFC 7766 section 5).
#[cold]
pub fn write_truncated(rcode: Rcode, shape: &Shape<'_>, out: &mut Vec<u8>) -> Written {
    let start = out.len();
    write_head(flags(shape, rcode, TC), [0, 0], shape, out);
    write_opt(start, rcode, shape, out);
    Written { ttl: 0, truncated: true }
}

/// Ends the reply that begins at `start` with its OPT record, where it has one.
#[inline]
pub(crate) fn write_opt(start: usize, rcode: Rcode, shape: &Shape<'_>, out: &mut Vec<u8>) {
    if let Some((asked, edns)) = shape.query.edns.as_ref().zip(opt_of(shape)) {
        write_opt_record(start, rcode, asked, &edns, limit_of_made(shape), out);
    }
}
