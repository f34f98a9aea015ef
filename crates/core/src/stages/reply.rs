//! reply: how must it look on this transport?
//!
//! The single writer: extended errors, TTLs, padding, truncation, cookies, keepalive.

use keyhole_wire::{
    Cookie, Edns, ErrorReply, Query, Rcode, ReplyEdns, Shape, Synthetic, write_answer, write_error,
    write_synthetic,
};

use super::{Body, End};
use crate::Reason;
use crate::arrival::Sender;
use crate::cookie::{CookieOption, Cookies};
use crate::options::Limits;
use crate::transport::Transport;

/// Octets of an answer over UDP to a client that says nothing of its buffer (RFC 1035 2.3.4).
const CLASSIC_UDP: usize = 512;
/// Octets of an answer on a stream: its length has 16 bits.
const STREAM: usize = 65_535;
/// Answers on encrypted transports are padded to multiples of this (RFC 8467 section 4.1).
const PADDED_TO: usize = 468;

/// What the writer needs to know besides the end itself.
pub struct Writer<'a> {
    /// Limits of the engine.
    pub limits: &'a Limits,
    /// Maker of server cookies.
    pub cookies: &'a Cookies,
    /// Whether a client can come back over TCP.
    pub has_tcp: bool,
}

/// Writes the reply behind what `out` already holds and returns its smallest TTL.
#[inline]
pub fn reply(
    writer: &Writer<'_>,
    sender: &Sender<'_>,
    query: &Query,
    end: &End,
    out: &mut Vec<u8>,
) -> u32 {
    let limit = size_limit(writer.limits, sender.transport, query.edns.as_ref());
    let cookie = query.edns.and_then(|edns| writer.cookie(sender, edns.cookie.as_ref()));
    let edns =
        query.edns.map(|edns| writer.edns(sender, &edns, cookie.as_ref(), extended_error(end)));
    let mut shape = Shape { query, limit, age: 0, ttl_cap: None, recursion_available: true, edns };
    match &end.body {
        Body::Upstream { answer, age, ttl_cap, .. } => {
            shape.age = *age;
            shape.ttl_cap = *ttl_cap;
            write_answer(answer, &shape, out).ttl
        }
        Body::Local(answer) => write_answer(answer, &shape, out).ttl,
        Body::Synthetic(..) if writer.asks_for_a_proof(sender, query, end) => {
            write_synthetic(Synthetic::Truncated, 0, None, &shape, out).ttl
        }
        &Body::Synthetic(synthetic, ttl, zone) => {
            write_synthetic(synthetic, ttl, zone, &shape, out).ttl
        }
    }
}

impl Writer<'_> {
    /// Whether the client is told to come back over TCP, where its address is proved. What others
    /// send in its name may have used up the share of addresses that are not (RFC 7873 section
    /// 5.2.3).
    #[inline]
    fn asks_for_a_proof(&self, sender: &Sender<'_>, query: &Query, end: &End) -> bool {
        end.reason == Reason::Overloaded
            && self.has_tcp
            && sender.transport == Transport::Udp
            && !self.cookies.proves(query, sender.client.ip())
    }

    /// The cookie that answers that of a client (RFC 7873 section 5.2).
    #[inline]
    fn cookie(&self, sender: &Sender<'_>, cookie: Option<&Cookie>) -> Option<CookieOption> {
        cookie.map(|cookie| self.cookies.answer(cookie.client(), sender.client.ip()))
    }

    /// What the OPT record of a reply says; `asked` is that of the query.
    #[inline]
    fn edns<'a>(
        &self,
        sender: &Sender<'_>,
        asked: &Edns,
        cookie: Option<&'a CookieOption>,
        extended_error: Option<(u16, &'a str)>,
    ) -> ReplyEdns<'a> {
        let is_padded = asked.padding && sender.transport.is_encrypted();
        ReplyEdns {
            udp_octets: self.limits.udp_octets,
            extended_error,
            keepalive: keepalive(self.limits, sender.transport, asked.keepalive),
            cookie: cookie.map(|cookie| cookie.as_slice()),
            // RFC 7830 section 4: only where the query was padded; in the clear it would be waste.
            pad_to: if is_padded { PADDED_TO } else { 0 },
        }
    }
}

/// Writes the reply to a message that is no question.
pub fn reply_error(
    writer: &Writer<'_>,
    sender: &Sender<'_>,
    error: &ErrorReply,
    reason: Reason,
    out: &mut Vec<u8>,
) {
    let mut error = *error;
    let asked = error.edns.as_ref().and_then(|edns| edns.cookie);
    // RFC 7873 section 5.4: who shows a server cookie that is not ours learns it from the code.
    let is_stale = asked.is_some_and(|cookie| {
        !cookie.server().is_empty() && !writer.cookies.is_ours(&cookie, sender.client.ip())
    });
    if reason == Reason::CookieAlone && is_stale {
        error.rcode = Rcode::BADCOOKIE;
    }
    let extended = reason.extended_error().map(|code| (code, reason.word()));
    let cookie = writer.cookie(sender, asked.as_ref());
    let edns = error.edns.map(|edns| writer.edns(sender, &edns, cookie.as_ref(), extended));
    let limit = size_limit(writer.limits, sender.transport, error.edns.as_ref());
    write_error(&error, edns.as_ref(), limit, out);
}

fn size_limit(limits: &Limits, transport: Transport, asked: Option<&Edns>) -> usize {
    match transport {
        Transport::Udp => asked.map_or(CLASSIC_UDP, |edns| {
            usize::from(edns.udp_octets.min(limits.udp_octets)).max(CLASSIC_UDP)
        }),
        _ => STREAM,
    }
}

/// RFC 8914: what was withheld or failed says why; an upstream's own code is passed on.
fn extended_error(end: &End) -> Option<(u16, &'static str)> {
    if let Some(code) = end.reason.extended_error() {
        return Some((code, end.reason.word()));
    }
    let Body::Upstream { answer, .. } = &end.body else { return None };
    answer.extended_error().map(|code| (code, "said_by_upstream"))
}

/// RFC 7828 section 3.2: units of 100 ms, never over UDP, only when asked. HTTP has its own ways.
fn keepalive(limits: &Limits, transport: Transport, asked: bool) -> Option<u16> {
    (asked && transport.is_stream())
        .then(|| u16::try_from(limits.idle_ms / 100).unwrap_or(u16::MAX))
}
