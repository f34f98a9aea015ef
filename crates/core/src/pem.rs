//! Certificates and keys out of PEM (RFC 7468), with errors that name the usual mistakes.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// All certificates of a file, at least one.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("is not valid PEM: {error}"))?;
    if !chain.is_empty() {
        return Ok(chain);
    }
    let why = if holds(pem, "PRIVATE KEY-----") {
        "holds a private key and no certificate; are the two files swapped?"
    } else if holds(pem, "BEGIN TRUSTED CERTIFICATE") {
        "is in OpenSSL's trusted form; write it with openssl x509 without -trustout"
    } else if pem.first() == Some(&0x30) {
        "is DER; convert it with openssl x509 -inform der"
    } else {
        "holds no PEM block that says BEGIN CERTIFICATE"
    };
    Err(why.to_owned())
}

/// The first private key of a file: PKCS #8, PKCS #1 or SEC 1.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    // Looked for first: to the PEM reader an encrypted key is just a block of another kind.
    if holds(pem, "ENCRYPTED PRIVATE KEY") || holds(pem, "Proc-Type: 4,ENCRYPTED") {
        return Err(Error::invalid(
            "key",
            "is encrypted with a passphrase; decrypt it with openssl pkey and protect the file \
             by its mode instead",
        ));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        let why = match error {
            rustls_pki_types::pem::Error::NoItemsFound if holds(pem, "BEGIN CERTIFICATE") => {
                "holds a certificate and no private key; are the two files swapped?".to_owned()
            }
            rustls_pki_types::pem::Error::NoItemsFound if pem.first() == Some(&0x30) => {
                "is DER; convert it with openssl pkey -inform der".to_owned()
            }
            rustls_pki_types::pem::Error::NoItemsFound => {
                "holds no PEM block that says BEGIN PRIVATE KEY".to_owned()
            }
            other => format!("is not valid PEM: {other}"),
        };
        Error::invalid("key", why)
    })
}

fn holds(pem: &[u8], mark: &str) -> bool {
    pem.windows(mark.len()).any(|window| window == mark.as_bytes())
}
