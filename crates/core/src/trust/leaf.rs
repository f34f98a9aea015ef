//! What a certificate says of the workload that it names.
//!
//! | standard | where |
//! |---|---|
//! | X509-SVID section 2 (one URI) | [`identity`] |
//! | X509-SVID section 4 (constraints, usages) | [`check_purpose`] |
//! | X509-SVID section 5.2 (leaf validation) | [`Leaf::read`] |
//!
//! Nothing here is proved: the chain is checked afterwards, against the roots of the trust domain
//! that is named here.

use std::fmt::Write;

use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::refusal::Refusal;
use crate::spiffe_id::SpiffeId;

/// Bits of the shortest RSA key (BSI TR-02102-1; shorter ones prove nothing in TLS here either).
const RSA_BITS: usize = 2_048;
/// Bits of the shortest key on an elliptic curve.
const CURVE_BITS: usize = 256;

/// What a leaf certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Whom it names.
    pub id: SpiffeId,
    /// Its serial number in lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// The first second at which it is valid, in Unix time.
    pub not_before: i64,
    /// The last second at which it is valid, in Unix time; never negative.
    pub not_after: i64,
}

impl Leaf {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// The first thing that makes it no certificate of a client, whoever signed it.
    pub fn read(der: &[u8]) -> Result<Self, Refusal> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| Refusal::Unreadable)?;
        let is_readable = certificate.extensions_map().is_ok()
            && certificate.iter_extensions().all(|extension| {
                !matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
            });
        let not_before = certificate.validity().not_before.timestamp();
        let not_after = certificate.validity().not_after.timestamp();
        if !rest.is_empty() || !is_readable || not_after < 0 {
            return Err(Refusal::Unreadable);
        }
        let id = identity(&certificate)?;
        check_purpose(&certificate)?;
        check_key(&certificate)?;
        Ok(Self { id, serial: serial(certificate.raw_serial()), not_before, not_after })
    }
}

/// Whom a certificate names, whatever else is wrong with it; nothing is proved. For the log alone.
pub fn claimed(der: &[u8]) -> Option<SpiffeId> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    identity(&certificate).ok()
}

/// The one URI among the names; others, such as those of DNS, are allowed beside it and say
/// nothing.
fn identity(certificate: &X509Certificate<'_>) -> Result<SpiffeId, Refusal> {
    let names = certificate.subject_alternative_name().map_err(|_| Refusal::Unreadable)?;
    let names = names.map_or(&[][..], |extension| &extension.value.general_names);
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (None, _) => Err(Refusal::NoIdentity),
        (Some(uri), None) => SpiffeId::read(uri).ok_or(Refusal::InvalidIdentity),
        (Some(_), Some(_)) => Err(Refusal::SeveralIdentities),
    }
}

/// A certificate without usages could be meant for anything, so it is not taken for a client's.
fn check_purpose(certificate: &X509Certificate<'_>) -> Result<(), Refusal> {
    let key_usage = certificate.key_usage().map_err(|_| Refusal::Unreadable)?;
    let signs = key_usage
        .as_ref()
        .is_some_and(|usage| usage.value.key_cert_sign() || usage.value.crl_sign());
    if certificate.is_ca() || signs {
        return Err(Refusal::Authority);
    }
    let extended = certificate.extended_key_usage().map_err(|_| Refusal::Unreadable)?;
    let is_client = key_usage.is_some_and(|usage| usage.value.digital_signature())
        && extended.is_some_and(|usage| usage.value.client_auth);
    if is_client { Ok(()) } else { Err(Refusal::WrongPurpose) }
}

/// Weak keys are a refusal of their own; whether TLS knows the algorithm shows in the handshake.
fn check_key(certificate: &X509Certificate<'_>) -> Result<(), Refusal> {
    let key = certificate.public_key().parsed().map_err(|_| Refusal::Unreadable)?;
    let is_strong = match &key {
        PublicKey::RSA(key) => key.key_size() >= RSA_BITS,
        PublicKey::EC(point) => point.key_size() >= CURVE_BITS,
        // Ed25519 is among those without a name here.
        PublicKey::Unknown(_) => true,
        _ => false,
    };
    if is_strong { Ok(()) } else { Err(Refusal::WeakKey) }
}

fn serial(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        // Writing into a string cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    match text.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_has_no_leading_zeros() {
        for (octets, text) in [
            (&[0x00, 0x8f, 0x01][..], "8f01"),
            (&[0x0a], "a"),
            (&[0x00], "0"),
            (&[], "0"),
            (&[0x10, 0x00], "1000"),
        ] {
            assert_eq!(serial(octets), text);
        }
    }

    #[test]
    fn octets_that_are_no_certificate_are_unreadable() {
        for octets in [&[][..], &[0x30], &[0x30, 0x00], b"-----BEGIN CERTIFICATE-----"] {
            assert_eq!(Leaf::read(octets), Err(Refusal::Unreadable));
        }
    }
}
