//! Pins: SHA-256 of the public keys that an upstream may have (RFC 7858 section 4.2).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

/// SHA-256 of a SubjectPublicKeyInfo.
pub(super) type Pin = [u8; 32];

/// Reads a pin: 32 octets in base64 with padding (RFC 4648 section 4), 44 characters.
pub(super) fn read_pin(text: &str) -> Option<Pin> {
    let digits = text.strip_suffix('=')?.as_bytes();
    if digits.len() != 43 {
        return None;
    }
    let mut pin = [0; 32];
    let (mut bits, mut held, mut at) = (0u32, 0, 0);
    for &digit in digits {
        bits = (bits << 6) | u32::from(sextet(digit)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            pin[at] = (bits >> held) as u8;
            at += 1;
            bits &= (1 << held) - 1;
        }
    }
    // The two bits left over must be zero, so that a pin has one spelling (section 3.5).
    (bits == 0).then_some(pin)
}

/// Writes octets in base64 with padding (RFC 4648 section 4), as [`read_pin`] reads 32 of them.
pub(super) fn write_pin(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| {
            (bits << 8) | u32::from(group.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 0x3f];
            text.push(if at > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Checks a certificate against roots and name or identity, and then its key against the pins.
#[derive(Debug)]
pub(super) struct PinnedVerifier {
    pub(super) roots: Arc<dyn ServerCertVerifier>,
    pub(super) pins: Vec<Pin>,
}

/// The certificate is good, but its key is not the one expected.
#[derive(Debug)]
struct OtherKey;

impl fmt::Display for OtherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("certificate is good, but its key is none of the pins")
    }
}

impl std::error::Error for OtherKey {}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.roots.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        // The leaf alone counts: anyone may send a pinned CA along without being signed by it.
        let (_, certificate) = X509Certificate::from_der(end_entity)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = digest(&SHA256, certificate.public_key().raw);
        if self.pins.iter().any(|pin| pin.as_slice() == key.as_ref()) {
            return Ok(verified);
        }
        let other_key = CertificateError::Other(OtherError(Arc::new(OtherKey)));
        Err(rustls::Error::InvalidCertificate(other_key))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_exactly_one_spelling() {
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(read_pin(zeros), Some([0; 32]));
        let ones = "//////////////////////////////////////////8=";
        assert_eq!(read_pin(ones), Some([0xff; 32]));
        let loose = "//////////////////////////////////////////9=";
        for text in [zeros, ones] {
            assert_eq!(write_pin(&read_pin(text).unwrap()), text);
        }
        assert_eq!(write_pin(b"Man"), "TWFu");
        assert_eq!(write_pin(b"Ma"), "TWE=");
        for bad in ["", "AAAA", &zeros[1..], &zeros.replace('=', "A"), loose, "pin"] {
            assert_eq!(read_pin(bad), None, "{bad}");
        }
    }
}
