//! Replies that carry no upstream's answer: blocked names and failures. Allocates nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::header::{AA, HEADER, IN};
use crate::name::Name;
use crate::reply::{Shape, Written, flags, limit_of_made, write_head, write_opt, write_truncated};
use crate::types::{Rcode, RecordType};

/// What to reply instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthetic {
    /// The name does not exist; with a SOA record, so that it is cached (RFC 2308).
    Nxdomain,
    /// The name has no record of the type; with a SOA record.
    NoData,
    /// `0.0.0.0` for A, `::` for AAAA, and no data for other types.
    Null,
    /// This address for its type, A or AAAA, and no data for other types.
    Address(IpAddr),
    /// A response code alone: SERVFAIL, REFUSED and the like.
    Failure(Rcode),
    /// Nothing but TC: the client is to ask again over a stream (RFC 7766 section 5).
    Truncated,
}

impl Synthetic {
    /// REFUSED.
    pub const REFUSED: Self = Self::Failure(Rcode::REFUSED);
    /// SERVFAIL.
    pub const SERVFAIL: Self = Self::Failure(Rcode::SERVFAIL);
    /// FORMERR.
    pub const FORMERR: Self = Self::Failure(Rcode::FORMERR);
    /// NOTIMP.
    pub const NOTIMP: Self = Self::Failure(Rcode::NOTIMP);

    /// Whether it gives an address to a question for records of this type.
    #[inline]
    pub fn has_address(self, kind: RecordType) -> bool {
        address(self, kind).is_some()
    }
}

/// The server in the SOA record of an answer that belongs to no zone of ours. The name can never
/// exist (RFC 6761 section 6.4).
const NO_SERVER: &[u8] = b"\x07keyhole\x07invalid\x00";

/// What follows the server in the data of a SOA record made here: `nobody.invalid` (RFC 6303
/// section 3), serial 1, refresh 1 hour, retry 10 minutes, expire 1 day; the last four octets,
/// MINIMUM, are open.
const SOA_TAIL: [u8; 36] = *b"\x06nobody\x07invalid\x00\x00\x00\x00\x01\x00\x00\x0e\x10\
    \x00\x00\x02\x58\x00\x01\x51\x80\x00\x00\x00\x00";

/// A zone that is served here, by where its name begins in the name asked for: so many octets
/// behind the first one. 0 is the name itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneAt(pub u8);

/// Data of the SOA record of a zone that is served here: the zone is its own server (RFC 6303
/// section 3), and a negative answer may be kept for `ttl` seconds.
pub(crate) fn soa_data(zone: &Name, ttl: u32) -> Vec<u8> {
    let mut data = [zone.as_wire(), &SOA_TAIL].concat();
    let minimum = data.len() - 4;
    data[minimum..].copy_from_slice(&ttl.to_be_bytes());
    data
}

/// Appends the reply to `out`. `ttl` is how long, in seconds, it may be cached; failures are not
/// (their [`Written::ttl`] is 0). A code above 15 for a client without EDNS becomes SERVFAIL.
///
/// `zone` is the zone that the answer belongs to: the SOA record is its own (RFC 2308 section 3),
/// and AA is set. Without one, as for a blocked name, the SOA record stands at the name asked for.
#[inline]
pub fn write_synthetic(
    what: Synthetic,
    ttl: u32,
    zone: Option<ZoneAt>,
    shape: &Shape<'_>,
    out: &mut Vec<u8>,
) -> Written {
    let start = out.len();
    let rcode = code(what, shape);
    if what == Synthetic::Truncated {
        return write_truncated(rcode, shape, out);
    }
    let written = write_whole(what, ttl, zone, true, shape, out);
    if out.len() - start <= limit_of_made(shape) {
        return written;
    }
    // RFC 2308 section 2.1: an answer without SOA is negative, too; it only is not kept. Where it
    // would be larger than allowed, that is better than a second question over TCP.
    out.truncate(start);
    let written = write_whole(what, ttl, zone, false, shape, out);
    if out.len() - start <= limit_of_made(shape) {
        return written;
    }
    out.truncate(start);
    write_truncated(rcode, shape, out)
}

/// The reply without a look at its size, with a SOA record if it is negative and `has_soa`.
#[inline]
fn write_whole(
    what: Synthetic,
    ttl: u32,
    zone: Option<ZoneAt>,
    has_soa: bool,
    shape: &Shape<'_>,
    out: &mut Vec<u8>,
) -> Written {
    let start = out.len();
    let rcode = code(what, shape);
    let address = address(what, shape.query.kind);
    let soa = has_soa && address.is_none() && !matches!(what, Synthetic::Failure(_));
    let counts = [u16::from(address.is_some()), u16::from(soa)];
    let extra = if zone.is_some() { AA } else { 0 };
    write_head(flags(shape, rcode, extra), counts, shape, out);
    match address {
        Some(IpAddr::V4(ip)) => push(RecordType::A, ttl, &ip.octets(), out),
        Some(IpAddr::V6(ip)) => push(RecordType::AAAA, ttl, &ip.octets(), out),
        None if soa => push_soa(ttl, zone, out),
        None => {}
    }
    write_opt(start, rcode, shape, out);
    Written { ttl: if counts == [0, 0] { 0 } else { ttl }, truncated: false }
}

#[inline]
fn code(what: Synthetic, shape: &Shape<'_>) -> Rcode {
    match what {
        Synthetic::Nxdomain => Rcode::NXDOMAIN,
        Synthetic::NoData | Synthetic::Null | Synthetic::Address(_) | Synthetic::Truncated => {
            Rcode::NOERROR
        }
        Synthetic::Failure(rcode) if rcode.0 > 0x0f && shape.query.edns.is_none() => {
            Rcode::SERVFAIL
        }
        Synthetic::Failure(rcode) => rcode,
    }
}

/// The address that answers the type, if one does.
#[inline]
fn address(what: Synthetic, kind: RecordType) -> Option<IpAddr> {
    match (what, kind) {
        (Synthetic::Null, RecordType::A) => Some(Ipv4Addr::UNSPECIFIED.into()),
        (Synthetic::Null, RecordType::AAAA) => Some(Ipv6Addr::UNSPECIFIED.into()),
        (Synthetic::Address(ip @ IpAddr::V4(_)), RecordType::A)
        | (Synthetic::Address(ip @ IpAddr::V6(_)), RecordType::AAAA) => Some(ip),
        _ => None,
    }
}

/// A record of the name in the question.
#[inline]
fn push(kind: RecordType, ttl: u32, data: &[u8], out: &mut Vec<u8>) {
    push_at(ZoneAt(0), kind, ttl, &[data], out);
}

#[inline]
fn push_at(owner: ZoneAt, kind: RecordType, ttl: u32, data: &[&[u8]], out: &mut Vec<u8>) {
    let len: usize = data.iter().map(|piece| piece.len()).sum();
    out.extend_from_slice(&pointer(owner));
    out.extend_from_slice(&kind.0.to_be_bytes());
    out.extend_from_slice(&IN.to_be_bytes());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&(len as u16).to_be_bytes());
    data.iter().for_each(|piece| out.extend_from_slice(piece));
}

#[inline]
fn push_soa(ttl: u32, zone: Option<ZoneAt>, out: &mut Vec<u8>) {
    match zone {
        Some(zone) => push_at(zone, RecordType::SOA, ttl, &[&pointer(zone), &SOA_TAIL], out),
        None => push_at(ZoneAt(0), RecordType::SOA, ttl, &[NO_SERVER, &SOA_TAIL], out),
    }
    let minimum = out.len() - 4;
    out[minimum..].copy_from_slice(&ttl.to_be_bytes());
}

/// A pointer into the name in the question (RFC 1035 section 4.1.4). It never reaches beyond the
/// name, whose length fits in one octet.
#[inline]
fn pointer(to: ZoneAt) -> [u8; 2] {
    (0xc000 | (HEADER as u16 + u16::from(to.0))).to_be_bytes()
}
