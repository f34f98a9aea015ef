//! One trust domain: its roots, its revocation lists, and the check of a chain against them.

use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, crypto};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::refusal::Refusal;
use crate::document::TrustDomainDocument;
use crate::faults::Faults;
use crate::pem;

/// A trust domain. Its roots sign for its own names and for no others.
pub(super) struct Domain(Arc<dyn ClientCertVerifier>);

impl Domain {
    /// Reads the certificates of a document; `place` is where that is.
    pub(super) fn compile(
        document: &TrustDomainDocument,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Self> {
        let origin = &document.origin;
        let mut fault = |field: &str, why: String| {
            faults.add(format!("{place}.{field}"), format!("{why} ({origin})"))
        };
        let roots = roots(&document.bundle).map_err(|why| fault("bundle", why));
        let lists = lists(&document.crls).map_err(|why| fault("crls", why));
        let (roots, lists) = (Arc::new(roots.ok()?), lists.ok()?);
        let count = lists.len();
        // Strict in everything: once a trust domain has revocation lists, each certificate of a
        // chain has to be spoken of by one that is not overdue. The usual alternative, to let in
        // what no list knows, lets in whoever withholds the list.
        let build = |lists: Vec<CertificateRevocationListDer<'static>>| {
            let provider = Arc::new(crypto::aws_lc_rs::default_provider());
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider)
                .with_crls(lists)
                .enforce_revocation_expiration()
                .build()
        };
        match build(lists.clone()) {
            Ok(verifier) => Some(Self(verifier)),
            Err(error) => {
                let bad = lists.into_iter().position(|list| build(vec![list]).is_err());
                let number = bad.map_or(0, |index| index + 1);
                fault("crls", format!("list {number} of {count} cannot be used: {error}"));
                None
            }
        }
    }

    /// Whether this chain is valid at that time, by roots and revocation lists.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<(), Refusal> {
        let verified = self.0.verify_client_cert(leaf, intermediates, at);
        verified.map(|_| ()).map_err(|error| Refusal::of_chain(&error))
    }
}

fn roots(bundle: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for (index, certificate) in pem::certificates(bundle.as_bytes())?.into_iter().enumerate() {
        let number = index + 1;
        // Whatever is in the store may sign: a workload's own certificate must not get there.
        let is_authority = X509Certificate::from_der(&certificate).is_ok_and(|(_, it)| it.is_ca());
        if !is_authority {
            return Err(format!(
                "certificate {number} is not one of an authority (CA:TRUE); a bundle holds the \
                 roots alone"
            ));
        }
        let added = store.add(certificate);
        added.map_err(|error| format!("certificate {number} cannot be used: {error}"))?;
    }
    Ok(store)
}

fn lists(pem: &str) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    if pem.is_empty() {
        return Ok(Vec::new());
    }
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is not valid PEM: {error}"))?;
    if lists.is_empty() {
        return Err("holds no PEM block that says BEGIN X509 CRL".into());
    }
    Ok(lists)
}
