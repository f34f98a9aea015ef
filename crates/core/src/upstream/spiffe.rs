//! Upstreams that prove a SPIFFE ID instead of a name.
//!
//! | standard | where |
//! | --- | --- |
//! | RFC 5280 section 6 (the chain) | [`IdVerifier`] |
//! | X509-SVID section 2 (one URI), section 4.3 (key usage), section 5.2 | [`check_leaf`] |

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertRevocationListError, CertificateError, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationOptionsBuilder,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::quote::quote;
use crate::spiffe_id::SpiffeId;

/// Checks the chain of a certificate against roots and revocation lists, and then that it names
/// exactly this identity. The name that was asked for plays no part.
#[derive(Debug)]
pub(super) struct IdVerifier {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) crls: Vec<CertRevocationList<'static>>,
    pub(super) id: SpiffeId,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Why a certificate with a good chain does not prove an identity.
#[derive(Debug)]
pub(super) enum IdentityError {
    /// It names nobody.
    NoIdentity,
    /// It names more than one (X509-SVID section 2 allows exactly one URI).
    SeveralIdentities,
    /// It names somebody else.
    Other { presented: String, expected: SpiffeId },
    /// Its key may sign certificates or lists, or is not meant for signatures at all.
    KeyUsage,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentity => f.write_str("certificate names no SPIFFE ID"),
            Self::SeveralIdentities => f.write_str("certificate names more than one SPIFFE ID"),
            Self::Other { presented, expected } => {
                write!(f, "certificate is for {}, not {expected}", quote(presented))
            }
            Self::KeyUsage => f.write_str(
                "certificate is not that of a workload: its key usage must be digital signature, \
                 and neither certificate nor CRL signing",
            ),
        }
    }
}

impl std::error::Error for IdentityError {}

impl IdVerifier {
    fn check_chain(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let crls: Vec<_> = self.crls.iter().collect();
        // Without lists none is asked for; with lists each certificate of the chain needs one that
        // speaks of it and still holds (RFC 5280 section 6.3.3), as for names.
        let revocation = RevocationOptionsBuilder::new(&crls)
            .ok()
            .map(|options| options.with_expiration_policy(ExpirationPolicy::Enforce).build());
        EndEntityCert::try_from(certificate)?
            .verify_for_usage(
                self.algorithms.all,
                &self.roots.roots,
                intermediates,
                now,
                KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map(|_| ())
    }
}

/// The only URI must be this identity, and the certificate that of a workload.
fn check_leaf(certificate: &CertificateDer<'_>, id: &SpiffeId) -> Result<(), CertificateError> {
    let identity_error = |why: IdentityError| CertificateError::Other(OtherError(Arc::new(why)));
    let bad = |_| CertificateError::BadEncoding;
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let names = certificate.subject_alternative_name().map_err(bad)?;
    let names = names.map_or(&[][..], |names| names.value.general_names.as_slice());
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) if uri == id.as_str() => {}
        (Some(uri), None) => {
            let (presented, expected) = (uri.to_owned(), id.clone());
            return Err(identity_error(IdentityError::Other { presented, expected }));
        }
        (None, _) => return Err(identity_error(IdentityError::NoIdentity)),
        (Some(_), Some(_)) => return Err(identity_error(IdentityError::SeveralIdentities)),
    }
    let usage = certificate.key_usage().map_err(bad)?;
    let is_workload = usage.is_some_and(|usage| {
        let usage = usage.value;
        usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign()
    });
    if is_workload { Ok(()) } else { Err(identity_error(IdentityError::KeyUsage)) }
}

/// The error that the verifier of rustls gives for the same fault.
fn as_rustls_error(error: webpki::Error) -> rustls::Error {
    use webpki::Error as E;
    let certificate = match error {
        E::InvalidCrlSignatureForPublicKey => {
            return CertRevocationListError::BadSignature.into();
        }
        E::BadDer | E::BadDerTime | E::TrailingData(_) => CertificateError::BadEncoding,
        E::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        E::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        E::CertRevoked => CertificateError::Revoked,
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        E::CrlExpired { .. } => CertificateError::ExpiredRevocationList,
        E::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    certificate.into()
}

impl ServerCertVerifier for IdVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check_chain(end_entity, intermediates, now).map_err(as_rustls_error)?;
        check_leaf(end_entity, &self.id)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
