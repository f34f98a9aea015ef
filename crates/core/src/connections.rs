//! What became of connections before their first query: counted by what their clients showed.
//!
//! They are rare beside queries, so all workers count in one place.

mod failure;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::Reason;
use crate::trust::Refusal;
pub use failure::{HandshakeFailure, reason_of};

/// How a TLS handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The client proved that it owns a good certificate.
    WithCertificate,
    /// The client showed no certificate, or was not asked for one.
    WithoutCertificate,
    /// The certificate that the client showed was refused.
    Refused(Refusal),
    /// It failed for another reason.
    Failed(HandshakeFailure),
}

macro_rules! mesh_handshakes {
    ($(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {
        /// How a connection to the mesh listener began.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum MeshHandshake { $(#[doc = $doc] $name),* }

        impl MeshHandshake {
            /// Every beginning, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word under which it is counted.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }
        }
    };
}

impl MeshHandshake {
    /// The reason in the query log; none where nobody was refused.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::UntrustedPeer | Self::MalformedHeader | Self::LateHeader => {
                Some(Reason::SidecarRefused)
            }
            // Queries of an unreadable identity are refused and logged one by one.
            Self::Identified
            | Self::Unidentified
            | Self::Unreadable
            | Self::Local
            | Self::Silent => None,
        }
    }
}

mesh_handshakes! {
    #[doc = "A sidecar vouched for an identity."]
    Identified, "identified";
    #[doc = "A sidecar vouched for nobody."]
    Unidentified, "unidentified";
    #[doc = "A sidecar named somebody for whom it may not vouch, or in a way that cannot be read."]
    Unreadable, "unreadable";
    #[doc = "A sidecar asked for itself, to see whether anybody is here (LOCAL)."]
    Local, "local";
    #[doc = "It was closed before it said anything, as one is whose client never spoke."]
    Silent, "silent";
    #[doc = "It came from elsewhere than a sidecar; it was closed."]
    UntrustedPeer, "untrusted_peer";
    #[doc = "It began with something else than a header of PROXY protocol v2; it was closed."]
    MalformedHeader, "malformed_header";
    #[doc = "Its header did not come in time; it was closed."]
    LateHeader, "late_header";
}

macro_rules! closed_connections {
    ($(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {
        /// Why a connection was closed before its client could ask.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum ClosedConnection { $(#[doc = $doc] $name),* }

        impl ClosedConnection {
            /// Every cause, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word under which it is counted.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }
        }
    };
}

closed_connections! {
    #[doc = "Its network is not served, and the few places of such networks were taken."]
    Unserved, "unserved";
    #[doc = "All places for connections were taken."]
    Full, "full";
    #[doc = "Its network had its share of open connections."]
    OverNetworkShare, "over_network_share";
    #[doc = "Its identity had its share of open connections."]
    OverIdentityShare, "over_identity_share";
    #[doc = "Its network or identity opened too many connections in one second."]
    TooManyNew, "too_many_new";
}

const CLOSED: usize = ClosedConnection::ALL.len();
const REFUSALS: usize = Refusal::ALL.len();
const FAILURES: usize = HandshakeFailure::ALL.len();
const MESH_HANDSHAKES: usize = MeshHandshake::ALL.len();

/// The counters of all workers.
#[derive(Default)]
pub struct Connections {
    with_certificate: AtomicU64,
    without_certificate: AtomicU64,
    failures: [AtomicU64; FAILURES],
    refused: [AtomicU64; REFUSALS],
    mesh: [AtomicU64; MESH_HANDSHAKES],
    closed: [AtomicU64; CLOSED],
}

impl Connections {
    /// Counts a handshake that ended.
    pub fn count_handshake(&self, ended: Handshake) {
        let counter = match ended {
            Handshake::WithCertificate => &self.with_certificate,
            Handshake::WithoutCertificate => &self.without_certificate,
            Handshake::Failed(failure) => &self.failures[failure as usize],
            Handshake::Refused(refusal) => &self.refused[refusal as usize],
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection to the mesh listener.
    pub fn count_mesh_handshake(&self, handshake: MeshHandshake) {
        self.mesh[handshake as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that was closed because of a limit.
    pub fn count_closed(&self, closed: ClosedConnection) {
        self.closed[closed as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All counts as a document: `handshakes` with `refused` and `failures` by word, `mesh` and
    /// `closed` by word. Words that were never counted are left out.
    pub fn document(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let words = Refusal::ALL.iter().map(|refusal| refusal.word());
        let failures = HandshakeFailure::ALL.iter().map(|failure| failure.word());
        let mesh_handshakes = MeshHandshake::ALL.iter().map(|handshake| handshake.word());
        let closed = ClosedConnection::ALL.iter().map(|closed| closed.word());
        json!({
            "handshakes": {
                "with_certificate": read(&self.with_certificate),
                "without_certificate": read(&self.without_certificate),
                "failed": self.failures.iter().map(read).sum::<u64>(),
                "failures": counted(failures, &self.failures),
                "refused": counted(words, &self.refused),
            },
            "mesh": counted(mesh_handshakes, &self.mesh),
            "closed": counted(closed, &self.closed),
        })
    }
}

fn counted(
    words: impl Iterator<Item = &'static str>,
    counters: &[AtomicU64],
) -> Map<String, Value> {
    let counts = counters.iter().map(|counter| counter.load(Ordering::Relaxed));
    words
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(w, count)| (w.into(), count.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_handshake_is_counted_under_its_word() {
        let connections = Connections::default();
        for ended in [
            Handshake::WithCertificate,
            Handshake::WithoutCertificate,
            Handshake::Failed(HandshakeFailure::Gone),
            Handshake::Refused(Refusal::ALL[REFUSALS - 1]),
            Handshake::Refused(Refusal::Revoked),
            Handshake::Refused(Refusal::Revoked),
        ] {
            connections.count_handshake(ended);
        }
        connections.count_mesh_handshake(MeshHandshake::LateHeader);
        connections.count_closed(ClosedConnection::Full);
        assert_eq!(
            connections.document(),
            json!({
                "handshakes": {
                    "with_certificate": 1, "without_certificate": 1, "failed": 1,
                    "failures": {"gone": 1},
                    "refused": {"revoked": 2, "invalid_certificate": 1},
                },
                "mesh": {"late_header": 1},
                "closed": {"full": 1},
            })
        );
    }
}
