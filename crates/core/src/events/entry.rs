//! One event in the ring: numbers, indices, and the octets that only the query itself has.
//!
//! What a document says in words (origins, names of policies and lists) is looked up when the event
//! is taken, in the snapshot that decided.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use keyhole_wire::Name;

use super::event::Event;
use super::ring::Ring;
use crate::Reason;
use crate::client_identity::Credential;
use crate::policy::Cause;
use crate::transport::Transport;

/// Words before name, credential and target.
const HEAD: usize = 9;
/// Words of an entry with a name and an identity of usual length, for the size of a ring.
pub(super) const USUAL: usize = 16;
/// No index.
const NONE: u32 = u32::MAX;
/// No place in an upstream set.
const NO_UPSTREAM: u16 = u16::MAX;

/// Bits of the flags: whether the client is there, and the kind of its credential above.
const HAS_CLIENT: u64 = 1;
const WHO: u32 = 1;
/// The highest bit: whether the query is one of Keyhole's own.
const IS_OWN: u64 = 0x80;

/// Kinds of credentials.
const IDENTITY: u64 = 1;
const TOKEN: u64 = 2;

/// Writes an event into the ring of its worker. `began` is where its times count from; `shows_who`
/// says whether the client may be written down.
#[inline]
pub(super) fn write(ring: &Ring, event: &Event<'_>, began: Instant, shows_who: bool) {
    let (who, credential) = if shows_who { credential(event) } else { (0, &[][..]) };
    let name = event.question.map_or(&[][..], |question| question.hashed.name().as_wire());
    let target = event.target.map_or(&[][..], Name::as_wire);
    let words =
        HEAD + [name, credential, target].map(|part| part.len().div_ceil(8)).iter().sum::<usize>();
    let Some(mut room) = ring.reserve(words) else { return };
    let (cause, cause_index) = cause(event.cause);
    let (would_block, would_index) = cause_of_observed(event.would_block);
    let client = if shows_who { HAS_CLIENT } else { 0 };
    let own = if event.is_own { IS_OWN } else { 0 };
    let flags = client | who << WHO | own;
    let kind = event.question.map_or(0, |question| question.kind().0);
    room.push(
        words as u64
            | (name.len() as u64) << 16
            | (event.sender.transport.index() as u64) << 24
            | (event.reason as u64) << 32
            | flags << 40
            | u64::from(kind) << 48,
    );
    let waited = event.waited.unwrap_or_default();
    let ended = event.ended.saturating_duration_since(began);
    let arrived = ended.saturating_sub(waited);
    room.push(arrived.as_secs() * 1_000_000_000 + u64::from(arrived.subsec_nanos()));
    let micros = u32::try_from(waited.as_micros()).unwrap_or(u32::MAX);
    let policy = event.context.policy.map_or(NONE, |index| index as u32);
    room.push(pair(micros, policy));
    room.push(event.context.snapshot.map_or(0, |snapshot| snapshot.id));
    room.push(pair(cause_index, would_index));
    let upstream = u64::from(event.upstream.unwrap_or(NO_UPSTREAM));
    room.push(
        upstream
            | (credential.len() as u64) << 16
            | cause << 32
            | would_block << 40
            | (target.len() as u64) << 48,
    );
    let (line, file) = entry_place(event.cause);
    room.push(pair(line, file.into()));
    if shows_who {
        room.push_octets(&address_octets(event.sender.client.ip()));
    } else {
        room.push_octets(&[0; 16]);
    }
    room.push_octets(name);
    room.push_octets(credential);
    room.push_octets(target);
    room.publish();
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

/// What decided, as far as an event remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredCause {
    Rule(usize),
    List(usize),
    Default,
    Mode,
    PrivateAddresses,
    Pause,
    Record,
}

/// Who asked, beside the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredCredential<'e> {
    Identity(&'e str),
    Token([u8; 32]),
}

/// An event as it was written.
#[derive(Debug)]
pub(super) struct StoredEvent<'e> {
    pub(super) transport: Transport,
    pub(super) reason: Reason,
    /// Name and type; none for what was no question.
    pub(super) question: Option<(Name, u16)>,
    /// Nanoseconds from the beginning of the engine to the arrival of the query.
    pub(super) nanos: u64,
    pub(super) micros: u32,
    pub(super) policy: Option<usize>,
    /// The [`crate::snapshot::Snapshot::id`], 0 for none.
    pub(super) snapshot: u64,
    pub(super) cause: Option<StoredCause>,
    /// Line and file of the list entry that decided; line 0 for none.
    pub(super) place: (u32, u16),
    pub(super) would_block: Option<StoredCause>,
    pub(super) target: Option<Name>,
    pub(super) upstream: Option<u16>,
    pub(super) client: Option<IpAddr>,
    pub(super) who: Option<StoredCredential<'e>>,
    pub(super) is_own: bool,
}

impl<'e> StoredEvent<'e> {
    /// Reads what [`write`] wrote; none for words that it did not. `octets` is room for its text.
    pub(super) fn read(words: &[u64], octets: &'e mut Vec<u8>) -> Option<Self> {
        let &[first, nanos, times, snapshot, causes, lengths, place, ..] = words else {
            return None;
        };
        octets.clear();
        octets.extend(words.get(HEAD - 2..)?.iter().flat_map(|word| word.to_le_bytes()));
        let octets = octets.as_slice();
        let (address, rest) = octets.split_first_chunk::<16>()?;
        let flags = first >> 40 & 0xff;
        let length = (first >> 16 & 0xff) as usize;
        let name = rest.get(..length)?;
        let credential = (lengths >> 16 & 0xffff) as usize;
        let rest = rest.get(length.next_multiple_of(8)..)?;
        let who = rest.get(..credential)?;
        let target = rest.get(credential.next_multiple_of(8)..)?;
        let target = match target.get(..(lengths >> 48 & 0xff) as usize)? {
            [] => None,
            target => Some(Name::from_wire(target).ok()?),
        };
        let question = match name {
            [] => None,
            name => Some((Name::from_wire(name).ok()?, (first >> 48) as u16)),
        };
        let who = match (flags & !IS_OWN) >> WHO {
            IDENTITY => Some(StoredCredential::Identity(std::str::from_utf8(who).ok()?)),
            TOKEN => Some(StoredCredential::Token(who.try_into().ok()?)),
            _ => None,
        };
        Some(Self {
            transport: *Transport::ALL.get((first >> 24 & 0xff) as usize)?,
            reason: *Reason::ALL.get((first >> 32 & 0xff) as usize)?,
            question,
            nanos,
            micros: times as u32,
            policy: index(times >> 32),
            snapshot,
            cause: stored_cause(lengths >> 32, causes),
            place: (place as u32, (place >> 32) as u16),
            target,
            would_block: stored_cause(lengths >> 40, causes >> 32),
            upstream: Some(lengths as u16).filter(|upstream| *upstream != NO_UPSTREAM),
            client: (flags & HAS_CLIENT != 0).then(|| Ipv6Addr::from(*address).to_canonical()),
            who,
            is_own: flags & IS_OWN != 0,
        })
    }
}

fn index(word: u64) -> Option<usize> {
    let index = word as u32;
    (index != NONE).then_some(index as usize)
}

fn stored_cause(kind: u64, word: u64) -> Option<StoredCause> {
    match kind & 0xff {
        1 => index(word).map(StoredCause::Rule),
        2 => index(word).map(StoredCause::List),
        3 => Some(StoredCause::Default),
        4 => Some(StoredCause::Mode),
        5 => Some(StoredCause::PrivateAddresses),
        6 => Some(StoredCause::Pause),
        7 => Some(StoredCause::Record),
        _ => None,
    }
}
