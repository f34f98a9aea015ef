//! Certificates in the handshake: what is let in, and with which alert the rest is turned away.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;

use super::world::{World, answer, exchange, query, until};
use crate::Reason;
use crate::options::ClientCertificates::Require;
use crate::trust::authority::{Authority, Shown, valid, workload};

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

fn config(
    world: &World,
    version: &'static SupportedProtocolVersion,
    shown: &Shown,
) -> ClientConfig {
    let chain = shown.chain.clone();
    world.trusting(&[version]).with_client_auth_cert(chain, shown.key.clone_key()).unwrap()
}

/// The alert that ends the handshake.
pub(super) fn alert(mut stream: StreamOwned<ClientConnection, TcpStream>) -> AlertDescription {
    let error = stream.read(&mut [0]).unwrap_err();
    match error.downcast::<rustls::Error>().unwrap() {
        rustls::Error::AlertReceived(alert) => alert,
        other => panic!("{other}"),
    }
}

#[test]
fn a_certificate_that_is_not_good_ends_the_handshake_with_the_alert_that_says_why() {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let with = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = workload(&[WEB]);
        change(&mut params);
        root.issue_with(params)
    };
    let server = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let cases = [
        (Authority::root("other").issue(WEB), AlertDescription::UnknownCA, "unknown_issuer"),
        (root.issue("spiffe://b.lab/x"), AlertDescription::UnknownCA, "unknown_trust_domain"),
        (
            root.issue_with(workload(&[])),
            AlertDescription::BadCertificate,
            "no_identity_in_certificate",
        ),
        (
            with(&|params| valid(params, 600, 900)),
            AlertDescription::CertificateExpired,
            "not_yet_valid",
        ),
        (with(&server), AlertDescription::UnsupportedCertificate, "wrong_purpose"),
    ];
    for version in [&TLS13, &TLS12] {
        for (shown, expected, word) in &cases {
            let stream = world.connect_tls("dot", config(&world, version, shown));
            assert_eq!(alert(stream), *expected, "{word}");
            let stream = world.connect_tls("doh", config(&world, version, shown));
            assert_eq!(alert(stream), *expected, "{word}");
        }
    }
    world.until_open(0);
    let refused: serde_json::Value =
        cases.iter().map(|(_, _, word)| ((*word).to_owned(), json!(4))).collect();
    assert_eq!(
        world.counted()["handshakes"],
        json!({"with_certificate": 0, "without_certificate": 0, "failed": 0, "failures": {}, "refused": refused})
    );
}

#[test]
fn a_good_one_and_an_expired_one_are_let_in_over_both_versions() {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let mut past = workload(&[WEB]);
    valid(&mut past, -7_200, -3_600);
    for version in [&TLS13, &TLS12] {
        for (shown, said) in
            [(root.issue(WEB), "certificate"), (root.issue_with(past.clone()), "expired")]
        {
            let mut stream = world.connect_tls("dot", config(&world, version, &shown));
            let told = exchange(&mut stream, &query(0, "who"));
            assert!(told.ends_with(format!(": {said} {WEB}").as_bytes()));
        }
    }
}

#[test]
fn who_believes_nobody_asks_nobody() {
    let world = World::start();
    let bad = Authority::root("other").issue(WEB);
    // It would be refused if it were shown.
    let mut stream = world.connect_tls("dot", config(&world, &TLS13, &bad));
    assert_eq!(exchange(&mut stream, &query(1, "")), answer(1, ""));
    world.trusted_sidecar(&Authority::root("root"));
    let stream = world.connect_tls("dot", config(&world, &TLS13, &bad));
    assert_eq!(alert(stream), AlertDescription::UnknownCA);
    // What was agreed before stays.
    assert_eq!(exchange(&mut stream_of(&world), &query(2, "")), answer(2, ""));
}

fn stream_of(world: &World) -> StreamOwned<ClientConnection, TcpStream> {
    world.connect_tls("dot", world.client(&["dot"]))
}

/// Shows a certificate and signs with a key that is not its own.
#[derive(Debug)]
struct Thief(Arc<CertifiedKey>);

impl ResolvesClientCert for Thief {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn a_certificate_without_its_key_proves_nothing() {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let own = KeyPair::generate().unwrap().serialize_pem();
    let own = PrivateKeyDer::from_pem_slice(own.as_bytes()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&own).unwrap();
    let thief = Thief(Arc::new(CertifiedKey::new(root.issue(WEB).chain, key)));
    let thief = Arc::new(thief);
    for version in [&TLS13, &TLS12] {
        let config = world.trusting(&[version]).with_client_cert_resolver(Arc::clone(&thief) as _);
        assert_eq!(alert(world.connect_tls("dot", config)), AlertDescription::DecryptError);
    }
    world.until_open(0);
    let counted = &world.counted()["handshakes"];
    assert_eq!([&counted["with_certificate"], &counted["failed"]], [0, 2]);
}

#[test]
fn a_good_certificate_helps_nobody_past_the_other_terms() {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    for (transport, other) in [("dot", "h2"), ("doh", "dot")] {
        let config = world.client_showing(&root.issue(WEB), &[other]);
        let stream = world.connect_tls(transport, config);
        assert_eq!(alert(stream), AlertDescription::NoApplicationProtocol);
    }
    // TLS 1.1, as no library here speaks it any more: version 3.2, one old cipher suite, and the
    // signature algorithms without which nobody is listened to.
    let hello =
        [&[0x03, 0x02][..], &[7; 32], &[0, 0, 2, 0x00, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]]
            .concat();
    let length = u8::try_from(hello.len()).unwrap();
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
    let mut stream = world.connect("dot");
    std::io::Write::write_all(&mut stream, &record).unwrap();
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).unwrap();
    let protocol_version = u8::from(AlertDescription::ProtocolVersion);
    assert_eq!((reply[0], reply[5], reply[6]), (21, 2, protocol_version), "{reply:?}");
}

#[test]
fn nothing_is_resumed_with_a_certificate_either() {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let shown = root.issue(WEB);
    for version in [&TLS13, &TLS12] {
        let config = config(&world, version, &shown);
        let mut first = world.connect_tls("dot", config.clone());
        assert_eq!(exchange(&mut first, &query(1, "")), answer(1, ""));
        assert_eq!(first.conn.tls13_tickets_received(), 0);
        // The same sessions are offered again; by now nobody would let this certificate in.
        world.trusted_sidecar(&Authority::root("other"));
        assert_eq!(alert(world.connect_tls("dot", config)), AlertDescription::UnknownCA);
        world.trusted_sidecar(&root);
    }
}

#[test]
fn a_refused_handshake_is_written_down_with_its_reason_and_whom_its_certificate_names() {
    let world = World::with(|options| options.client_certificates.doh = Require);
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let mut future = workload(&[WEB]);
    valid(&mut future, 600, 900);
    let mut server = workload(&[WEB]);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for (shown, reason, detail, claimed) in [
        (
            Authority::root("other").issue(WEB),
            Reason::CertificateUntrusted,
            "unknown_issuer",
            Some(WEB),
        ),
        (
            root.issue("spiffe://b.lab/x"),
            Reason::CertificateUntrusted,
            "unknown_trust_domain",
            Some("spiffe://b.lab/x"),
        ),
        (root.issue_with(future), Reason::CertificateNotYetValid, "not_yet_valid", Some(WEB)),
        (root.issue_with(server), Reason::CertificateInvalid, "wrong_purpose", Some(WEB)),
        (
            root.issue_with(workload(&[])),
            Reason::CertificateInvalid,
            "no_identity_in_certificate",
            None,
        ),
    ] {
        alert(world.connect_tls("dot", config(&world, &TLS13, &shown)));
        world.until_open(0);
        let expected = (reason, detail, claimed.map(str::to_owned));
        assert_eq!(world.service.refused.lock().unwrap().pop(), Some(expected));
    }
    // Without a certificate where one is required; without the right protocol; without TLS.
    alert(world.connect_tls("doh", world.client(&["h2"])));
    alert(world.connect_tls("dot", world.client(&["h2"])));
    let mut plain = world.connect("dot");
    std::io::Write::write_all(&mut plain, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _ = plain.read(&mut [0; 100]);
    drop(plain);
    // A client that trusts another root gives up with an alert of its own.
    let mut stranger = World::start();
    stranger.renew_certificate();
    let mut stream = world.connect_tls("dot", stranger.client(&["dot"]));
    assert!(stream.read(&mut [0]).is_err());
    let _ = stream.conn.complete_io(&mut stream.sock);
    drop(stream);
    // A check of the port refuses nobody.
    drop(world.connect("dot"));
    let expected = [
        (Reason::CertificateMissing, "no_certificate", None),
        (Reason::HandshakeFailed, "no_common_protocol", None),
        (Reason::HandshakeFailed, "not_tls", None),
        (Reason::ServerCertificateRefused, "server_certificate_refused", None),
    ];
    until(|| world.service.refused.lock().unwrap().len() == expected.len());
    assert_eq!(*world.service.refused.lock().unwrap(), expected);
    until(|| world.counted()["handshakes"]["failures"]["gone"] == 1);
    assert_eq!(world.counted()["handshakes"]["failed"], 5);
}
