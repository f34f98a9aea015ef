//! The certificate of the client: good, or the handshake fails.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::spiffe_id::SpiffeId;
use crate::trust::{Refusal, Svid, Trust, leaf};

/// Checks the certificate of one handshake, under the trust with which that began, and keeps the
/// result: the library itself keeps no more than yes or no.
pub(super) struct ClientVerifier {
    trust: Arc<Trust>,
    is_required: bool,
    algorithms: WebPkiSupportedAlgorithms,
    shown: OnceLock<Result<Arc<Svid>, Refusal>>,
    /// Whom the first certificate of a refused chain names.
    claimed: OnceLock<SpiffeId>,
}

impl ClientVerifier {
    pub(super) fn new(
        trust: Arc<Trust>,
        is_required: bool,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { trust, is_required, algorithms, shown: OnceLock::new(), claimed: OnceLock::new() }
    }

    /// What was found of the certificate; none when none was shown.
    pub(super) fn shown(&self) -> Option<&Result<Arc<Svid>, Refusal>> {
        self.shown.get()
    }

    /// Whom the certificate that was shown names; nothing is proved of one that was refused.
    pub(super) fn claimed(&self) -> Option<&SpiffeId> {
        match self.shown.get()? {
            Ok(svid) => Some(&svid.id),
            Err(_) => self.claimed.get(),
        }
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// Where a certificate is not required, a client without one may have a token, or be served by
    /// its network; one that has neither is answered with REFUSED, which says more than a failed
    /// handshake.
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    /// No hints (RFC 8446 section 4.2.4): with them, a client whose certificate comes from
    /// elsewhere would show nothing, and its owner would not learn that the certificate is the
    /// wrong one.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.trust.verify(certificate, intermediates, now).map(Arc::new);
        if verified.is_err()
            && let Some(id) = leaf::claimed(certificate)
        {
            let _ = self.claimed.set(id);
        }
        // There is one certificate in a handshake: the first result stands.
        match self.shown.get_or_init(|| verified) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => Err(refusal.error()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl std::fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientVerifier").field("shown", &self.shown).finish()
    }
}
