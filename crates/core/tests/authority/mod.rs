//! A test authority: roots, intermediates, certificates good and bad, revocation lists.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Whoever signs.
pub(crate) struct Authority {
    pub(crate) certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// What a client shows: its own certificate, then those up to the root without the root.
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Now, in seconds of Unix time.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// What makes a certificate that of a workload.
pub(crate) fn workload(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names =
        uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Sets from when to when, in seconds from now.
pub(crate) fn valid(params: &mut CertificateParams, from: i64, to: i64) {
    let at = |second: i64| {
        date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(now() + second).unwrap())
    };
    (params.not_before, params.not_after) = (at(from), at(to));
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = Self::params(name);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    /// An intermediate that this authority has signed.
    pub(crate) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = Self::params(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A bundle of this root alone.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate of a workload with this identity, and its key.
    pub(crate) fn issue(&self, id: &str) -> Shown {
        self.issue_with(workload(&[id]))
    }

    /// A certificate that says this.
    pub(crate) fn issue_with(&self, params: CertificateParams) -> Shown {
        let key = KeyPair::generate().unwrap();
        let chain = vec![self.sign(&params, &key)];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        Shown { chain, key }
    }

    /// The same for a key of which there is only the public half.
    pub(crate) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).unwrap().der().clone()
    }

    /// A revocation list with these serial numbers, to be replaced so many seconds from now.
    pub(crate) fn revoke(&self, serials: &[u64], lasts: i64) -> String {
        let mut times = CertificateParams::default();
        valid(&mut times, -3_600, lasts);
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: times.not_before,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: times.not_before,
            next_update: times.not_after,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Shown {
    /// The same, shown with the certificate of whoever signed it.
    pub(crate) fn through(mut self, intermediate: &Authority) -> Self {
        self.chain.push(intermediate.certificate.der().clone());
        self
    }
}
