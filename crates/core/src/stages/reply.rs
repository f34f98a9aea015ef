//! reply: how must it look on this transport?
//!
//! The single writer: extended errors, TTLs, padding, truncation, cookies, keepalive.

use keyhole_wire::{
    Answer, Cookie, Edns, ErrorReply, Query, Rcode, RecordType, ReplyEdns, Shape, Synthetic,
    write_answer, write_error, write_synthetic, write_truncated,
};

use super::{Body, End};
use crate::Reason;
use crate::arrival::Sender;
use crate::cookie::{CookieOption, Cookies};
use crate::options::Limits;
use crate::shares::Allowance;
use crate::transport::Transport;

/// Octets of an answer over UDP to a client that says nothing of its buffer (RFC 1035 2.3.4).
const CLASSIC_UDP: usize = 512;
/// Octets of an answer on a stream: its length has 16 bits.
const STREAM: usize = 65_535;
/// Answers on encrypted transports are padded to multiples of this (RFC 8467 section 4.1).
const PADDED_TO: usize = 468;

/// Octets that an answer made here may have for each octet of its question, over UDP to an address
/// that nobody proved, in halves.
const HALVES_PER_OCTET: usize = 3;

/// What the writer needs to know besides the end itself.
pub struct Writer<'a> {
    /// Limits of the engine.
    pub limits: &'a Limits,
    /// Maker of server cookies.
    pub cookies: &'a Cookies,
    /// Whether a client can come back over TCP.
    pub has_tcp: bool,
    /// What may go to addresses that nobody proved, and the time for it.
    pub allowance: (&'a Allowance, u64),
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Replied {
    /// Its smallest TTL.
    pub ttl: u32,
    /// Whether the allowance for addresses that nobody proved was too small for the answer.
    pub was_cut: bool,
}

/// Writes the reply behind what `out` already holds. `is_own` says that the query is Keyhole's own.
#[inline]
pub fn reply(
    writer: &Writer<'_>,
    sender: &Sender<'_>,
    query: &Query,
    is_own: bool,
    end: &End,
    out: &mut Vec<u8>,
) -> Replied {
    let start = out.len();
    let is_proved = sender.transport != Transport::Udp
        || is_own
        || writer.cookies.proves(query, sender.client.ip());
    let limit = size_limit(writer.limits, sender.transport, query.edns.as_ref());
    let cookie = query.edns.and_then(|edns| writer.cookie(sender, edns.cookie.as_ref()));
    let edns =
        query.edns.map(|edns| writer.edns(sender, &edns, cookie.as_ref(), extended_error(end)));
    let most_made = (!is_proved).then(|| query.least_octets() * HALVES_PER_OCTET / 2);
    let mut shape = Shape {
        query,
        limit,
        made_limit: None,
        age: 0,
        ttl_cap: None,
        recursion_available: true,
        edns,
    };
    let ttl = match &end.body {
        Body::Upstream { answer, age, ttl_cap, .. } => {
            shape.age = *age;
            shape.ttl_cap = *ttl_cap;
            write_answer(answer, &shape, out).ttl
        }
        Body::Local(answer) => write_answer(answer, &shape, out).ttl,
        &Body::Synthetic(synthetic, ttl, zone) => {
            // An address is as large as that of any other name, and goes as that does.
            if !synthetic.has_address(query.kind) {
                shape.made_limit = most_made;
            }
            // What others send in its name may have used up the share of addresses that are not
            // proved; over TCP it proves its own (RFC 7873 section 5.2.3).
            let asks_for_a_proof = !is_proved && end.reason == Reason::Overloaded && writer.has_tcp;
            let synthetic = if asks_for_a_proof { Synthetic::Truncated } else { synthetic };
            write_synthetic(synthetic, ttl, zone, &shape, out).ttl
        }
    };
    let octets = out.len() - start;
    // RFC 8482 section 4.4: over UDP, TC is an answer to ANY as well.
    let is_any = query.kind == RecordType::ANY && matches!(end.body, Body::Local(_));
    let passes = most_made
        .is_none_or(|most| octets <= most || !is_any && writer.affords(sender, query, octets));
    if passes {
        return Replied { ttl, was_cut: false };
    }
    out.truncate(start);
    shape.made_limit = most_made;
    let rcode = end.body.answer().map_or(Rcode::NOERROR, Answer::rcode);
    write_truncated(rcode, &shape, out);
    Replied { ttl: 0, was_cut: !is_any }
}

impl Writer<'_> {
    /// Whether so many octets may go to an address that nobody proved.
    #[inline]
    fn affords(&self, sender: &Sender<'_>, query: &Query, octets: usize) -> bool {
        let (allowance, now) = self.allowance;
        allowance.take(sender.client.ip(), query.least_octets(), octets, now)
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

/// Writes the reply to a message that is no question, of so many octets.
pub fn reply_error(
    writer: &Writer<'_>,
    sender: &Sender<'_>,
    octets: usize,
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
    let limit = match (sender.transport, asked) {
        (Transport::Udp, Some(cookie)) if writer.cookies.is_ours(&cookie, sender.client.ip()) => {
            usize::MAX
        }
        (Transport::Udp, _) => octets * HALVES_PER_OCTET / 2,
        _ => STREAM,
    };
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
