//! What must hold for any beginning of a connection to the mesh listener.

use std::net::SocketAddr;

use keyhole_core::listen::proxy_protocol::{self, FIXED, Header, HeaderError, MAX_REST, SIGNATURE};

/// Reads a header and whatever follows it.
pub(crate) fn proxy_protocol(octets: &[u8]) {
    let Some((fixed, follows)) = octets.split_first_chunk::<FIXED>() else { return };
    let length = match proxy_protocol::rest(fixed) {
        Ok(length) => length,
        Err(error) => return assert_eq!(proxy_protocol::read(fixed, follows), Err(error)),
    };
    assert!(fixed.starts_with(&SIGNATURE) && length <= MAX_REST);
    let Some(follows) = follows.get(..length) else {
        return assert_eq!(proxy_protocol::read(fixed, follows), Err(HeaderError::Cut));
    };
    match proxy_protocol::read(fixed, follows) {
        Ok(Header::Local) => assert_eq!(fixed[12], 0x20),
        Ok(header @ Header::Proxied { source, identity }) => {
            assert_eq!(fixed[12], 0x21);
            // What was understood is what a sidecar that says the same would write.
            let (fixed, follows) = write(source, &[identity]);
            assert_eq!(proxy_protocol::read(&fixed, &follows), Ok(header));
            if identity.is_some() {
                let (fixed, follows) = write(source, &[identity, identity]);
                assert!(matches!(
                    proxy_protocol::read(&fixed, &follows),
                    Err(HeaderError::Twice | HeaderError::TooLong)
                ));
            }
        }
        Err(error) => assert_ne!(error, HeaderError::Signature),
    }
}

fn write(source: SocketAddr, identities: &[Option<&[u8]>]) -> ([u8; FIXED], Vec<u8>) {
    let mut follows = Vec::new();
    let family = match source {
        SocketAddr::V4(v4) => {
            follows.extend(v4.ip().octets());
            follows.extend([0; 4]);
            0x11
        }
        SocketAddr::V6(v6) => {
            follows.extend(v6.ip().octets());
            follows.extend([0; 16]);
            0x21
        }
    };
    follows.extend(source.port().to_be_bytes());
    follows.extend([0; 2]);
    for identity in identities.iter().flatten() {
        follows.push(0xd0);
        follows.extend((identity.len() as u16).to_be_bytes());
        follows.extend(*identity);
    }
    let mut fixed = [0; FIXED];
    fixed[..12].copy_from_slice(&SIGNATURE);
    fixed[12..14].copy_from_slice(&[0x21, family]);
    fixed[14..].copy_from_slice(&(follows.len() as u16).to_be_bytes());
    (fixed, follows)
}
