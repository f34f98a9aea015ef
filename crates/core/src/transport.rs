//! How queries come in: what the listeners speak.

use serde::{Deserialize, Serialize};

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
