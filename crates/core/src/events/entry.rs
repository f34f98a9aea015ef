//! One event in the ring: numbers, indices, and the octets that only the query itself has.
//!
//! What a document says in words (origins, names of policies and lists) is looked up when the event
//! is taken, in the snapshot that decided.

use std::net::{IpAddr, Ipv6Addr};

use keyhole_wire::Name;

use crate::Reason;
use crate::budgets::Strike;
use crate::policy::GivenAnswer;
use crate::tls_version::TlsVersion;
use crate::transport::Transport;

/// Words before name, credential and target.
pub(super) const HEAD: usize = 9;
/// Words of an entry with a name and an identity of usual length, for the size of a ring.
pub(super) const USUAL: usize = 16;
/// The word with the nanoseconds from the beginning of the engine to the arrival of the query.
pub(super) const ARRIVED: usize = 1;
/// No index.
pub(super) const NONE: u32 = u32::MAX;
/// No index of an upstream.
pub(super) const NO_UPSTREAM: u16 = u16::MAX;

/// Bits of the flags: whether the client is there, and the kind of its credential above.
pub(super) const HAS_CLIENT: u64 = 1;
pub(super) const WHO: u32 = 1;
/// The highest bit: whether the query is one of Keyhole's own.
pub(super) const IS_OWN: u64 = 0x80;

/// Bits of the marks: the answer below, then the versions of TLS, which take two bits each.
const ANSWER: u16 = 0x0f;
pub(super) const TLS: u32 = 4;
pub(super) const UPSTREAM_TLS: u32 = 6;

/// Kinds of credentials.
pub(super) const IDENTITY: u64 = 1;
pub(super) const TOKEN: u64 = 2;

/// The kind of cause that says sums of its own.
pub(super) const TUNNELING: u64 = 8;
/// The kind of a cause that is a rewrite.
pub(super) const REWRITE: u64 = 9;

/// The kind of cause that says how many domains do not exist.
pub(super) const MISSING_DOMAINS: u64 = 10;

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
    Rewrite(usize),
    Tunneling(Strike),
    MissingDomains(u32),
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
    pub(super) tls: Option<TlsVersion>,
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
    pub(super) answer: Option<GivenAnswer>,
    /// Line and file of the list entry that decided; line 0 for none.
    pub(super) place: (u32, u16),
    pub(super) would_block: Option<StoredCause>,
    pub(super) target: Option<Name>,
    pub(super) upstream: Option<u16>,
    pub(super) upstream_tls: Option<TlsVersion>,
    pub(super) client: Option<IpAddr>,
    pub(super) who: Option<StoredCredential<'e>>,
    pub(super) is_own: bool,
}

impl<'e> StoredEvent<'e> {
    /// Reads what `NewEntry::write` wrote; none for words that it did not. `octets` is room for its text.
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
        let marks = (place >> 48) as u16;
        Some(Self {
            tls: tls_version(marks >> TLS),
            upstream_tls: tls_version(marks >> UPSTREAM_TLS),
            answer: numbered(&GivenAnswer::ALL, marks & ANSWER),
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

/// The words of the head without the time.
pub(super) type SharedHead = [u64; HEAD - 1];

/// What decides the line of an event beside its time and its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'w> {
    pub(super) head: SharedHead,
    pub(super) credential: &'w [u64],
    /// The name in wire form, filled up to whole words, and its length.
    pub(super) name: (&'w [u64], usize),
}

impl<'w> Shared<'w> {
    /// The lengths of the entry and of the name, in the first word.
    const LENGTHS: u64 = 0x00ff_ffff;

    /// None for events whose line has more that is its own.
    pub(super) fn read(words: &'w [u64]) -> Option<Self> {
        let (&[first, _, times, snapshot, causes, lengths, place, address, rest], behind) =
            words.split_first_chunk::<HEAD>()?;
        let (has_waited, has_target) = (times as u32 != 0, lengths >> 48 & 0xff != 0);
        let is_own = first >> 40 & IS_OWN != 0;
        let says_sum = |kind| matches!(kind, TUNNELING | MISSING_DOMAINS);
        let has_sum = [32, 40].iter().any(|&at| says_sum(lengths >> at & 0xff));
        let length = (first >> 16 & 0xff) as usize;
        if has_waited || has_target || is_own || has_sum || length == 0 {
            return None;
        }
        let (name, behind) = behind.split_at_checked(length.div_ceil(8))?;
        let credential = behind.get(..((lengths >> 16 & 0xffff) as usize).div_ceil(8))?;
        let first = first & !Self::LENGTHS;
        let head = [first, times, snapshot, causes, lengths, place, address, rest];
        Some(Self { head, credential, name: (name, length) })
    }
}

fn tls_version(marks: u16) -> Option<TlsVersion> {
    numbered(&TlsVersion::ALL, marks & 0b11)
}

/// The value with this number, from 1; none for 0.
fn numbered<T: Copy>(all: &[T], number: u16) -> Option<T> {
    all.get(usize::from(number).checked_sub(1)?).copied()
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
        REWRITE => index(word).map(StoredCause::Rewrite),
        MISSING_DOMAINS => Some(StoredCause::MissingDomains(word as u32)),
        TUNNELING => Strike::from_word(word as u32).map(StoredCause::Tunneling),
        _ => None,
    }
}
