//! receive: what arrived, over what, and when.
//!
//! Transport knowledge ends here. The listener fills an [`Arrival`]; nothing later knows sockets.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::client_identity::ClientIdentity;

/// How a query came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Transport {
    Udp,
    Tcp,
    Dot,
    Doh,
    Mesh,
}

impl Transport {
    /// Every transport, in the order of [`Transport::index`].
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Dot, Self::Doh, Self::Mesh];

    /// A small number for tables.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether messages follow each other on it with nothing but their lengths between them.
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Dot | Self::Mesh)
    }

    /// The word in statistics and log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Dot => "dot",
            Self::Doh => "doh",
            Self::Mesh => "mesh",
        }
    }

    /// Whether the transport hides the question from the network.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Dot | Self::Doh)
    }
}

/// One message as the listener took it from its transport.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// The DNS message, without the length prefix of a stream.
    pub packet: &'a [u8],
    /// How it came.
    pub transport: Transport,
    /// The address of the client: the connection's own, or what a sidecar says of its client.
    pub client: SocketAddr,
    /// The address of the connection: the only thing that `admit` may key on.
    pub connection: IpAddr,
    /// Who it is, as far as the listener found out.
    pub identity: &'a ClientIdentity,
    /// When the batch was read; one clock call serves all of it.
    pub now: Instant,
    /// The worker that read it; its counters are written without contention.
    pub worker: usize,
}
