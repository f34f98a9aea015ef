//! How an upstream proves who it is: roots, name, address or SPIFFE ID, revocation lists, pins.
//!
//! The strict profile of RFC 8310: without proof there is no connection, and nothing falls back to
//! the clear. The name counts as subject alternative name only (RFC 9525).
//!
//! Where revocation lists are given, every certificate of the chain needs one that speaks of it, is
//! signed by its issuer and has not expired (RFC 5280 section 6.3.3): a list that could be withheld
//! would revoke nothing.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::identity::Identity;
use super::pin::{Pin, PinnedVerifier, read_pin};
use super::spiffe::IdVerifier;
use crate::Error;
use crate::document::{RootsDocument, UpstreamDocument, UpstreamProtocol};
use crate::spiffe_id::SpiffeId;

/// The one TLS provider of this process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The TLS settings of an upstream; `place` is where its document is.
pub(super) fn client_config(
    place: &str,
    document: &UpstreamDocument,
    identity: Option<Arc<Identity>>,
) -> Result<Arc<ClientConfig>, Error> {
    let pins = pins(place, &document.pins)?;
    let mut verifier = verifier(place, document)?;
    if !pins.is_empty() {
        verifier = Arc::new(PinnedVerifier { roots: verifier, pins });
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid(place, error.to_string()))?
        // Not less than the usual check: the verifier above is the usual one, or stricter.
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = match document.protocol {
        UpstreamProtocol::Doh | UpstreamProtocol::DohCleartext => vec![b"h2".to_vec()],
        // RFC 7858 section 3.1 knows no ALPN, but a port shared with HTTPS needs one (RFC 9461).
        UpstreamProtocol::Dot | UpstreamProtocol::Tcp => vec![b"dot".to_vec()],
    };
    // A resumed session proves neither certificate again; handshakes are rare here.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The check of the certificate but for pins.
fn verifier(
    place: &str,
    document: &UpstreamDocument,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let roots = Arc::new(roots(place, &document.roots)?);
    let crls = crls(place, &document.crls)?;
    let Some(id) = &document.server_id else {
        let ders = crls.into_iter().map(|(der, _)| der);
        let built = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .with_crls(ders)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| Error::invalid(format!("{place}.roots"), error.to_string()))?;
        return Ok(built);
    };
    let id = SpiffeId::read(id).ok_or_else(|| {
        let why = format!("{id:?} is not a SPIFFE ID such as spiffe://example.org/ns/dns/sa/dns");
        Error::invalid(format!("{place}.server_id"), why)
    })?;
    let crls = crls.into_iter().map(|(_, list)| list).collect();
    let algorithms = provider().signature_verification_algorithms;
    Ok(Arc::new(IdVerifier { roots, crls, id, algorithms }))
}

/// Revocation lists, as they are and as they are read.
type Crls = Vec<(CertificateRevocationListDer<'static>, CertRevocationList<'static>)>;

fn crls(place: &str, text: &str) -> Result<Crls, Error> {
    let invalid = |why: String| Error::invalid(format!("{place}.crls"), why);
    let mut crls = Crls::new();
    for der in CertificateRevocationListDer::pem_slice_iter(text.as_bytes()) {
        let der = der.map_err(|error| invalid(format!("is not valid PEM: {error}")))?;
        let list = OwnedCertRevocationList::from_der(&der)
            .map_err(|error| invalid(format!("list {} cannot be used: {error}", crls.len() + 1)))?;
        crls.push((der, list.into()));
    }
    // A list that went missing on the way must not revoke nothing.
    if crls.is_empty() && !text.is_empty() {
        return Err(invalid("holds no PEM block that says BEGIN X509 CRL".into()));
    }
    Ok(crls)
}

fn roots(place: &str, document: &RootsDocument) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    match document {
        RootsDocument::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        RootsDocument::Pem(text) => {
            let invalid = |why: String| Error::invalid(format!("{place}.roots.pem"), why);
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
                store.add(certificate).map_err(|error| invalid(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(invalid("no certificate in the PEM text".into()));
            }
        }
    }
    Ok(store)
}

fn pins(place: &str, texts: &[String]) -> Result<Vec<Pin>, Error> {
    let read = |(index, text): (usize, &String)| {
        read_pin(text).ok_or_else(|| {
            Error::invalid(
                format!("{place}.pins[{index}]"),
                format!("{text} is not the base64 of a SHA-256; 44 characters ending in = are"),
            )
        })
    };
    texts.iter().enumerate().map(read).collect()
}
