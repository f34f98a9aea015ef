use super::*;

fn made() -> (String, String) {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (pair.cert.pem(), pair.signing_key.serialize_pem())
}

fn why(tls: &ServerTls, certificate: &str, key: &str) -> String {
    tls.install(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_certificate_with_its_key_is_taken() {
    let tls = ServerTls::new().unwrap();
    assert!(!tls.is_ready());
    let (certificate, key) = made();
    tls.install(certificate.as_bytes(), key.as_bytes()).unwrap();
    assert!(tls.is_ready());
}

#[test]
fn the_usual_mistakes_are_named() {
    let tls = ServerTls::new().unwrap();
    let (certificate, key) = made();
    let (_, other) = made();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    for (certificate, key, said) in [
        (&*certificate, &*other, "key: does not belong to the certificate"),
        (&*key, &*certificate, "certificate: holds a private key and no certificate"),
        (&*certificate, &*certificate, "key: holds a certificate and no private key"),
        (&*certificate, encrypted, "key: is encrypted with a passphrase"),
        (&*certificate, "", "key: holds no PEM block"),
        ("", &*key, "certificate: holds no PEM block"),
        ("-----BEGIN CERTIFICATE-----\n!", &*key, "certificate: is not valid PEM"),
    ] {
        let found = why(&tls, certificate, key);
        assert!(found.starts_with(said), "{found}");
    }
    assert!(!tls.is_ready());
}

#[test]
fn a_refused_certificate_leaves_the_old_one_in_use() {
    let tls = ServerTls::new().unwrap();
    let (certificate, key) = made();
    tls.install(certificate.as_bytes(), key.as_bytes()).unwrap();
    assert!(tls.install(b"", key.as_bytes()).is_err());
    assert!(tls.is_ready());
}
