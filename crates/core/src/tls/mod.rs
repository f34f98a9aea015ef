//! TLS of the listeners: one certificate for all of them, changed without restarting anything.
//!
//! | standard | where |
//! |---|---|
//! | RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2); nothing older (RFC 8996) | [`ServerTls::new`] |
//! | RFC 7301 (ALPN) | [`Service::protocols`] |
//! | RFC 7858 section 3, RFC 8484 section 5.2 | [`Service::protocols`] |
//! | X509-SVID (client certificates) | [`client_verifier`], [`crate::trust`] |

mod client_verifier;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::crypto::CryptoProvider;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use crate::Error;
use crate::options::ClientCertificates;
use crate::pem;
use crate::spiffe_id::SpiffeId;
use crate::trust::{Refusal, Svid, Trust};
use client_verifier::ClientVerifier;

/// What a TLS connection is for; it decides which application protocols are agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// DNS over TLS.
    Dot,
    /// DNS over HTTPS.
    Doh,
}

impl Service {
    /// The protocols offered by ALPN, most wanted first. A client that names others only is
    /// refused with `no_application_protocol` (RFC 7301 section 3.2); one that names none is
    /// served, because many DoT clients do not.
    const fn protocols(self) -> &'static [&'static [u8]] {
        match self {
            // RFC 7858 does not ask for ALPN; `dot` is registered by IANA for it.
            Self::Dot => &[b"dot"],
            // RFC 8484 section 5.2 makes HTTP/2 the least version to support well.
            Self::Doh => &[b"h2", b"http/1.1"],
        }
    }
}

/// The listeners' side of TLS.
///
/// Until a certificate is installed every handshake fails: there is no made-up certificate and no
/// cleartext to fall back to.
pub struct ServerTls {
    provider: Arc<CryptoProvider>,
    installed: Arc<Installed>,
    trust: ArcSwap<Trust>,
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    dot: Arc<ServerConfig>,
    doh: Arc<ServerConfig>,
}

/// The terms of one handshake, and what its client showed.
pub struct Terms {
    /// What the handshake needs.
    pub config: Arc<ServerConfig>,
    verifier: Option<Arc<ClientVerifier>>,
}

impl Terms {
    /// What was found of the certificate of the client; none when it showed none. It is proved to
    /// be the client's own once the handshake has succeeded, and not before.
    pub fn shown(&self) -> Option<&Result<Arc<Svid>, Refusal>> {
        self.verifier.as_ref()?.shown()
    }

    /// Whom that certificate names; nothing is proved of one that was refused.
    pub fn claimed(&self) -> Option<&SpiffeId> {
        self.verifier.as_ref()?.claimed()
    }
}

impl ServerTls {
    /// TLS 1.3 and 1.2 without a certificate yet, accepting no client certificate.
    ///
    /// # Errors
    /// When the provider lacks what these versions need; a build that passed its tests has it.
    pub fn new() -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let installed = Arc::new(Installed::default());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| Error::invalid("tls", error.to_string()))?;
        let dot = Arc::new(config(Service::Dot, builder.clone(), None, &installed));
        let doh = Arc::new(config(Service::Doh, builder.clone(), None, &installed));
        let trust = ArcSwap::from_pointee(Trust::nobody());
        Ok(Self { provider, installed, trust, builder, dot, doh })
    }

    /// Takes a certificate chain (the server's own first) and its private key, both PEM. New
    /// handshakes use them from now on; open connections stay as they are.
    ///
    /// # Errors
    /// When one of them cannot be read, or the key is not that of the first certificate. What was
    /// installed before then stays in use.
    pub fn install(&self, certificate_pem: &[u8], key_pem: &[u8]) -> Result<(), Error> {
        let chain = pem::certificates(certificate_pem);
        let chain = chain.map_err(|why| Error::invalid("certificate", why))?;
        let key = pem::private_key(key_pem)?;
        let certified = CertifiedKey::from_der(chain, key, &self.provider).map_err(refused)?;
        self.installed.0.store(Some(Arc::new(certified)));
        Ok(())
    }

    /// Sets whose certificates are accepted in the handshakes that begin from now on.
    pub fn trust(&self, trust: Arc<Trust>) {
        self.trust.store(trust);
    }

    /// Whether handshakes can succeed.
    pub fn is_ready(&self) -> bool {
        self.installed.0.load().is_some()
    }

    /// The terms of a new handshake for this service, with a client that is asked for a certificate
    /// or is not. Where nobody's certificate could be good, it is asked for only to be required:
    /// then nobody is let in.
    pub fn terms(&self, service: Service, certificates: ClientCertificates) -> Terms {
        let trust = self.trust.load_full();
        let asks = match certificates {
            ClientCertificates::Never => false,
            ClientCertificates::Ask => trust.asks(),
            ClientCertificates::Require => true,
        };
        if !asks {
            let config = match service {
                Service::Dot => &self.dot,
                Service::Doh => &self.doh,
            };
            return Terms { config: Arc::clone(config), verifier: None };
        }
        let algorithms = self.provider.signature_verification_algorithms;
        let is_required = certificates == ClientCertificates::Require;
        let verifier = Arc::new(ClientVerifier::new(trust, is_required, algorithms));
        // One for each handshake, because the verifier keeps what it found there. Making it takes
        // less than a microsecond.
        let config = config(service, self.builder.clone(), Some(&verifier), &self.installed);
        Terms { config: Arc::new(config), verifier: Some(verifier) }
    }
}

/// The one place where the terms of a handshake are set.
fn config(
    service: Service,
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    verifier: Option<&Arc<ClientVerifier>>,
    installed: &Arc<Installed>,
) -> ServerConfig {
    let mut config = builder
        .with_client_cert_verifier(match verifier {
            Some(verifier) => Arc::clone(verifier) as _,
            None => WebPkiClientVerifier::no_client_auth(),
        })
        .with_cert_resolver(Arc::clone(installed) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = service.protocols().iter().map(|name| name.to_vec()).collect();
    // No resumption: a resumed session does not show its certificate again (RFC 8446 section 2.2),
    // so that one revoked since would still be let in, and a session with a server name that never
    // asks could be resumed with one that does. The price is one signature for each new
    // connection, and DNS clients keep theirs open (RFC 7766 section 6.2.1).
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Early data can be replayed (RFC 8446 section 8), and comes before the client has proved
    // who it is.
    config.max_early_data_size = 0;
    config
}

fn refused(error: rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(_) => Error::invalid(
            "key",
            "does not belong to the certificate; give the key that this certificate was made for, \
             and put the server's certificate first in its file",
        ),
        other => Error::invalid("key", format!("cannot be used for TLS: {other}")),
    }
}

/// The certificate in use, read once for each handshake.
#[derive(Default)]
struct Installed(ArcSwapOption<CertifiedKey>);

impl ResolvesServerCert for Installed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

impl std::fmt::Debug for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installed").field("ready", &self.0.load().is_some()).finish()
    }
}

#[cfg(test)]
mod tests;
