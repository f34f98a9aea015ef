//! TLS of the listeners: one certificate for all of them, changed without restarting anything.
//!
//! | standard | where |
//! |---|---|
//! | RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2); nothing older (RFC 8996) | [`ServerTls::new`] |
//! | RFC 7301 (ALPN) | [`Service::protocols`] |
//! | RFC 7858 section 3, RFC 8484 section 5.2 | [`Service::protocols`] |

mod pem;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Error;

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
    dot: Arc<ServerConfig>,
    doh: Arc<ServerConfig>,
}

impl ServerTls {
    /// TLS 1.3 and 1.2 without a certificate yet.
    ///
    /// # Errors
    /// When the provider lacks what these versions need; a build that passed its tests has it.
    pub fn new() -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let installed = Arc::new(Installed::default());
        let dot = config(Service::Dot, &provider, &installed)?;
        let doh = config(Service::Doh, &provider, &installed)?;
        Ok(Self { provider, installed, dot, doh })
    }

    /// Takes a certificate chain (the server's own first) and its private key, both PEM. New
    /// handshakes use them from now on; open connections stay as they are.
    ///
    /// # Errors
    /// When one of them cannot be read, or the key is not that of the first certificate. What was
    /// installed before then stays in use.
    pub fn install(&self, certificate_pem: &[u8], key_pem: &[u8]) -> Result<(), Error> {
        let chain = pem::certificates(certificate_pem)?;
        let key = pem::private_key(key_pem)?;
        let certified = CertifiedKey::from_der(chain, key, &self.provider).map_err(refused)?;
        self.installed.0.store(Some(Arc::new(certified)));
        Ok(())
    }

    /// Whether handshakes can succeed.
    pub fn is_ready(&self) -> bool {
        self.installed.0.load().is_some()
    }

    /// What a handshake for this service needs.
    pub fn config(&self, service: Service) -> Arc<ServerConfig> {
        match service {
            Service::Dot => Arc::clone(&self.dot),
            Service::Doh => Arc::clone(&self.doh),
        }
    }
}

/// The one place where the terms of a handshake are set. A verifier of client certificates takes
/// the place of `with_no_client_auth`.
fn config(
    service: Service,
    provider: &Arc<CryptoProvider>,
    installed: &Arc<Installed>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::invalid("tls", error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(installed) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = service.protocols().iter().map(|name| name.to_vec()).collect();
    // No resumption: a resumed session does not show its certificate again (RFC 8446 section 2.2),
    // so that one revoked since would still be let in. The price is one signature for each new
    // connection, and DNS clients keep theirs open (RFC 7766 section 6.2.1).
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Early data can be replayed (RFC 8446 section 8), and comes before the client has proved
    // who it is.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
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
