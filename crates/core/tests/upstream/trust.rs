//! Who an upstream is, and who Keyhole is to it.

use keyhole_core::Reason;
use keyhole_core::document::{RootsDocument, UpstreamProtocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, document, last_error, prepare};

const TLS: [UpstreamProtocol; 2] = [UpstreamProtocol::Dot, UpstreamProtocol::Doh];

fn answers(asked: &ReceivedQuery) -> Does {
    Does::Says(asked.address(1, 300))
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_in_plain_words() {
    let authority = Authority::new();
    for protocol in TLS {
        let setup = Setup { names: &["example.net"], ..Setup::new(protocol, &authority) };
        let server = setup.run(answers).await;
        let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUntrusted);
        let words = last_error(&upstreams, 0);
        assert_eq!(words, "certificate is for example.net, not dns.example.org");
        assert!(server.queries().is_empty());
    }
}

#[tokio::test]
async fn a_certificate_of_unknown_roots_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::answering(UpstreamProtocol::Dot, &other, 1).await;
    for roots in [RootsDocument::Pem(authority.pem()), RootsDocument::Public] {
        let mut document = server.document(&authority);
        document.roots = roots;
        let (upstreams, set) = prepare(&[document], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUntrusted);
        let words = last_error(&upstreams, 0);
        assert_eq!(words, "certificate is not signed by a trusted root");
    }
    assert!(server.queries().is_empty());
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let signed = authority.sign_expired(&["dns.example.org"]);
    let setup = Setup::new(UpstreamProtocol::Dot, &authority);
    let server = setup.run_as(listener, &signed, answers);
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUntrusted);
    assert_eq!(last_error(&upstreams, 0), "certificate has expired");
}

#[tokio::test]
async fn an_upstream_may_be_known_by_address() {
    let authority = Authority::new();
    for protocol in TLS {
        let setup = Setup { names: &["127.0.0.1"], ..Setup::new(protocol, &authority) };
        let server = setup.run(answers).await;
        let mut document = server.document(&authority);
        document.server_name = "127.0.0.1".into();
        let (_, set) = prepare(&[document.clone()], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok());
        document.server_name = "127.0.0.2".into();
        let (_, set) = prepare(&[document], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUntrusted);
    }
}

#[tokio::test]
async fn pins_count_in_addition_to_the_roots_and_not_instead() {
    let (authority, other) = (Authority::new(), Authority::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let signed = authority.sign(&["dns.example.org"]);
    let setup = Setup::new(UpstreamProtocol::Dot, &authority);
    let server = setup.run_as(listener, &signed, answers);
    let stranger = other.sign(&["dns.example.org"]).pin;
    for (roots, pins, expected) in [
        (&authority, vec![signed.pin.clone()], Ok(())),
        (&authority, vec![stranger.clone(), signed.pin.clone()], Ok(())),
        (&authority, vec![stranger], Err(Reason::UpstreamUntrusted)),
        (&other, vec![signed.pin.clone()], Err(Reason::UpstreamUntrusted)),
    ] {
        let mut document = server.document(roots);
        document.pins = pins;
        let (_, set) = prepare(&[document], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.map(|_| ()), expected);
    }
}

#[tokio::test]
async fn a_renewed_identity_is_shown_at_once_and_a_missing_one_connects_to_nothing() {
    let authority = Authority::new();
    for protocol in TLS {
        let setup = Setup { asks_client: true, ..Setup::new(protocol, &authority) };
        let server = setup.run(answers).await;
        let mut document = server.document(&authority);
        document.client_identity = Some("engine".into());
        let (upstreams, set) = prepare(&[document], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUnreachable);
        assert_eq!(last_error(&upstreams, 0), "identity engine is not installed");
        assert_eq!(server.connections(), 0);
        for round in 1..=2 {
            let signed = authority.sign(&["engine.example.org"]);
            let (certificate, key) = (signed.certificate.as_bytes(), signed.key.as_bytes());
            upstreams.install_identity("engine", certificate, key).unwrap();
            ask(&set, "a.example").await.unwrap();
            ask(&set, "b.example").await.unwrap();
            let shown = server.clients();
            assert_eq!(shown.len(), round, "one connection for each certificate");
            let sent = pem_octets(&signed.certificate);
            assert_eq!(shown[round - 1].as_ref(), sent.as_slice());
        }
        let signed = authority.sign(&["engine.example.org"]);
        let stranger = authority.sign(&["engine.example.org"]);
        let (certificate, key) = (signed.certificate.as_bytes(), stranger.key.as_bytes());
        assert!(upstreams.install_identity("engine", certificate, key).is_err());
    }
}

fn pem_octets(pem: &str) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[tokio::test]
async fn a_question_never_travels_in_the_clear() {
    let authority = Authority::new();
    for protocol in TLS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let document = document(protocol, listener.local_addr().unwrap(), &authority);
        let (_, set) = prepare(&[document], NEVER_MS);
        let asking = ask(&set, "a-secret-name.example");
        // An upstream that speaks no TLS but would gladly answer in the clear.
        let clear = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = vec![0; 4096];
            let count = stream.read(&mut first).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            // No second connection follows the first.
            first.truncate(count);
            first.extend(rest);
            first
        };
        let (asked, seen) = tokio::join!(asking, clear);
        assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
        assert_eq!(seen[0], 22, "a TLS handshake record");
        assert!(!seen.windows(13).any(|part| part == b"a-secret-name"));
    }
}

/// PEM with octets that are no list.
const BAD_LIST: &str = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";

#[tokio::test]
async fn documents_that_cannot_be_trusted_are_refused_with_their_place() {
    let authority = Authority::new();
    let address = "192.0.2.1:853".parse().unwrap();
    type Change = fn(&mut keyhole_core::document::UpstreamDocument);
    let changes: [(Change, UpstreamProtocol, &str); 16] = [
        (|d| d.addresses.clear(), UpstreamProtocol::Dot, "addresses"),
        (|d| d.server_name = "not a name".into(), UpstreamProtocol::Dot, "server_name"),
        (|d| d.server_name.clear(), UpstreamProtocol::Doh, "server_name"),
        (|d| d.path = "/dns-query{?dns}".into(), UpstreamProtocol::Doh, "path"),
        (|d| d.pins = vec!["nonsense".into()], UpstreamProtocol::Dot, "pins[0]"),
        (|d| d.roots = RootsDocument::Pem("x".into()), UpstreamProtocol::Dot, "roots.pem"),
        (|d| d.server_name = "a.example".into(), UpstreamProtocol::Tcp, "server_name"),
        (|d| d.client_identity = Some("x".into()), UpstreamProtocol::Tcp, "client_identity"),
        (|d| d.server_id = Some("spiffe://a".into()), UpstreamProtocol::Dot, "server_id"),
        (|d| d.crls = "nonsense".into(), UpstreamProtocol::Dot, "crls"),
        (|d| d.crls = BAD_LIST.into(), UpstreamProtocol::Doh, "crls"),
        (
            |d| (d.server_name.clear(), d.server_id = Some("spiffe://a/b".into())).1,
            UpstreamProtocol::Tcp,
            "server_id",
        ),
        (|d| (d.server_name.clear(), d.crls = BAD_LIST.into()).1, UpstreamProtocol::Tcp, "crls"),
        (|d| d.server_name = "a.example".into(), UpstreamProtocol::DohCleartext, "server_name"),
        (|d| d.pins = vec!["x".into()], UpstreamProtocol::DohCleartext, "pins"),
        (|d| d.path = "dns-query".into(), UpstreamProtocol::DohCleartext, "path"),
    ];
    for (change, protocol, field) in changes {
        let mut document = document(protocol, address, &authority);
        change(&mut document);
        let upstreams = keyhole_core::upstream::Upstreams::new();
        let refused = upstreams.prepare(&[document], &[]).err().unwrap().to_string();
        let place = format!("snapshot.upstreams[0].{field}: ");
        assert!(refused.starts_with(&place), "{refused} is not about {field}");
    }
}
