//! Why a TLS handshake failed without a word about the certificate of the client: one closed table.

use rustls::{AlertDescription, CertificateError, Error};

use crate::Reason;
use crate::trust::Refusal;

macro_rules! failures {
    ($(#[doc = $doc:literal] $name:ident, $word:literal, $reason:expr;)*) => {
        /// Why a handshake failed, where no certificate of the client was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum HandshakeFailure { $(#[doc = $doc] $name),* }

        impl HandshakeFailure {
            /// Every failure, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word under which it is counted.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }

            /// The reason in the query log; none where nobody was refused.
            pub const fn reason(self) -> Option<Reason> { match self { $(Self::$name => $reason),* } }
        }
    };
}

failures! {
    #[doc = "The client showed no certificate where one is required."]
    NoCertificate, "no_certificate", Some(Reason::CertificateMissing);
    #[doc = "The client showed a certificate and could not prove that the key is its own."]
    NoProof, "no_proof_of_key", Some(Reason::CertificateInvalid);
    #[doc = "The client does not accept the certificate of this server: another root, another name, or expired."]
    ServerRefused, "server_certificate_refused", Some(Reason::ServerCertificateRefused);
    #[doc = "This server has no certificate yet."]
    NotReady, "no_server_certificate", Some(Reason::HandshakeFailed);
    #[doc = "The client speaks no application protocol of this listener (ALPN)."]
    NoProtocol, "no_common_protocol", Some(Reason::HandshakeFailed);
    #[doc = "The client speaks no TLS version or algorithm of this server."]
    Incompatible, "incompatible_tls", Some(Reason::HandshakeFailed);
    #[doc = "The connection began with something else than TLS."]
    NotTls, "not_tls", Some(Reason::HandshakeFailed);
    #[doc = "The client broke the rules of TLS, or gave up with another alert."]
    Other, "other", Some(Reason::HandshakeFailed);
    #[doc = "The client left before the handshake was over, as a check of an open port does."]
    Gone, "gone", None;
    #[doc = "The handshake took too long."]
    Late, "late", None;
}

impl HandshakeFailure {
    /// What the error of a handshake means. `has_begun` says whether the first message of the client
    /// could be read.
    pub fn of(error: &std::io::Error, has_begun: bool) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None => Self::Gone,
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::InvalidCertificate(CertificateError::BadSignature)) => Self::NoProof,
            Some(Error::NoApplicationProtocol) => Self::NoProtocol,
            Some(Error::PeerIncompatible(_)) => Self::Incompatible,
            Some(Error::InvalidMessage(_) | Error::InappropriateMessage { .. }) if !has_begun => {
                Self::NotTls
            }
            Some(Error::AlertReceived(alert)) => Self::of_alert(*alert),
            Some(_) => Self::Other,
        }
    }

    /// What a client says by the alert with which it gives up (RFC 8446 section 6.2).
    const fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            // Its root has the name of ours, and another key.
            | AlertDescription::DecryptError => Self::ServerRefused,
            AlertDescription::UserCanceled | AlertDescription::CloseNotify => Self::Gone,
            AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity => {
                Self::Incompatible
            }
            _ => Self::Other,
        }
    }
}

/// The reason in the query log for a client certificate that was refused.
pub const fn reason_of(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::UnknownTrustDomain
        | Refusal::UnknownIssuer
        | Refusal::ChainTooLong
        | Refusal::UnknownRevocation
        | Refusal::StaleRevocationList => Reason::CertificateUntrusted,
        Refusal::NotYetValid => Reason::CertificateNotYetValid,
        Refusal::IssuerExpired => Reason::CertificateExpired,
        Refusal::Revoked => Reason::CertificateRevoked,
        Refusal::Unreadable
        | Refusal::NoIdentity
        | Refusal::SeveralIdentities
        | Refusal::InvalidIdentity
        | Refusal::Authority
        | Refusal::WrongPurpose
        | Refusal::WeakKey
        | Refusal::WeakSignature
        | Refusal::Invalid => Reason::CertificateInvalid,
    }
}
