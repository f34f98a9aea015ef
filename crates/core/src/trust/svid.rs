//! A client certificate that was good when its connection began, and what was found of it since.

use std::sync::atomic::{AtomicU64, Ordering};

use rustls_pki_types::{CertificateDer, UnixTime};

use super::certificate_status::CertificateStatus;
use super::leaf::Leaf;
use crate::spiffe_id::SpiffeId;

/// A client certificate whose chain was good when the connection began.
#[derive(Debug)]
pub struct Svid {
    /// Whom it names.
    pub id: SpiffeId,
    /// Its serial number in lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// When it begins, in seconds of Unix time.
    pub not_before: i64,
    /// When it ends, in seconds of Unix time.
    pub not_after: i64,
    /// It had ended before the connection began.
    pub expired: bool,
    pub(super) chain: Option<Chain>,
    pub(super) cached_status: CachedStatus,
}

impl Svid {
    pub(super) fn new(leaf: Leaf, expired: bool, chain: Chain) -> Self {
        let Leaf { id, serial, not_before, not_after } = leaf;
        Self {
            id,
            serial,
            not_before,
            not_after,
            expired,
            chain: Some(chain),
            cached_status: CachedStatus::default(),
        }
    }

    /// A certificate that is good in every way that does not depend on the identity, to explain
    /// what its owner would get. There is no chain, so that roots and revocation lists say nothing
    /// about it; a revoked identity stays revoked.
    pub fn assumed(id: SpiffeId, expired: bool) -> Self {
        let cached_status = CachedStatus::default();
        Self {
            id,
            serial: String::new(),
            not_before: i64::MAX,
            not_after: i64::MAX,
            expired,
            chain: None,
            cached_status,
        }
    }
}

/// The certificates that were shown, to be checked again when the trust has changed.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) leaf: CertificateDer<'static>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    /// The time for which they were found good: that of the handshake, or the last second of a
    /// certificate that had expired. A connection does not outlive its certificate, so that the
    /// time which passes afterwards changes nothing.
    pub(super) as_of: UnixTime,
}

/// What was found last, and under which trust: both in one number, so that a query compares once.
#[derive(Debug, Default)]
pub(super) struct CachedStatus(AtomicU64);

impl CachedStatus {
    /// What was found under this generation of the trust, if it was asked already.
    #[inline]
    pub(super) fn get(&self, generation: u64) -> Option<CertificateStatus> {
        let last = self.0.load(Ordering::Relaxed);
        if last >> 2 != generation {
            return None;
        }
        match last & 3 {
            0 => Some(CertificateStatus::Good),
            1 => Some(CertificateStatus::Revoked),
            _ => Some(CertificateStatus::Untrusted),
        }
    }

    pub(super) fn set(&self, generation: u64, status: CertificateStatus) {
        let low = match status {
            CertificateStatus::Good => 0,
            CertificateStatus::Revoked => 1,
            CertificateStatus::Untrusted => 2,
        };
        self.0.store(generation << 2 | low, Ordering::Relaxed);
    }
}
