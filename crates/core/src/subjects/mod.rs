//! Subjects: which policy applies to a client, compiled so that a packet finds it with few probes.
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
mod subject_match;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::spiffe_id::SpiffeId;
use identities::Identities;
use networks::Networks;
use subject_match::PolicyChoice;
pub use subject_match::SubjectMatch;

/// Which policy applies to whom.
#[derive(Default)]
pub struct Subjects {
    identities: Identities,
    tokens: HashMap<[u8; 32], SubjectMatch, RandomState>,
    digests: HashMap<Box<str>, [u8; 32], RandomState>,
    networks: Networks,
    expired: Option<u32>,
    default: Option<u32>,
    /// All that the document names; the others hold indices.
    entries: Vec<SubjectEntry>,
    /// Whether one of them chooses a policy.
    choose_policies: bool,
}

/// One line of the document.
struct SubjectEntry {
    subject: Box<str>,
    client: Option<Box<str>>,
    token: Option<Box<str>>,
}

/// Who asks and which policy applies: indices into one snapshot, small enough to go along
/// with a query that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRef {
    policy: u32,
    named: Option<u32>,
    by: ChosenBy,
}

/// What chose the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChosenBy {
    Subject(u32),
    Expired,
    Default,
}

impl ClientRef {
    /// The index of the policy in the snapshot.
    #[inline]
    pub fn policy(&self) -> usize {
        self.policy as usize
    }
}

impl Subjects {
    /// What is said of an identity.
    #[inline]
    pub fn identity(&self, id: &SpiffeId) -> SubjectMatch {
        self.identities.find(id)
    }

    /// What is said of a token, by its SHA-256; none of one that is not known.
    #[inline]
    pub fn token(&self, digest: &[u8; 32]) -> Option<SubjectMatch> {
        self.tokens.get(digest).copied()
    }

    /// What is said of an address. An IPv4-mapped IPv6 address counts as IPv4.
    #[inline]
    pub fn address(&self, address: IpAddr) -> SubjectMatch {
        self.networks.find(address)
    }

    /// The policy for what was found: that of the most specific subject, else the default one. None
    /// where no policy applies to the client.
    #[inline]
    pub fn decide(&self, found: SubjectMatch) -> Option<ClientRef> {
        let (policy, by) = match found.choice {
            Some(PolicyChoice { entry, policy }) => (policy, ChosenBy::Subject(entry)),
            None => (self.default?, ChosenBy::Default),
        };
        Some(ClientRef { policy, named: found.named, by })
    }

    /// The policy for an identity whose certificate has expired; the subjects that mean the
    /// identity itself do not apply any more, they only name it.
    pub fn decide_expired(&self, found: SubjectMatch) -> Option<ClientRef> {
        Some(ClientRef { policy: self.expired?, named: found.named, by: ChosenBy::Expired })
    }

    /// Whether it depends on the client which policy applies.
    pub fn choose_policies(&self) -> bool {
        self.choose_policies
    }

    /// The index of the policy of a client that no subject means; none refuses it.
    pub fn default_policy(&self) -> Option<usize> {
        self.default.map(|index| index as usize)
    }

    /// The subject that chose the policy, as the policy wrote it; `default` for the policy without
    /// subjects.
    pub fn subject(&self, client_ref: &ClientRef) -> &str {
        match client_ref.by {
            ChosenBy::Subject(entry) => self.entries.get(entry as usize).map_or("", |e| &e.subject),
            ChosenBy::Expired => "expired",
            ChosenBy::Default => "default",
        }
    }

    /// What the client is called, where a document says so.
    pub fn client(&self, client_ref: &ClientRef) -> Option<&str> {
        self.entries.get(client_ref.named? as usize)?.client.as_deref()
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
