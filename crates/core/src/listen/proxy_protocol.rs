//! The header of PROXY protocol version 2 (HAProxy, `proxy-protocol.txt` section 2.2), as a sidecar
//! writes it before the first octet of its client.
//!
//! Strict: a header that is not understood as a whole is none. Knows no sockets.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every header begins with.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Octets of the fixed part: signature, version and command, family, length of the rest.
pub const FIXED: usize = 16;

/// Octets of the longest rest that is read: what every receiver has to take (section 2.2), and room
/// for any address with an identity of more than 490 octets.
pub const MAX_REST: usize = 536;

/// The identity that a sidecar has verified, as URI: ztunnel writes it, and Envoy when it is told
/// to.
const TLV_IDENTITY: u8 = 0xd0;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// A health check of the sidecar itself.
    Local,
    /// A connection of a client.
    Proxied {
        /// Where the client is.
        source: SocketAddr,
        /// Who the client is, unless nothing is said of that.
        identity: Option<&'a [u8]>,
    },
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// It begins otherwise, as version 1 does.
    Signature,
    /// Another version, or a command that is neither LOCAL nor PROXY.
    Command,
    /// Something else than TCP over IPv4 or IPv6.
    Family,
    /// More than [`MAX_REST`] octets follow.
    TooLong,
    /// It ends within an address or a TLV.
    Cut,
    /// The identity is given twice.
    Twice,
}

/// Looks at the fixed part alone and says how many octets follow it.
///
/// # Errors
/// What is wrong with it, as far as that can be seen here.
pub fn rest(fixed: &[u8; FIXED]) -> Result<usize, HeaderError> {
    if fixed[..SIGNATURE.len()] != SIGNATURE {
        return Err(HeaderError::Signature);
    }
    if !matches!(fixed[12], 0x20 | 0x21) {
        return Err(HeaderError::Command);
    }
    match usize::from(u16::from_be_bytes([fixed[14], fixed[15]])) {
        length @ ..=MAX_REST => Ok(length),
        _ => Err(HeaderError::TooLong),
    }
}

/// Reads a whole header: its fixed part, and the octets that follow it.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read<'a>(fixed: &[u8; FIXED], follows: &'a [u8]) -> Result<Header<'a>, HeaderError> {
    if rest(fixed)? != follows.len() {
        return Err(HeaderError::Cut);
    }
    if fixed[12] == 0x20 {
        // Section 2.2: the addresses of LOCAL are to be ignored, whatever the family says.
        return Ok(Header::Local);
    }
    let (source, tlvs) = match fixed[13] {
        0x11 => v4(follows),
        0x21 => v6(follows),
        _ => return Err(HeaderError::Family),
    }
    .ok_or(HeaderError::Cut)?;
    Ok(Header::Proxied { source, identity: identity(tlvs)? })
}

/// Source and destination address, source and destination port; what comes after them.
fn v4(octets: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (block, tlvs) = octets.split_first_chunk::<12>()?;
    let source = Ipv4Addr::from(*block.first_chunk::<4>()?);
    Some((SocketAddr::from((source, u16::from_be_bytes([block[8], block[9]]))), tlvs))
}

fn v6(octets: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (block, tlvs) = octets.split_first_chunk::<36>()?;
    let source = Ipv6Addr::from(*block.first_chunk::<16>()?);
    Some((SocketAddr::from((source, u16::from_be_bytes([block[32], block[33]]))), tlvs))
}

/// Walks over all TLVs; those of other kinds are none of our business.
fn identity(mut tlvs: &[u8]) -> Result<Option<&[u8]>, HeaderError> {
    let mut found = None;
    while let [kind, rest @ ..] = tlvs {
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(HeaderError::Cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, rest) = rest.split_at_checked(length).ok_or(HeaderError::Cut)?;
        tlvs = rest;
        if *kind == TLV_IDENTITY && found.replace(value).is_some() {
            return Err(HeaderError::Twice);
        }
    }
    // Envoy writes a dash where its client has shown nothing.
    Ok(found.filter(|value| !matches!(*value, b"" | b"-")))
}

#[cfg(test)]
#[path = "proxy_protocol_tests.rs"]
mod tests;
