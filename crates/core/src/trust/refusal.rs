//! Why a client certificate is refused: one closed table of words and TLS alerts.

use rustls::{CertificateError, Error};

macro_rules! refusals {
    ($(#[doc = $doc:literal] $name:ident, $word:literal, $error:ident;)*) => {
        /// Why a client certificate is refused. Each ends the handshake with an alert (RFC 8446
        /// section 6.2) and is counted by its word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Refusal { $(#[doc = $doc] $name),* }

        impl Refusal {
            /// Every refusal, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word under which it is counted.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }

            /// The error whose alert the client gets.
            pub const fn error(self) -> Error {
                Error::InvalidCertificate(match self { $(Self::$name => CertificateError::$error),* })
            }
        }
    };
}

// The error is chosen for its alert: BadEncoding and NotValidForName give bad_certificate,
// InvalidPurpose gives unsupported_certificate, UnknownIssuer gives unknown_ca.
refusals! {
    #[doc = "It is no certificate, or one of its extensions cannot be read."]
    Unreadable, "unreadable_certificate", BadEncoding;
    #[doc = "It has no URI as subject alternative name: nobody is named."]
    NoIdentity, "no_identity_in_certificate", NotValidForName;
    #[doc = "It has more than one URI (X509-SVID section 2)."]
    SeveralIdentities, "several_identities_in_certificate", NotValidForName;
    #[doc = "Its URI is not a SPIFFE ID of a workload."]
    InvalidIdentity, "invalid_identity_in_certificate", NotValidForName;
    #[doc = "It may sign other certificates, which a workload must not (X509-SVID section 5.2)."]
    Authority, "authority_as_client", InvalidPurpose;
    #[doc = "Its key usage or extended key usage is not that of a client."]
    WrongPurpose, "wrong_purpose", InvalidPurpose;
    #[doc = "Its key is too short to prove anything."]
    WeakKey, "weak_key", InvalidPurpose;
    #[doc = "Its chain is signed by an algorithm that is not accepted, such as SHA-1."]
    WeakSignature, "weak_signature", InvalidPurpose;
    #[doc = "Nothing is known about its trust domain."]
    UnknownTrustDomain, "unknown_trust_domain", UnknownIssuer;
    #[doc = "No authority of its trust domain has signed it."]
    UnknownIssuer, "unknown_issuer", UnknownIssuer;
    #[doc = "It came with more certificates than any chain has."]
    ChainTooLong, "chain_too_long", UnknownIssuer;
    #[doc = "It, or one that signed it, is not valid yet."]
    NotYetValid, "not_yet_valid", NotValidYet;
    #[doc = "It is good, but one that signed it has expired."]
    IssuerExpired, "issuer_expired", Expired;
    #[doc = "It, its identity, or one that signed it was revoked."]
    Revoked, "revoked", Revoked;
    #[doc = "Its trust domain has revocation lists, and none of them speaks of it."]
    UnknownRevocation, "unknown_revocation", UnknownRevocationStatus;
    #[doc = "The revocation list that speaks of it should have been replaced by now."]
    StaleRevocationList, "stale_revocation_list", ExpiredRevocationList;
    #[doc = "It breaks another rule of RFC 5280, such as a name constraint of its issuer."]
    Invalid, "invalid_certificate", BadEncoding;
}

impl Refusal {
    /// What the check of a chain says about it.
    pub(super) fn of_chain(error: &Error) -> Self {
        let Error::InvalidCertificate(error) = error else {
            return Self::of_revocation_list(error);
        };
        match error {
            CertificateError::BadEncoding => Self::Unreadable,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Self::IssuerExpired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::Revoked => Self::Revoked,
            // A namesake of the issuer has signed it, with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::UnknownRevocationStatus => Self::UnknownRevocation,
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::StaleRevocationList,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::WeakSignature
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            _ => Self::Invalid,
        }
    }

    /// A list that its issuer has not signed says nothing about anything.
    fn of_revocation_list(error: &Error) -> Self {
        match error {
            Error::InvalidCertRevocationList(_) => Self::UnknownRevocation,
            _ => Self::Invalid,
        }
    }
}
