//! Who is on the other side of a connection, as its listener found out.
//!
//! The listener fills a [`ClientIdentity`] once for each connection; `identify` asks it for each query,
//! because what is believed may have changed since.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

pub use crate::trust::Svid;

/// A SPIFFE ID: `spiffe://<trust domain>/<path>` (SPIFFE-ID section 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId(Arc<str>);

/// Octets of the longest SPIFFE ID (SPIFFE-ID section 2.3).
const MAX_ID: usize = 2048;
/// Octets of the longest trust domain (SPIFFE-ID section 2.3).
const MAX_DOMAIN: usize = 255;
const SCHEME: &str = "spiffe://";

impl SpiffeId {
    /// Reads an ID; none where the text is not one, letter by letter (SPIFFE-ID section 2).
    pub fn read(text: &str) -> Option<Self> {
        let (domain, path) = text.strip_prefix(SCHEME)?.split_once('/')?;
        let is_segment = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        let fits = text.len() <= MAX_ID && Self::is_trust_domain(domain);
        let has_path = path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_segment));
        (fits && has_path).then(|| Self(text.into()))
    }

    /// Whether the text is the name of a trust domain (SPIFFE-ID section 2.1).
    pub fn is_trust_domain(text: &str) -> bool {
        let is_domain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
        (1..=MAX_DOMAIN).contains(&text.len()) && text.bytes().all(is_domain)
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its trust domain.
    pub fn trust_domain(&self) -> &str {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or_default();
        rest.split_once('/').map_or(rest, |(domain, _)| domain)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client showed.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    Nothing,
    /// A certificate of its own.
    Certificate(Arc<Svid>),
    /// An identity for which a sidecar vouches.
    Mesh(SpiffeId),
    /// The SHA-256 of a token.
    Token([u8; 32]),
    /// Something that cannot be read: it is known to nobody.
    Unreadable,
}

/// Characters of a token: 160 bits in base32 (RFC 4648 section 6), in lower case and without padding.
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

    /// A client that showed this: its network does not matter, whatever comes of it.
    pub const fn showing(credential: Credential) -> Self {
        Self { credential, by_network: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_trust_domain_and_a_path() {
        let id = SpiffeId::read("spiffe://keyhole.lab/ns/shop/sa/web").unwrap();
        assert_eq!(id.trust_domain(), "keyhole.lab");
        assert_eq!(id.to_string(), "spiffe://keyhole.lab/ns/shop/sa/web");
        for text in [
            "",
            "spiffe://keyhole.lab",
            "spiffe://keyhole.lab/",
            "spiffe:///ns/shop",
            "https://keyhole.lab/ns",
            "spiffe://Keyhole.lab/ns",
            "spiffe://keyhole.lab:8443/ns",
            "spiffe://user@keyhole.lab/ns",
            "spiffe://keyhole.lab/ns//sa",
            "spiffe://keyhole.lab/ns/",
            "spiffe://keyhole.lab/../sa",
            "spiffe://keyhole.lab/ns?x=1",
            "spiffe://keyhole.lab/ns#x",
            "spiffe://keyhole.lab/n%73",
            "spiffe://keyhole.lab/ns\0",
        ] {
            assert_eq!(SpiffeId::read(text), None, "{text:?}");
        }
        assert!(SpiffeId::read(&format!("spiffe://a/{}", "b".repeat(2_037))).is_some());
        assert!(SpiffeId::read(&format!("spiffe://a/{}", "b".repeat(2_038))).is_none());
    }

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
