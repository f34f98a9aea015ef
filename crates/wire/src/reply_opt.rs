//! The OPT record of a reply.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 6891 section 6.1.1 | only where the query had one |
//! | RFC 7828, 7873, 8914 | keepalive, cookie, extended error |
//! | RFC 7830, RFC 8467 section 4.1 | padding, within the limit, for who padded |

use crate::edns::{COOKIE, EXTENDED_ERROR, Edns, KEEPALIVE, PADDING};
use crate::opt;
use crate::types::Rcode;

/// The EDNS part of a reply.
#[derive(Clone, Copy, Debug)]
pub struct ReplyEdns<'a> {
    /// Octets that this server can take over UDP ([`crate::UDP_OCTETS`]).
    pub udp_octets: u16,
    /// Code and text of an extended error. The text goes, and then the whole, if room is short.
    pub extended_error: Option<(u16, &'a str)>,
    /// How long the idle connection stays open, in units of 100 ms (RFC 7828 section 3.1).
    pub keepalive: Option<u16>,
    /// The data of a COOKIE option: 16 to 40 octets.
    pub cookie: Option<&'a [u8]>,
    /// The reply's length becomes a multiple of this, if the query was padded. 468 on encrypted
    /// transports (RFC 8467 section 4.1), 0 for none.
    pub pad_to: usize,
}

/// Ends the reply that begins at `start` with its OPT record; `asked` is that of the query.
#[inline]
pub(crate) fn write_opt_record(
    start: usize,
    rcode: Rcode,
    asked: &Edns,
    edns: &ReplyEdns<'_>,
    limit: usize,
    out: &mut Vec<u8>,
) {
    let options = opt::begin(edns.udp_octets, rcode, asked.dnssec_ok, out);
    if let Some(cookie) = edns.cookie {
        opt::push(COOKIE, &[cookie], out);
    }
    if let Some(units) = edns.keepalive {
        opt::push(KEEPALIVE, &[&units.to_be_bytes()], out);
    }
    if let Some((code, text)) = edns.extended_error {
        let room = limit.saturating_sub(out.len() - start);
        if let Some(room) = room.checked_sub(opt::OPTION + 2) {
            // The text is an extra (RFC 8914 section 2) that never costs the client its records. A
            // word that is cut would be another word.
            let text = if text.len() <= room { opt::cut(text, 128) } else { "" };
            opt::push(EXTENDED_ERROR, &[&code.to_be_bytes(), text.as_bytes()], out);
        }
    }
    if asked.padding && edns.pad_to > 0 {
        pad(start, edns.pad_to, limit, out);
    }
    opt::end(options, out);
}

/// Appends a Padding option so that the reply's length is a multiple of `block`, or the limit where
/// that comes first (RFC 8467 section 4.1).
fn pad(start: usize, block: usize, limit: usize, out: &mut Vec<u8>) {
    let len = out.len() - start + opt::OPTION;
    if len > limit {
        return;
    }
    let padding = len.next_multiple_of(block).min(limit) - len;
    opt::push(PADDING, &[], out);
    let length_at = out.len() - 2;
    out[length_at..].copy_from_slice(&(padding as u16).to_be_bytes());
    out.resize(out.len() + padding, 0);
}
