//! What must hold for any octets that a client shows as its certificate.

use std::time::Duration;

use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::trust::leaf::Leaf;
use keyhole_core::trust::{Refusal, Trust};
use rustls_pki_types::{CertificateDer, UnixTime};

/// Reads a certificate in DER.
pub(crate) fn svid(octets: &[u8]) {
    let read = Leaf::read(octets);
    // Whatever it says of itself, it is believed by nobody who has no roots.
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
    let refusal = Trust::nobody().verify(&CertificateDer::from(octets), &[], now).unwrap_err();
    let Ok(leaf) = read else { return assert_eq!(Some(refusal), read.err()) };
    assert_eq!(refusal, Refusal::UnknownTrustDomain);
    let id = leaf.id.as_str();
    assert_eq!(SpiffeId::read(id), Some(leaf.id.clone()));
    assert!(octets.windows(id.len()).any(|window| window == id.as_bytes()), "{id}");
    assert!(!leaf.serial.is_empty() && (leaf.serial == "0" || !leaf.serial.starts_with('0')));
    assert!(leaf.serial.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
    assert!(leaf.not_after >= 0);
    // One certificate has one spelling: nothing may be missing at its end, and nothing follow it.
    assert_eq!(Leaf::read(&octets[..octets.len() - 1]), Err(Refusal::Unreadable));
    assert_eq!(Leaf::read(&[octets, &[0]].concat()), Err(Refusal::Unreadable));
}
