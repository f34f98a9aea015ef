//! What a query says in its OPT record.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 6891 | version, payload size, DO, unknown options are ignored |
//! | RFC 7828 | keepalive has no data, or a time of two octets |
//! | RFC 7830 | a padded query wants a padded answer |
//! | RFC 7871 | client subnet: checked, never used, never forwarded |
//! | RFC 7873 | the lengths of a cookie; only the first one counts |

use crate::compressed_name::Frame;
use crate::header::u16_at;
use crate::parse_error::ParseError;

pub(crate) const CLIENT_SUBNET: u16 = 8;
pub(crate) const COOKIE: u16 = 10;
pub(crate) const KEEPALIVE: u16 = 11;
pub(crate) const PADDING: u16 = 12;
pub(crate) const EXTENDED_ERROR: u16 = 15;
/// Marks Keyhole's own queries; of the range for local use (RFC 6891 section 9).
pub(crate) const OWN: u16 = 65_053;
/// The trace that a query of Keyhole's resolver belongs to, for its own forwarder; of the range for
/// local use.
pub(crate) const TRACE_CONTEXT: u16 = 65_054;
/// Octets of its data: trace id, span id and flags of W3C Trace Context.
pub const TRACE_CONTEXT_OCTETS: usize = 25;
/// The DO flag among the 16 EDNS flags (RFC 3225 section 3).
pub(crate) const DNSSEC_OK: u32 = 0x8000;
/// The smallest payload size that counts: smaller ones mean this (RFC 6891 section 6.2.3).
pub(crate) const MIN_UDP_OCTETS: u16 = 512;

/// The EDNS part of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// Octets that the client can take over UDP, at least 512.
    pub udp_octets: u16,
    /// The client wants DNSSEC records (DO, RFC 3225).
    pub dnssec_ok: bool,
    /// The query was padded, so the answer is to be (RFC 7830).
    pub padding: bool,
    /// The client asks how long the connection may stay open (RFC 7828).
    pub keepalive: bool,
    /// The client's cookie, and the server's where it has one (RFC 7873).
    pub cookie: Option<Cookie>,
    /// A well-formed client subnet option was there (RFC 7871). Its content is not kept.
    pub client_subnet: bool,
    /// What says that it is a query of Keyhole's own, if it is the right mark.
    pub own_mark: Option<[u8; 16]>,
    /// Which trace it belongs to, if it is from one of our resolvers.
    pub trace_context: Option<[u8; TRACE_CONTEXT_OCTETS]>,
}

/// The data of a COOKIE option: 8 octets of the client, then none or 8 to 32 of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    len: u8,
    octets: [u8; 40],
}

impl Cookie {
    /// Takes the data of an option; 8 or 16 to 40 octets (RFC 7873 section 5.2.2).
    #[inline]
    fn read(data: &[u8]) -> Result<Self, ParseError> {
        if !matches!(data.len(), 8 | 16..=40) {
            return Err(ParseError::BadCookie);
        }
        let mut octets = [0; 40];
        octets[..data.len()].copy_from_slice(data);
        Ok(Self { len: data.len() as u8, octets })
    }

    /// The client's part, 8 octets.
    #[must_use]
    pub fn client(&self) -> &[u8] {
        &self.octets[..8]
    }

    /// The server's part: empty or 8 to 32 octets.
    #[must_use]
    pub fn server(&self) -> &[u8] {
        &self.octets[8..usize::from(self.len)]
    }
}

impl Edns {
    /// Reads an OPT record whose owner has been checked.
    #[inline]
    pub(crate) fn read(message: &[u8], opt: &Frame) -> Result<Self, ParseError> {
        // Before the options, whose meaning belongs to the version (RFC 6891 section 6.1.3).
        if (opt.ttl >> 16) & 0xff != 0 {
            return Err(ParseError::OptVersion);
        }
        let mut edns = Self::fixed(opt);
        for option in options(&message[opt.at..opt.end]) {
            let (code, data) = option.ok_or(ParseError::BadOption)?;
            edns.take(code, data)?;
        }
        Ok(edns)
    }

    /// Reads of an OPT record in a faulty message what can be read, so that the reply fits it.
    #[cold]
    pub(crate) fn read_leniently(message: &[u8], opt: &Frame) -> Self {
        let mut edns = Self::fixed(opt);
        if (opt.ttl >> 16) & 0xff == 0 {
            for (code, data) in options(&message[opt.at..opt.end]).flatten() {
                // A broken option is the fault, or as if absent.
                let _ = edns.take(code, data);
            }
        }
        edns
    }

    /// What stands outside of the options.
    #[inline]
    fn fixed(opt: &Frame) -> Self {
        Self {
            udp_octets: opt.class.max(MIN_UDP_OCTETS),
            dnssec_ok: opt.ttl & DNSSEC_OK != 0,
            padding: false,
            keepalive: false,
            cookie: None,
            client_subnet: false,
            own_mark: None,
            trace_context: None,
        }
    }

    #[inline]
    fn take(&mut self, code: u16, data: &[u8]) -> Result<(), ParseError> {
        match code {
            // Only the first cookie counts; even broken others are ignored (RFC 7873 section 5.2).
            COOKIE if self.cookie.is_none() => self.cookie = Some(Cookie::read(data)?),
            // RFC 7828 section 3.1. A client must leave the time out; one that does not is
            // harmless.
            KEEPALIVE if matches!(data.len(), 0 | 2) => self.keepalive = true,
            KEEPALIVE => return Err(ParseError::BadOption),
            PADDING => self.padding = true,
            CLIENT_SUBNET => {
                check_client_subnet(data)?;
                self.client_subnet = true;
            }
            OWN => self.own_mark = data.try_into().ok(),
            TRACE_CONTEXT => self.trace_context = data.try_into().ok(),
            // RFC 6891 section 6.1.2: unknown options are ignored.
            _ => {}
        }
        Ok(())
    }
}

/// The options in the data of an OPT record; `None` where one runs over the end, and then no more.
#[inline]
pub(crate) fn options(data: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let option = split_option(rest);
        rest = option.map_or(&[], |(_, _, behind)| behind);
        Some(option.map(|(code, data, _)| (code, data)))
    })
}

#[inline]
fn split_option(rest: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (code, len) = (u16_at(rest, 0)?, u16_at(rest, 2)?);
    let (data, behind) = rest[4..].split_at_checked(usize::from(len))?;
    Some((code, data, behind))
}

/// RFC 7871 section 6: known family, scope 0 in a query, as many octets as the prefix needs, and no
/// bit set behind the prefix.
fn check_client_subnet(data: &[u8]) -> Result<(), ParseError> {
    let [f0, f1, source, scope, address @ ..] = data else {
        return Err(ParseError::BadClientSubnet);
    };
    let most = match u16::from_be_bytes([*f0, *f1]) {
        // Family 0 says "no address at all" and is sent by some stub resolvers.
        0 => 0,
        1 => 32,
        2 => 128,
        _ => return Err(ParseError::BadClientSubnet),
    };
    let spare = (8 - source % 8) % 8;
    let tail = address.last().map_or(0, |last| last & ((1u16 << spare) - 1) as u8);
    let whole = usize::from(*source).div_ceil(8);
    if *source > most || *scope != 0 || address.len() != whole || tail != 0 {
        return Err(ParseError::BadClientSubnet);
    }
    Ok(())
}
