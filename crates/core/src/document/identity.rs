//! The part of the snapshot about clients: whose certificates are accepted, which policy applies.

use serde::{Deserialize, Serialize};

use crate::network::Network;

/// Whose certificates are accepted, and which were revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDocument {
    /// Trust domains, each with roots of its own, which never sign for another one.
    pub domains: Vec<TrustDomainDocument>,
    /// What was taken back.
    pub revoked: RevokedDocument,
}

/// One trust domain (SPIFFE-ID section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDomainDocument {
    /// Its name, such as `keyhole.lab`.
    pub name: String,
    /// The certificates of its authorities, PEM; several while one takes over from another.
    pub bundle: String,
    /// Certificate revocation lists (RFC 5280 section 5), PEM; empty for none.
    pub crls: String,
    /// Where it was declared.
    pub origin: String,
}

/// Identities and certificates that are refused though their chains are good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDocument {
    /// SPIFFE IDs; every certificate that names one is refused.
    pub identities: Vec<String>,
    /// Single certificates.
    pub certificates: Vec<RevokedCertificateDocument>,
    /// Identities whose older certificates are refused. Absent in snapshots of older versions.
    #[serde(default)]
    pub not_before: Vec<NotBeforeDocument>,
}

/// Every certificate of an identity that is valid from an earlier time on is refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotBeforeDocument {
    /// The SPIFFE ID.
    pub id: String,
    /// Unix time in seconds, compared with `notBefore` of the certificate (RFC 5280 section 4.1.2.5).
    pub at: i64,
}

/// One certificate, by the trust domain that issued it and its serial number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedCertificateDocument {
    /// The trust domain.
    pub domain: String,
    /// The serial number in lower-case hexadecimal without leading zeros.
    pub serial: String,
}

/// Which policy applies to whom. The most specific subject wins: an identity, the longest path
/// below which it lies, a network by its longest prefix, the default policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectsDocument {
    /// Single identities.
    pub identities: Vec<IdentityDocument>,
    /// Identities by the beginning of their path.
    pub below: Vec<BelowDocument>,
    /// Every token that is known.
    pub tokens: Vec<TokenDocument>,
    /// Networks; only where the listener admits clients that show nothing.
    pub networks: Vec<SubjectNetworkDocument>,
    /// The policy of clients whose certificate has expired; none refuses them.
    pub expired: Option<usize>,
}

/// One identity.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// The SPIFFE ID.
    pub id: String,
    /// What the client is called, where a document says so.
    pub client: Option<String>,
    /// The index of its policy; none leaves it to less specific subjects.
    pub policy: Option<usize>,
    /// The subject as the policy wrote it, for explanation.
    pub subject: String,
}

/// Identities below a path.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BelowDocument {
    /// A SPIFFE ID without a last slash; every ID that goes on after it with a slash is meant.
    pub prefix: String,
    /// The index of their policy.
    pub policy: usize,
    /// The subject as the policy wrote it, for explanation.
    pub subject: String,
}

/// One token. The token itself is not known here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenDocument {
    /// What it is called.
    pub name: String,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// What the client is called, where a document says so.
    pub client: Option<String>,
    /// The index of its policy; none leaves it to the default policy.
    pub policy: Option<usize>,
    /// The subject as the policy wrote it, for explanation.
    pub subject: String,
}

/// One network.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectNetworkDocument {
    /// The network.
    pub network: Network,
    /// What the client is called, where a document says so.
    pub client: Option<String>,
    /// The index of its policy; none leaves it to less specific subjects.
    pub policy: Option<usize>,
    /// The subject as the policy wrote it, for explanation.
    pub subject: String,
}
