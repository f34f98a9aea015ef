//! What the certificate of an upstream says, for people: it has been checked already.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::pin::write_pin;

/// The most names of a certificate that are shown.
const MAX_NAMES: usize = 20;

/// The certificate that an upstream showed in a handshake that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerCertificate {
    names: Vec<String>,
    issuer: String,
    /// The last second at which it is valid, in Unix time.
    expires: i64,
    pin: String,
}

impl ServerCertificate {
    /// Reads a certificate in DER; none if it cannot be read.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let key = digest(&SHA256, certificate.public_key().raw);
        Some(Self {
            names: names(&certificate),
            issuer: certificate.issuer().to_string(),
            expires: certificate.validity().not_after.timestamp(),
            pin: write_pin(key.as_ref()),
        })
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "names": self.names,
            "issuer": self.issuer,
            "expires": self.expires,
            "pin": self.pin,
        })
    }
}

/// Names, addresses and SPIFFE IDs that it is for; the subject counts for nothing (RFC 9525).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let shown = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    });
    shown.take(MAX_NAMES).collect()
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(octets).ok()?;
    Some(std::net::Ipv6Addr::from(sixteen).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_are_no_certificate_say_nothing() {
        assert_eq!(ServerCertificate::read(b""), None);
        assert_eq!(ServerCertificate::read(b"-----BEGIN CERTIFICATE-----"), None);
    }

    #[test]
    fn addresses_are_shown_as_people_write_them() {
        assert_eq!(address(&[192, 0, 2, 7]).as_deref(), Some("192.0.2.7"));
        let mut six = [0; 16];
        (six[0], six[1], six[2], six[3], six[15]) = (0x20, 0x01, 0x0d, 0xb8, 1);
        assert_eq!(address(&six).as_deref(), Some("2001:db8::1"));
        assert_eq!(address(&[1, 2, 3]), None);
    }
}
