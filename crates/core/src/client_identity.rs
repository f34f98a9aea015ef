//! Who is on the other side of a connection, as its listener found out.
//!
//! The listener fills a [`ClientIdentity`] once for each connection; `identify` asks it for each
//! query, because trust may have changed since.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::spiffe_id::SpiffeId;
pub use crate::trust::Svid;

/// What a client showed.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    Nothing,
    /// A certificate of its own.
    Certificate(Arc<Svid>),
    /// An identity that a sidecar has verified.
    Mesh(SpiffeId),
    /// The SHA-256 of a token.
    Token([u8; 32]),
    /// Something that cannot be read; it is refused.
    Unreadable,
}

/// Characters of a token: 160 bits in base32 (RFC 4648 section 6), in lower case and without
/// padding.
const TOKEN: usize = 32;

impl Credential {
    /// The credential that a token is, or none where the text does not look like one. Only its hash
    /// is kept, so that no log and no dump of the process holds a token.
    pub fn token(text: &str) -> Option<Self> {
        let is_token =
            text.len() == TOKEN && text.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'));
        let hash = || digest(&SHA256, text.as_bytes()).as_ref().try_into().ok();
        is_token.then(hash).flatten().map(Self::Token)
    }
}

/// Who is on the other side of a connection.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// What it showed.
    pub credential: Credential,
    /// Whether it is served by its network when it showed nothing.
    pub by_network: bool,
}

impl ClientIdentity {
    /// Anyone at a listener that serves by network.
    pub const NETWORK: Self = Self { credential: Credential::Nothing, by_network: true };
    /// Anyone who showed nothing where something is asked for.
    pub const NOBODY: Self = Self { credential: Credential::Nothing, by_network: false };

    /// What tells it from others where it has shown something of its own.
    pub fn shown(&self) -> Option<&[u8]> {
        match &self.credential {
            Credential::Certificate(svid) => Some(svid.id.as_str().as_bytes()),
            Credential::Mesh(id) => Some(id.as_str().as_bytes()),
            Credential::Token(digest) => Some(digest),
            Credential::Nothing | Credential::Unreadable => None,
        }
    }

    /// A client that showed this: its network does not matter, whatever comes of it.
    pub const fn showing(credential: Credential) -> Self {
        Self { credential, by_network: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_nothing_else_is_one() {
        let Some(Credential::Token(hash)) = Credential::token(&"a".repeat(32)) else {
            panic!("this is a token");
        };
        assert_eq!(hash[..4], [0x3b, 0xa3, 0xf5, 0xf4]);
        for text in ["", "dns", &"a".repeat(31), &"a".repeat(33), &"A".repeat(32), &"1".repeat(32)]
        {
            assert!(Credential::token(text).is_none(), "{text}");
        }
    }
}
