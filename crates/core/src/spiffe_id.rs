//! SPIFFE IDs (SPIFFE-ID section 2): the names of workloads in certificates and documents.

use std::fmt;
use std::sync::Arc;

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
}
