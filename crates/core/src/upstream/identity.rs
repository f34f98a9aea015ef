//! The certificates that Keyhole shows to upstreams.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// Identities by name. One that is named but not installed yet is empty, and nothing connects
/// with it.
#[derive(Default)]
pub(super) struct Identities {
    by_name: Mutex<HashMap<String, Arc<Identity>>>,
}

impl Identities {
    /// The identity of that name, perhaps still empty.
    pub(super) fn named(&self, name: &str) -> Arc<Identity> {
        let mut by_name = self.by_name.lock();
        Arc::clone(by_name.entry(name.to_owned()).or_insert_with(|| Identity::empty(name)))
    }

    /// Gives the identity a new certificate and key; connections made from now on show it.
    pub(super) fn install(&self, name: &str, chain: &[u8], key: &[u8]) -> Result<(), Error> {
        let certified = read_certified_key(name, chain, key)?;
        let identity = self.named(name);
        identity.certified.store(Some(Arc::new(certified)));
        identity.issue.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// A certificate with its key, exchanged while connections come and go.
#[derive(Debug)]
pub(super) struct Identity {
    name: String,
    certified: ArcSwapOption<CertifiedKey>,
    issue: AtomicU64,
}

impl Identity {
    fn empty(name: &str) -> Arc<Self> {
        let (certified, issue) = (ArcSwapOption::empty(), AtomicU64::new(0));
        Arc::new(Self { name: name.to_owned(), certified, issue })
    }

    /// Which certificate it is by now: 0 for none, then counting.
    pub(super) fn issue(&self) -> u64 {
        self.issue.load(Ordering::Acquire)
    }

    /// The name under which it is installed.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.certified.load_full()
    }

    fn has_certs(&self) -> bool {
        self.certified.load().is_some()
    }
}

fn read_certified_key(name: &str, chain: &[u8], key: &[u8]) -> Result<CertifiedKey, Error> {
    let place = |part: &str| format!("identity.{name}.{part}");
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::invalid(place("certificate"), error.to_string()))?;
    if chain.is_empty() {
        return Err(Error::invalid(place("certificate"), "no certificate in the PEM text"));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| Error::invalid(place("key"), error.to_string()))?;
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| Error::invalid(place("key"), format!("does not fit: {error}")))
}
