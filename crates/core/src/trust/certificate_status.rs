//! The present status of a client certificate.

/// The present status of a certificate that was good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It would be let in again.
    Good,
    /// It, its identity, or one that signed it was revoked.
    Revoked,
    /// It does not chain to the roots of its trust domain any more.
    Untrusted,
}
