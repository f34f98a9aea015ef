//! What is wrong with a trust document is reported with its place.

use super::*;

#[test]
fn every_fault_of_a_document_is_told_with_its_place() {
    let root = Authority::root("root");
    let key = KeyPair::generate().unwrap().serialize_pem();
    let leaf = {
        let key = KeyPair::generate().unwrap();
        workload(&[WEB]).self_signed(&key).unwrap().pem()
    };
    let cut = root.pem().replace("-----END", "!\n-----END");
    let list = root.revoke(&[], 60);
    let no_list = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    for (name, bundle, crls, place, why) in [
        (
            "keyhole.lab",
            "",
            "",
            "bundle",
            "holds no PEM block that says BEGIN CERTIFICATE (trust.yaml:1)",
        ),
        ("keyhole.lab", &key, "", "bundle", "holds a private key and no certificate"),
        ("keyhole.lab", &cut, "", "bundle", "is not valid PEM"),
        ("keyhole.lab", &leaf, "", "bundle", "certificate 1 is not one of an authority"),
        (
            "keyhole.lab",
            &(root.pem() + &leaf),
            "",
            "bundle",
            "certificate 2 is not one of an authority",
        ),
        ("Keyhole.lab", &root.pem(), "", "name", "\"Keyhole.lab\" is not a trust domain"),
        ("", &root.pem(), "", "name", "\"\" is not a trust domain"),
        ("keyhole.lab", &root.pem(), "x", "crls", "holds no PEM block that says BEGIN X509 CRL"),
        ("keyhole.lab", &root.pem(), &(list + no_list), "crls", "list 2 of 2 cannot be used"),
    ] {
        let fault = compile(document(vec![domain(name, bundle, crls)])).err().unwrap();
        let start = format!("snapshot.trust.domains[0].{place}: {why}");
        assert!(fault.starts_with(&start), "{fault}");
    }
    let twice =
        vec![domain("keyhole.lab", &root.pem(), ""), domain("keyhole.lab", &root.pem(), "")];
    let fault = compile(document(twice)).err().unwrap();
    assert!(
        fault.starts_with("snapshot.trust.domains[1].name: keyhole.lab is declared twice"),
        "{fault}"
    );
}

#[test]
fn what_revokes_nothing_is_a_fault() {
    let revoked = |identity: Option<&str>, certificate: Option<(&str, &str)>| {
        let mut document = document(Vec::new());
        document.revoked.identities.extend(identity.map(str::to_owned));
        document.revoked.certificates.extend(certificate.map(|(domain, serial)| {
            RevokedCertificateDocument { domain: domain.into(), serial: serial.into() }
        }));
        compile(document).err().unwrap_or_default()
    };
    assert_eq!(revoked(Some(WEB), Some(("keyhole.lab", "8f01"))), "");
    assert_eq!(revoked(None, Some(("keyhole.lab", "0"))), "");
    for id in ["", "web", "spiffe://keyhole.lab", "spiffe://keyhole.lab/*"] {
        let fault = revoked(Some(id), None);
        assert!(fault.starts_with("snapshot.trust.revoked.identities[0]: "), "{fault}");
    }
    for serial in ["", "08f01", "8F01", "8f:01", "0x8f", "-1", "x"] {
        let fault = revoked(None, Some(("keyhole.lab", serial)));
        assert!(fault.starts_with("snapshot.trust.revoked.certificates[0].serial: "), "{fault}");
    }
    let fault = revoked(None, Some(("Keyhole", "1")));
    assert!(fault.starts_with("snapshot.trust.revoked.certificates[0].domain: "), "{fault}");
}
