//! Trust: whose certificates are accepted, which were revoked, and the status of a certificate.
//!
//! Each trust domain has roots of its own, for its own names alone (SPIFFE-ID section 2.1). The
//! same functions serve the handshake, which asks once, and `identify`, which asks for each query:
//! what was valid when a connection began may not be valid any more.

mod certificate_status;
mod compile;
mod domain;
pub mod leaf;
mod refusal;
mod svid;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls_pki_types::{CertificateDer, UnixTime};

pub use certificate_status::CertificateStatus;
pub use refusal::Refusal;
pub use svid::Svid;

use crate::document::TrustDocument;
use crate::spiffe_id::SpiffeId;
use domain::Domain;
use leaf::Leaf;
use svid::Chain;

/// Certificates that may come with that of the client. No chain that is accepted has more (webpki
/// follows six), and each costs a check of a signature before anybody has proved anything.
const MAX_INTERMEDIATES: usize = 8;

/// Roots, revocation lists and revoked names. Immutable; snapshots with equal trust share one.
pub struct Trust {
    /// Differs from that of every other trust of this process.
    generation: u64,
    document: TrustDocument,
    domains: HashMap<String, Domain>,
    identities: HashSet<String>,
    /// Serial numbers by trust domain.
    certificates: HashMap<String, HashSet<String>>,
    /// By identity: the first second from which its certificates must be valid.
    not_before: HashMap<String, i64>,
}

impl Trust {
    /// No trust domain, so that no certificate is asked for.
    pub fn nobody() -> Self {
        Self {
            generation: next_generation(),
            document: TrustDocument::default(),
            domains: HashMap::new(),
            identities: HashSet::new(),
            certificates: HashMap::new(),
            not_before: HashMap::new(),
        }
    }

    /// The trust that was in force `before`, if it says the same: then nothing that was found under
    /// it has to be found again.
    pub fn or_same(self: Arc<Self>, before: &Arc<Self>) -> Arc<Self> {
        if self.document == before.document { Arc::clone(before) } else { self }
    }

    /// Whether there is anybody whose certificate could be good.
    pub fn asks(&self) -> bool {
        !self.domains.is_empty()
    }

    /// Checks the certificate that a client shows at `now`. One that has expired and is good
    /// otherwise is let in and marked: its owner may need Keyhole to get a new one.
    ///
    /// # Errors
    /// Why the handshake has to fail.
    pub fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Svid, Refusal> {
        let leaf = Leaf::read(certificate)?;
        let domain = self.domains.get(leaf.id.trust_domain());
        let domain = domain.ok_or(Refusal::UnknownTrustDomain)?;
        if intermediates.len() > MAX_INTERMEDIATES {
            return Err(Refusal::ChainTooLong);
        }
        let last = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(leaf.not_after).map_err(|_| Refusal::Unreadable)?,
        ));
        let as_of = now.min(last);
        domain.verify(certificate, intermediates, as_of)?;
        // Afterwards: who can show nothing that is signed does not learn who was revoked.
        if self.revokes_certificate(&leaf.id, &leaf.serial, leaf.not_before) {
            return Err(Refusal::Revoked);
        }
        let owned = |one: &CertificateDer<'_>| one.clone().into_owned();
        let intermediates = intermediates.iter().map(owned).collect();
        let svid =
            Svid::new(leaf, now > last, Chain { leaf: owned(certificate), intermediates, as_of });
        svid.cached_status.set(self.generation, CertificateStatus::Good);
        Ok(svid)
    }

    /// How a certificate stands now. One comparison, unless the trust has changed since the last
    /// query on its connection; then its chain is checked again, once.
    #[inline]
    pub fn status(&self, svid: &Svid) -> CertificateStatus {
        svid.cached_status.get(self.generation).unwrap_or_else(|| self.check(svid))
    }

    /// Whether this identity was revoked, whatever its certificate.
    pub fn revokes(&self, id: &SpiffeId) -> bool {
        self.identities.contains(id.as_str())
    }

    fn revokes_certificate(&self, id: &SpiffeId, serial: &str, not_before: i64) -> bool {
        let serials = self.certificates.get(id.trust_domain());
        self.revokes(id)
            || serials.is_some_and(|serials| serials.contains(serial))
            || self.not_before.get(id.as_str()).is_some_and(|first| not_before < *first)
    }

    #[cold]
    fn check(&self, svid: &Svid) -> CertificateStatus {
        let domain = svid.id.trust_domain();
        let status = if self.revokes_certificate(&svid.id, &svid.serial, svid.not_before) {
            CertificateStatus::Revoked
        } else {
            svid.chain
                .as_ref()
                .map_or(CertificateStatus::Good, |chain| self.check_chain(domain, chain))
        };
        svid.cached_status.set(self.generation, status);
        status
    }

    fn check_chain(&self, domain: &str, chain: &Chain) -> CertificateStatus {
        let Some(domain) = self.domains.get(domain) else { return CertificateStatus::Untrusted };
        match domain.verify(&chain.leaf, &chain.intermediates, chain.as_of) {
            Ok(()) => CertificateStatus::Good,
            Err(Refusal::Revoked) => CertificateStatus::Revoked,
            Err(_) => CertificateStatus::Untrusted,
        }
    }
}

/// Starts at 1: 0 is what a certificate says that was never asked about.
fn next_generation() -> u64 {
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    GENERATION.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
#[path = "../../tests/authority/mod.rs"]
pub(crate) mod authority;
#[cfg(test)]
mod tests;
