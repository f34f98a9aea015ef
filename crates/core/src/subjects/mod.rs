//! Who asks: which policy speaks for a client, compiled so that a packet finds it with few probes.
//!
//! | module | what it does |
//! | --- | --- |
//! | `compile` | from the document, with everything checked |
//! | `identities` | single identities, and those below a path |
//! | `networks` | addresses, by the longest prefix |
//!
//! The most specific subject wins: an identity, the longest path below which it lies, the longest
//! network, the policy without subjects. What only names a client leaves its policy to the next.

mod compile;
mod identities;
mod networks;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::caller::SpiffeId;
use identities::Identities;
use networks::Networks;

/// Who speaks for whom.
#[derive(Default)]
pub struct Subjects {
    identities: Identities,
    tokens: HashMap<[u8; 32], Found, RandomState>,
    digests: HashMap<Box<str>, [u8; 32], RandomState>,
    networks: Networks,
    expired: Option<u32>,
    default: Option<u32>,
    /// All that the document names; the others hold indices.
    entries: Vec<Entry>,
}

/// One line of the document.
struct Entry {
    subject: Box<str>,
    client: Option<Box<str>>,
    token: Option<Box<str>>,
}

/// What the subjects say of one client; nothing of a client that they do not mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The entry that names the client.
    named: Option<u32>,
    /// The most specific entry that has a policy.
    speaks: Option<Speaks>,
}

/// An entry and its policy: packets need not look at the entry itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speaks {
    entry: u32,
    policy: u32,
}

/// Who asks and which policy speaks for them: indices into one snapshot, small enough to go along
/// with a query that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    policy: u32,
    named: Option<u32>,
    by: By,
}

/// What chose the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Entry(u32),
    Expired,
    Default,
}

impl Who {
    /// The index of the policy in the snapshot.
    #[inline]
    pub fn policy(&self) -> usize {
        self.policy as usize
    }
}

impl Subjects {
    /// What is said of an identity.
    #[inline]
    pub fn identity(&self, id: &SpiffeId) -> Found {
        self.identities.find(id)
    }

    /// What is said of a token, by its SHA-256; none of one that is not known.
    #[inline]
    pub fn token(&self, digest: &[u8; 32]) -> Option<Found> {
        self.tokens.get(digest).copied()
    }

    /// What is said of an address. An IPv4-mapped IPv6 address counts as IPv4.
    #[inline]
    pub fn address(&self, address: IpAddr) -> Found {
        self.networks.find(address)
    }

    /// The policy for what was found: that of the most specific subject, else the default one. None
    /// where nothing speaks for the client.
    #[inline]
    pub fn decide(&self, found: Found) -> Option<Who> {
        let (policy, by) = match found.speaks {
            Some(Speaks { entry, policy }) => (policy, By::Entry(entry)),
            None => (self.default?, By::Default),
        };
        Some(Who { policy, named: found.named, by })
    }

    /// The policy for an identity whose certificate has expired; the subjects that mean the
    /// identity itself do not speak for it any more, they only name it.
    pub fn decide_expired(&self, found: Found) -> Option<Who> {
        Some(Who { policy: self.expired?, named: found.named, by: By::Expired })
    }

    /// The index of the policy of a client that no subject means; none refuses it.
    pub fn default_policy(&self) -> Option<usize> {
        self.default.map(|index| index as usize)
    }

    /// The subject that chose the policy, as the policy wrote it; `default` for the policy without
    /// subjects.
    pub fn subject(&self, who: &Who) -> &str {
        match who.by {
            By::Entry(entry) => self.entries.get(entry as usize).map_or("", |e| &e.subject),
            By::Expired => "expired",
            By::Default => "default",
        }
    }

    /// What the client is called, where a document says so.
    pub fn client(&self, who: &Who) -> Option<&str> {
        self.entries.get(who.named? as usize)?.client.as_deref()
    }

    /// The name of the token that the client showed.
    pub fn token_name(&self, digest: &[u8; 32]) -> Option<&str> {
        let found = self.token(digest)?;
        self.entries.get(found.named? as usize)?.token.as_deref()
    }

    /// The SHA-256 of the token with this name.
    pub fn digest(&self, token: &str) -> Option<[u8; 32]> {
        self.digests.get(token).copied()
    }
}
