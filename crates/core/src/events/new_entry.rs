//! An event on its way into the ring, or among those that are counted.

use std::net::IpAddr;
use std::time::Instant;

use keyhole_wire::Name;

use super::entry::{
    ARRIVED, HAS_CLIENT, HEAD, IDENTITY, IS_OWN, MISSING_DOMAINS, NO_UPSTREAM, NONE, REWRITE, TLS,
    TOKEN, TUNNELING, UPSTREAM_TLS, WHO,
};
use super::event::Event;
use super::ring::Ring;
use crate::client_identity::Credential;
use crate::policy::Cause;
use crate::tls_version::TlsVersion;

/// An odd number without structure.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of an event before they are written.
pub(super) struct NewEntry<'e> {
    pub(super) head: [u64; HEAD],
    pub(super) name: &'e [u8],
    pub(super) credential: &'e [u8],
    target: &'e [u8],
    has_waited: bool,
}

impl<'e> NewEntry<'e> {
    /// `began` is where times count from; `shows_who` says whether the client may be written down.
    #[inline]
    pub(super) fn new(event: &Event<'e>, began: Instant, shows_who: bool) -> Self {
        let (who, credential) = if shows_who { credential(event) } else { (0, &[][..]) };
        let name = event.question.map_or(&[][..], |question| question.hashed.name().as_wire());
        let target = event.target.map_or(&[][..], Name::as_wire);
        let (cause, cause_index) = cause(event.cause);
        let (would_block, would_index) = cause_of_observed(event.would_block);
        let client = if shows_who { HAS_CLIENT } else { 0 };
        let own = if event.is_own { IS_OWN } else { 0 };
        let flags = client | who << WHO | own;
        let kind = event.question.map_or(0, |question| question.kind().0);
        let waited = event.waited.unwrap_or_default();
        let ended = event.ended.saturating_duration_since(began);
        let arrived = ended.saturating_sub(waited);
        let micros = u32::try_from(waited.as_micros()).unwrap_or(u32::MAX);
        let policy = event.context.policy.map_or(NONE, |index| index as u32);
        let upstream = u64::from(event.upstream.unwrap_or(NO_UPSTREAM));
        let (line, file) = entry_place(event.cause);
        let address = if shows_who { address_octets(event.sender.client.ip()) } else { [0; 16] };
        let address = u128::from_le_bytes(address);
        let words = HEAD
            + [name, credential, target].map(|part| part.len().div_ceil(8)).iter().sum::<usize>();
        let head = [
            words as u64
                | (name.len() as u64) << 16
                | (event.sender.transport.index() as u64) << 24
                | (event.reason as u64) << 32
                | flags << 40
                | u64::from(kind) << 48,
            arrived.as_secs() * 1_000_000_000 + u64::from(arrived.subsec_nanos()),
            pair(micros, policy),
            event.context.snapshot.map_or(0, |snapshot| snapshot.id),
            pair(cause_index, would_index),
            upstream
                | (credential.len() as u64) << 16
                | cause << 32
                | would_block << 40
                | (target.len() as u64) << 48,
            pair(line, u32::from(file) | u32::from(marks(event)) << 16),
            address as u64,
            (address >> 64) as u64,
        ];
        Self { head, name, credential, target, has_waited: event.waited.is_some() }
    }

    /// How many words it has.
    #[inline]
    pub(super) fn len(&self) -> usize {
        (self.head[0] & 0xffff) as usize
    }

    /// Whether another one may be all the same but for its time: none that waited is, and of those
    /// whose answer leads to a blocked name and of Keyhole's own there are few.
    #[inline]
    pub(super) fn may_repeat(&self) -> bool {
        let is_own = self.head[0] >> 40 & IS_OWN != 0;
        !self.has_waited && !is_own && self.target.is_empty() && !self.name.is_empty()
    }

    /// A hash of what decides whether two are alike, out of that of the name.
    #[inline]
    pub(super) fn hash(&self, name: u64) -> u64 {
        let last = self.credential.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last));
        let [.., high, low] = self.head;
        [self.head[0], high, low, last]
            .iter()
            .fold(name, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(MIX))
    }

    /// Whether an entry that was written as these words differs in its time alone. Only for those
    /// that may repeat.
    #[inline]
    pub(super) fn is_like(&self, words: &[u64]) -> bool {
        let Some((head, rest)) = words.split_first_chunk::<HEAD>() else { return false };
        let (first, behind) = self.head.split_at(ARRIVED);
        let name = self.name.len().div_ceil(8);
        head.starts_with(first)
            && head[ARRIVED + 1..] == behind[1..]
            && are_octets(rest, self.name)
            && are_octets(rest.get(name..).unwrap_or_default(), self.credential)
    }

    /// Appends its words.
    pub(super) fn extend(&self, words: &mut Vec<u64>) {
        words.extend(self.head);
        for part in [self.name, self.credential, self.target] {
            words.extend(part.chunks(8).map(word_of));
        }
    }

    /// Writes it into the ring of its worker.
    #[inline]
    pub(super) fn write(&self, ring: &Ring) {
        let Some(mut room) = ring.reserve(self.len()) else { return };
        for word in self.head {
            room.push(word);
        }
        room.push_octets(self.name);
        room.push_octets(self.credential);
        room.push_octets(self.target);
        room.publish();
    }
}

/// Whether words begin with these octets, filled up with zeros.
#[inline]
fn are_octets(words: &[u64], octets: &[u8]) -> bool {
    let (whole, rest) = octets.as_chunks::<8>();
    words.len() >= octets.len().div_ceil(8)
        && whole.iter().zip(words).all(|(eight, word)| u64::from_le_bytes(*eight) == *word)
        && (rest.is_empty() || words[whole.len()] == word_of(rest))
}

/// At most eight octets as a word, filled up with zeros.
#[inline]
fn word_of(octets: &[u8]) -> u64 {
    let mut last = [0; 8];
    last[..octets.len()].copy_from_slice(octets);
    u64::from_le_bytes(last)
}

#[inline]
fn credential<'e>(event: &Event<'e>) -> (u64, &'e [u8]) {
    match &event.sender.identity.credential {
        Credential::Certificate(svid) => (IDENTITY, svid.id.as_str().as_bytes()),
        Credential::Mesh(id) => (IDENTITY, id.as_str().as_bytes()),
        Credential::Token(digest) => (TOKEN, digest),
        Credential::Nothing | Credential::Unreadable => (0, &[]),
    }
}

/// The answer of a block and the versions of TLS: their numbers from 1, 0 for none.
#[inline]
fn marks(event: &Event<'_>) -> u16 {
    let answer = event.answer.map_or(0, |answer| answer as u16 + 1);
    let tls = |version: Option<TlsVersion>| version.map_or(0, |version| version as u16 + 1);
    answer | tls(event.sender.tls) << TLS | tls(event.upstream_tls) << UPSTREAM_TLS
}

#[inline]
fn cause(cause: Option<Cause>) -> (u64, u32) {
    match cause {
        None => (0, NONE),
        Some(Cause::Rule(rule)) => (1, rule),
        Some(Cause::List(hit)) => (2, hit.list as u32),
        Some(Cause::Default) => (3, NONE),
        Some(Cause::Mode) => (4, NONE),
        Some(Cause::PrivateAddresses) => (5, NONE),
        Some(Cause::Pause) => (6, NONE),
        Some(Cause::Record) => (7, NONE),
        Some(Cause::Rewrite(rewrite)) => (REWRITE, rewrite),
        Some(Cause::Tunneling(strike)) => (TUNNELING, strike.word()),
        Some(Cause::MissingDomains(domains)) => (MISSING_DOMAINS, domains),
    }
}

/// Line and file of the list entry that decided; line 0 for none.
#[inline]
fn entry_place(cause: Option<Cause>) -> (u32, u16) {
    match cause {
        Some(Cause::List(hit)) => (hit.line, hit.file),
        _ => (0, 0),
    }
}

/// Nearly always nothing, so that its branches are kept away from the way of every packet.
#[inline]
fn cause_of_observed(would_block: Option<Cause>) -> (u64, u32) {
    if would_block.is_none() { (0, NONE) } else { cause(would_block) }
}

/// IPv4 in its mapped form (RFC 4291 section 2.5.5.2).
#[inline]
fn address_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}
