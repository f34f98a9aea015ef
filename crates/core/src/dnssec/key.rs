//! Keys of zones, and the digests by which a zone or an anchor names them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use keyhole_wire::Name;

/// RFC 4034 section 2.1.1.
const ZONE_KEY: u16 = 0x0100;
/// RFC 5011 section 3.
const REVOKED: u16 = 0x0080;
const SHA1_DIGEST: u8 = 1;

/// A DNSKEY record.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) tag: u16,
    pub(super) algorithm: u8,
    flags: u16,
    data: Vec<u8>,
}

/// A DS record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ds {
    pub(super) tag: u16,
    pub(super) algorithm: u8,
    pub(super) digest_type: u8,
    pub(super) digest: Vec<u8>,
}

/// Whether signatures of an algorithm can be checked; others count as none (RFC 6840 section 5.2).
pub(super) fn is_supported(algorithm: u8) -> bool {
    matches!(algorithm, 5 | 7 | 8 | 10 | 13 | 14 | 15)
}

impl Key {
    /// Reads the data of a record; none for a key of another protocol (RFC 4034 section 2.1.2).
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[f0, f1, protocol, algorithm], _) = data.split_first_chunk()?;
        let flags = u16::from_be_bytes([f0, f1]);
        (protocol == 3).then(|| Self { tag: tag(data), algorithm, flags, data: data.to_vec() })
    }

    /// The memory that it takes, in octets.
    pub(super) fn octets(&self) -> usize {
        size_of::<Self>() + self.data.capacity()
    }

    /// Whether it may sign records of the zone (RFC 4034 section 2.1.1).
    pub(super) fn signs_zone(&self) -> bool {
        self.flags & ZONE_KEY != 0 && self.flags & REVOKED == 0
    }

    /// Whether a signature over a message is one of this key.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = &self.data[4..];
        match self.algorithm {
            5 | 7 => rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, public, message, signature),
            8 => rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public, message, signature),
            10 => rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, public, message, signature),
            // RFC 6605 section 4: the point without the octet that says that it is not compressed.
            13 | 14 => {
                let point = [&[4], public].concat();
                let algorithm = if self.algorithm == 13 {
                    &ECDSA_P256_SHA256_FIXED
                } else {
                    &ECDSA_P384_SHA384_FIXED
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
            }
            15 => UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok(),
            _ => false,
        }
    }
}

/// RFC 3110 section 2: the length of the exponent, the exponent, the modulus.
fn rsa(
    parameters: &'static RsaParameters,
    public: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let split = match public {
        [0, high, low, rest @ ..] => {
            rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
        }
        [len, rest @ ..] => rest.split_at_checked(usize::from(*len)),
        [] => None,
    };
    // The library takes no leading zeros. An exponent of many octets only costs time.
    let Some((e, n)) = split.map(|(e, n)| (trimmed(e), trimmed(n))) else { return false };
    // RFC 5702 section 2: moduli have at most 4096 bits.
    e.len() <= 8
        && n.len() <= 512
        && RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
}

fn trimmed(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|octet| **octet == 0).count()..]
}

/// RFC 4034 appendix B.
fn tag(data: &[u8]) -> u16 {
    let sum = data.iter().enumerate().fold(0_u32, |sum, (at, octet)| {
        sum + if at % 2 == 0 { u32::from(*octet) << 8 } else { u32::from(*octet) }
    });
    ((sum + (sum >> 16)) & 0xffff) as u16
}

impl Ds {
    /// Reads the data of a record.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[t0, t1, algorithm, digest_type], digest) = data.split_first_chunk()?;
        let digest = digest.to_vec();
        Some(Self { tag: u16::from_be_bytes([t0, t1]), algorithm, digest_type, digest })
    }

    /// Whether both its digest and the algorithm of its key can be checked.
    fn is_supported(&self) -> bool {
        matches!(self.digest_type, SHA1_DIGEST | 2 | 4) && is_supported(self.algorithm)
    }

    /// Whether it names this key of the zone (RFC 4034 section 5.1.4).
    pub(super) fn names(&self, apex: &Name, key: &Key) -> bool {
        if self.tag != key.tag || self.algorithm != key.algorithm {
            return false;
        }
        let algorithm = match self.digest_type {
            SHA1_DIGEST => &SHA1_FOR_LEGACY_USE_ONLY,
            2 => &SHA256,
            4 => &SHA384,
            _ => return false,
        };
        let named = [apex.to_lower().as_wire(), &key.data].concat();
        digest(algorithm, &named).as_ref() == self.digest
    }
}

/// Those that can be checked. Digests with SHA-1 count only where there is no other (RFC 4509
/// section 3).
pub(super) fn usable(all: Vec<Ds>) -> Vec<Ds> {
    let mut usable: Vec<Ds> = all.into_iter().filter(Ds::is_supported).collect();
    if usable.iter().any(|one| one.digest_type != SHA1_DIGEST) {
        usable.retain(|one| one.digest_type != SHA1_DIGEST);
    }
    usable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_tag_and_the_digest_of_the_example_of_the_standard() {
        // RFC 8080 section 6.1.
        let public = data_encoding::BASE64.decode(b"l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
        let data = [&[1, 1, 3, 15][..], &public.unwrap_or_default()].concat();
        let key = Key::read(&data).expect("a key");
        assert_eq!(key.tag, 3613);
        let digest = "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b";
        let digest = data_encoding::HEXLOWER.decode(digest.as_bytes()).expect("hexadecimal");
        let ds = Ds { tag: 3613, algorithm: 15, digest_type: 2, digest };
        assert!(ds.names(&Name::from_text("Example.com").expect("a name"), &key));
        assert!(!ds.names(&Name::from_text("example.org").expect("a name"), &key));
    }
}
