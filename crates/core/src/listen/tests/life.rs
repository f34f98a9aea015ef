//! How long a connection lives: no longer than what its client has shown is believed.

use std::io::{Read, Write};

use http::Request;

use super::http::{Http2, base64url, get, http1_reply, http1_text, read, until_held};
use super::world::{World, answer, assert_closed, exchange, framed, query, read_message, until};
use crate::trust::authority::{Authority, Shown, valid, workload};

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

/// Seconds until a certificate ends: long enough to connect with it on a busy machine.
const SOON: i64 = 4;

/// Listeners that trusted_sidecar an authority, and a certificate that ends in so many seconds.
fn world(seconds: i64) -> (World, Shown) {
    let world = World::start();
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let mut params = workload(&[WEB]);
    valid(&mut params, -60, seconds);
    (world, root.issue_with(params))
}

#[test]
fn a_stream_ends_with_its_certificate_after_its_answers() {
    let (world, shown) = world(SOON);
    let config = || world.client_showing(&shown, &["dot"]);
    let mut stream = world.connect_tls("dot", config());
    stream.write_all(&framed(&query(1, "hold"))).unwrap();
    assert_eq!(exchange(&mut stream, &query(2, "")), answer(2, ""));
    let mut busy = world.connect_tls("dot", config());
    let mut other = world.connect_tls("dot", world.client(&["dot"]));
    // One that asks all the time ends as well.
    until(|| {
        let asked = busy.write_all(&framed(&query(3, "")));
        asked.and_then(|()| busy.read_exact(&mut [0; 14])).is_err()
    });
    world.service.until_held(1);
    world.service.release(1);
    assert_eq!(read_message(&mut stream), answer(1, "hold"));
    assert_closed(&mut stream);
    // One without a certificate does not.
    assert_eq!(exchange(&mut other, &query(4, "")), answer(4, ""));
}

#[test]
fn http1_ends_with_its_certificate() {
    let (world, shown) = world(SOON);
    let mut stream = world.connect_tls("doh", world.client_showing(&shown, &[]));
    stream.write_all(&http1_text(&get(&query(1, "")))).unwrap();
    assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));
    assert_closed(&mut stream);
}

#[tokio::test]
async fn http2_ends_with_its_certificate_after_its_answers() {
    let (world, shown) = world(SOON);
    let client = Http2::over_tls_as(&world, world.client_showing(&shown, &["h2"])).await;
    let held = client.send(get(&query(1, "hold"))).await;
    until_held(&world, 1).await;
    // Asks until it is not answered any more.
    while let Ok(mut send) = client.0.clone().ready().await {
        let uri = format!("https://localhost/dns-query?dns={}", base64url(&query(2, "")));
        let request = Request::get(uri).body(()).unwrap();
        let Ok((response, _)) = send.send_request(request, true) else { break };
        if read(response).await.is_err() {
            break;
        }
    }
    world.service.release(1);
    assert_eq!(read(held).await.unwrap().body, answer(1, "hold"));
    client.until_closed().await;
}

#[test]
fn an_expired_certificate_ends_nothing() {
    let (world, shown) = world(-30);
    let mut stream = world.connect_tls("dot", world.client_showing(&shown, &["dot"]));
    // Each answer proves that the one before it did not end the connection.
    for id in 0..4 {
        assert_eq!(exchange(&mut stream, &query(id, "")), answer(id, ""));
    }
}

#[test]
fn a_stream_whose_client_is_not_believed_any_more_is_closed_after_its_answers() {
    let (world, shown) = world(3_600);
    for (transport, tls) in [("dot", true), ("tcp", false)] {
        let frames: Vec<u8> = [query(1, "hold"), query(2, "revoked"), query(3, "")]
            .iter()
            .flat_map(|query| framed(query))
            .collect();
        let mut stream: Box<dyn ReadWrite> = if tls {
            Box::new(world.connect_tls(transport, world.client_showing(&shown, &["dot"])))
        } else {
            Box::new(world.connect(transport))
        };
        stream.write_all(&frames).unwrap();
        assert_eq!(read_message(&mut stream), answer(2, "revoked"));
        world.service.until_held(1);
        world.service.release(1);
        assert_eq!(read_message(&mut stream), answer(1, "hold"));
        assert_closed(&mut stream);
    }
}

trait ReadWrite: Read + Write {}

impl<Io: Read + Write> ReadWrite for Io {}

#[test]
fn http1_whose_client_is_not_believed_any_more_is_closed_after_its_answer() {
    let (world, shown) = world(3_600);
    let mut stream = world.connect_tls("doh", world.client_showing(&shown, &[]));
    stream.write_all(&http1_text(&get(&query(1, "revoked")))).unwrap();
    let reply = http1_reply(&mut stream, false);
    assert_eq!((&*reply.body, reply.header("connection")), (&*answer(1, "revoked"), "close"));
    assert_closed(&mut stream);
}

#[tokio::test]
async fn http2_whose_client_is_not_believed_any_more_is_closed_after_its_answers() {
    let (world, shown) = world(3_600);
    let client = Http2::over_tls_as(&world, world.client_showing(&shown, &["h2"])).await;
    let held = client.send(get(&query(1, "hold"))).await;
    until_held(&world, 1).await;
    assert_eq!(client.ask(get(&query(2, "revoked"))).await.body, answer(2, "revoked"));
    client.until_closed().await;
    world.service.release(1);
    assert_eq!(read(held).await.unwrap().body, answer(1, "hold"));
}

#[test]
fn a_sidecar_keeps_its_connection_when_one_of_its_clients_is_not_believed_any_more() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    for said in ["revoked", "revoked", ""] {
        let dns = base64url(&query(1, said));
        let text = format!(
            "GET /dns-query?dns={dns} HTTP/1.1\r\nhost: localhost\r\n\
             x-forwarded-client-cert: URI={WEB}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).unwrap();
        assert_eq!(http1_reply(&mut stream, false).body, answer(1, said));
    }
}
