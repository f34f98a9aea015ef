use std::io::Write;

use rustls::{AlertDescription, HandshakeKind, ProtocolVersion};

use super::world::{World, answer, assert_closed, exchange, framed, query, read_message};

#[test]
fn answers_come_over_tls_1_3_and_1_2() {
    let world = World::start();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut config = world.client(&["dot"]);
        let provider = std::sync::Arc::clone(config.crypto_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(world.certificate.clone()).unwrap();
        config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut stream = world.connect_tls("dot", config);
        assert_eq!(exchange(&mut stream, &query(1, "")), answer(1, ""));
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn pipelined_queries_are_answered_out_of_order() {
    let world = World::start();
    let mut stream = world.connect_tls("dot", world.client(&["dot"]));
    let mut frames = framed(&query(500, "hold"));
    frames.extend((0..300).flat_map(|id| framed(&query(id, "big 700"))));
    stream.write_all(&frames).unwrap();
    for id in 0..300_u16 {
        let message = read_message(&mut stream);
        assert_eq!((message.len(), &message[..2]), (700, &id.to_be_bytes()[..]));
    }
    world.service.release(500);
    assert_eq!(read_message(&mut stream), answer(500, "hold"));
}

#[test]
fn a_client_may_name_dot_or_nothing_and_nothing_else() {
    let world = World::start();
    for (named, agreed) in
        [(&["dot"][..], Some(&b"dot"[..])), (&[], None), (&["x", "dot"], Some(b"dot"))]
    {
        let mut stream = world.connect_tls("dot", world.client(named));
        assert_eq!(exchange(&mut stream, &query(1, "")), answer(1, ""));
        assert_eq!(stream.conn.alpn_protocol(), agreed);
    }
    let mut stream = world.connect_tls("dot", world.client(&["h2", "http/1.1"]));
    let error = stream.write_all(&framed(&query(1, ""))).and_then(|()| stream.flush()).unwrap_err();
    let alert = error.downcast::<rustls::Error>().unwrap();
    assert_eq!(alert, rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol));
}

#[test]
fn cleartext_gets_no_answer() {
    let world = World::start();
    let mut stream = world.connect("dot");
    stream.write_all(&framed(&query(1, ""))).unwrap();
    let mut octets = Vec::new();
    // Closed, maybe after a TLS alert (record type 21).
    let _ = std::io::Read::read_to_end(&mut stream, &mut octets);
    assert!(octets.is_empty() || octets[0] == 21, "{octets:?}");
}

#[test]
fn a_new_certificate_serves_new_connections_and_cuts_no_old_one() {
    let mut world = World::start();
    let mut old = world.connect_tls("dot", world.client(&["dot"]));
    assert_eq!(exchange(&mut old, &query(1, "")), answer(1, ""));
    let old_certificate = world.certificate.clone();
    world.renew_certificate();
    let mut new = world.connect_tls("dot", world.client(&["dot"]));
    assert_eq!(exchange(&mut new, &query(2, "")), answer(2, ""));
    assert_eq!(new.conn.peer_certificates().unwrap()[0], world.certificate);
    assert_ne!(old_certificate, world.certificate);
    assert_eq!(exchange(&mut old, &query(3, "")), answer(3, ""));
}

#[test]
fn nothing_is_resumed_so_that_every_connection_proves_itself() {
    let world = World::start();
    let config = std::sync::Arc::new(world.client(&["dot"]));
    for id in 0..3 {
        let mut stream = world.connect_tls("dot", (*config).clone());
        assert_eq!(exchange(&mut stream, &query(id, "")), answer(id, ""));
        assert!(matches!(
            stream.conn.handshake_kind(),
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)
        ));
        assert_eq!(stream.conn.tls13_tickets_received(), 0);
        assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
}

#[test]
fn a_client_that_ends_its_side_gets_its_answers_and_a_proper_end() {
    let world = World::start();
    let mut stream = world.connect_tls("dot", world.client(&["dot"]));
    stream.write_all(&framed(&query(1, "hold"))).unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    world.service.until_held(1);
    world.service.release(1);
    assert_eq!(read_message(&mut stream), answer(1, "hold"));
    // Without close_notify this would be an error (RFC 8446 section 6.1).
    assert_eq!(std::io::Read::read(&mut stream, &mut [0; 9]).unwrap(), 0);
    assert_closed(&mut stream.sock);
}
