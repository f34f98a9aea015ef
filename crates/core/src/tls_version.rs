//! The version of TLS of a connection.

use rustls::ProtocolVersion;

/// The version of TLS of a connection; older ones are not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    /// What a handshake agreed on; none before its end.
    pub const fn of(agreed: Option<ProtocolVersion>) -> Option<Self> {
        match agreed {
            Some(ProtocolVersion::TLSv1_2) => Some(Self::Tls12),
            Some(ProtocolVersion::TLSv1_3) => Some(Self::Tls13),
            _ => None,
        }
    }

    /// The word in the query log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}
