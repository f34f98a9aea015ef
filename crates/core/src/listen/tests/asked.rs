//! Who is asked for a certificate: by listener and by server name, and by nothing else.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, SignatureScheme, SupportedProtocolVersion};

use super::certificates::alert;
use super::http::{get, http1_reply, http1_text};
use super::world::{World, answer, exchange, query};
use crate::options::ClientCertificates::{self, Ask, Never, Require};
use crate::trust::authority::Authority;

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";
const TV: &str = "tv.dns.example.org";
const WORK: &str = "work.dns.example.org";
const BANK: &str = "bank.dns.example.org";

/// Has no certificate, and remembers whether it was asked for one.
#[derive(Debug, Default)]
struct Listening(AtomicBool);

impl ResolvesClientCert for Listening {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn world(dot: ClientCertificates, doh: ClientCertificates) -> World {
    let world = World::with(|options| {
        options.names = ["dns.example.org", TV, WORK, BANK].map(str::to_owned).into();
        let wanted = &mut options.client_certificates;
        (wanted.dot, wanted.doh) = (dot, doh);
        wanted.names = [(TV, Never), (WORK, Ask), (BANK, Require)]
            .map(|(name, certificates)| (name.to_owned(), certificates))
            .into();
    });
    world.trusted_sidecar(&Authority::root("root"));
    world
}

fn listening(
    world: &World,
    version: &'static SupportedProtocolVersion,
) -> (ClientConfig, Arc<Listening>) {
    let heard = Arc::new(Listening::default());
    (world.trusting(&[version]).with_client_cert_resolver(Arc::clone(&heard) as _), heard)
}

/// Whether a client without a certificate is asked for one, and whether it is let in.
fn asked(
    world: &World,
    transport: &str,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> (bool, bool) {
    let (config, heard) = listening(world, version);
    let mut stream = world.connect_named(transport, config, name);
    let is_let_in = if world.demands(transport, name) {
        assert_eq!(alert(stream), AlertDescription::CertificateRequired);
        false
    } else if transport == "dot" {
        exchange(&mut stream, &query(1, "")) == answer(1, "")
    } else {
        stream.write_all(&http1_text(&get(&query(1, "")))).unwrap();
        http1_reply(&mut stream, false).body == answer(1, "")
    };
    (heard.0.load(Ordering::Relaxed), is_let_in)
}

impl World {
    /// Whether a client without a certificate must not get through.
    fn demands(&self, transport: &str, name: &str) -> bool {
        use super::super::Serve;
        let options = self.service.options();
        let wanted = &options.client_certificates;
        let by_listener = if transport == "dot" { wanted.dot } else { wanted.doh };
        wanted.names.get(name).copied().unwrap_or(by_listener) == Require
    }
}

#[test]
fn the_server_name_decides_and_else_the_listener_whether_a_client_is_asked() {
    for (dot, doh) in [(Ask, Never), (Never, Ask), (Require, Require)] {
        let world = world(dot, doh);
        for version in [&TLS13, &TLS12] {
            for transport in ["dot", "doh"] {
                let by_listener = if transport == "dot" { dot } else { doh };
                for (name, expected) in [
                    ("localhost", by_listener),
                    ("dns.example.org", by_listener),
                    (TV, Never),
                    (WORK, Ask),
                    (BANK, Require),
                ] {
                    let found = asked(&world, transport, name, version);
                    let expected = (expected != Never, expected != Require);
                    assert_eq!(found, expected, "{transport} {name} {version:?}");
                }
            }
        }
    }
}

#[test]
fn where_a_certificate_is_required_and_nobody_is_believed_nobody_is_let_in() {
    let world = World::with(|options| options.client_certificates.dot = Require);
    let shown = Authority::root("root").issue(WEB);
    let stream = world.connect_tls("dot", world.client_showing(&shown, &["dot"]));
    assert_eq!(alert(stream), AlertDescription::UnknownCA);
    let stream = world.connect_tls("dot", world.client(&["dot"]));
    assert_eq!(alert(stream), AlertDescription::CertificateRequired);
}

#[test]
fn one_of_two_listeners_of_a_transport_may_ask_alone() {
    let [first, second] = ["127.0.0.1:0", "127.0.0.2:0"].map(|one| one.parse().unwrap());
    for (connected, other, is_asked) in [(first, second, false), (second, first, true)] {
        let world = World::with(|options| {
            options.client_certificates.doh = Never;
            options.client_certificates.listeners = [(second, Ask)].into();
            options.listen.doh = vec![connected, other];
        });
        world.trusted_sidecar(&Authority::root("root"));
        assert_eq!(asked(&world, "doh", "localhost", &TLS13), (is_asked, true));
    }
}

#[test]
fn a_request_for_a_name_that_asks_does_not_come_over_the_connection_of_one_that_does_not() {
    let world = world(Ask, Never);
    for (connected, host, status) in [
        (TV, TV, 200),
        (TV, "localhost", 200),
        (TV, WORK, 421),
        (TV, "WORK.dns.example.org:8443", 421),
        ("localhost", BANK, 421),
        (WORK, BANK, 421),
        (WORK, TV, 200),
    ] {
        let (config, _) = listening(&world, &TLS13);
        let mut stream = world.connect_named("doh", config, connected);
        let text = String::from_utf8(http1_text(&get(&query(1, "")))).unwrap();
        let text = text.replace("host: localhost", &format!("host: {host}"));
        stream.write_all(text.as_bytes()).unwrap();
        assert_eq!(http1_reply(&mut stream, false).status, status, "{connected} {host}");
    }
}

#[test]
fn no_session_of_one_server_name_is_resumed_with_another() {
    let world = world(Ask, Never);
    for version in [&TLS13, &TLS12] {
        let (config, heard) = listening(&world, version);
        let mut first = world.connect_named("doh", config.clone(), TV);
        first.write_all(&http1_text(&get(&query(1, "")))).unwrap();
        assert_eq!(http1_reply(&mut first, false).body, answer(1, ""));
        assert!(!heard.0.load(Ordering::Relaxed));
        assert_eq!(first.conn.tls13_tickets_received(), 0);
        let mut second = world.connect_named("doh", config, WORK);
        second.write_all(&http1_text(&get(&query(1, "")))).unwrap();
        assert_eq!(http1_reply(&mut second, false).body, answer(1, ""));
        assert!(heard.0.load(Ordering::Relaxed));
        assert_eq!(second.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}
