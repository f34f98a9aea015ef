use std::io::{Read, Write};
use std::net::Shutdown;

use super::http::{base64url, get, http1_reply, http1_text, post};
use super::world::{World, answer, assert_closed, query, until};

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    for id in 0..20 {
        for asked in [get(&query(id, "")), post(&query(id, ""))] {
            stream.write_all(&http1_text(&asked)).unwrap();
            assert_eq!(http1_reply(&mut stream, false).body, answer(id, ""));
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    let text: Vec<u8> = (0..20).flat_map(|id| http1_text(&get(&query(id, "")))).collect();
    stream.write_all(&text).unwrap();
    for id in 0..20 {
        assert_eq!(http1_reply(&mut stream, false).body, answer(id, ""));
    }
}

#[test]
fn a_client_without_alpn_is_served_http1() {
    let world = World::start();
    let mut stream = world.connect_tls("doh", world.client(&[]));
    stream.write_all(&http1_text(&get(&query(1, "")))).unwrap();
    assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));
}

#[test]
fn a_query_that_waits_is_answered_with_its_own_age() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    stream.write_all(&http1_text(&get(&query(1, "hold")))).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    world.service.until_held(1);
    world.service.release(1);
    let reply = http1_reply(&mut stream, false);
    assert_eq!(reply.body, answer(1, "hold"));
    assert_eq!(reply.header("cache-control"), "max-age=7");
    assert_closed(&mut stream);
}

#[test]
fn a_chunked_body_is_read_and_a_long_one_is_too_large() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    let head = "POST /dns-query HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/dns-message\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for octet in query(1, "") {
        stream.write_all(&[b'1', b'\r', b'\n', octet, b'\r', b'\n']).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));

    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"10000\r\n").unwrap();
    // The response may come before the body has been read, and the connection end with it.
    let _ = stream.write_all(&vec![0; 0x10000]);
    assert_eq!(http1_reply(&mut stream, false).status, 413);
}

#[test]
fn a_transfer_coding_that_is_not_known_is_not_taken_for_a_chunked_body() {
    let world = World::start();
    for coding in ["gzip, chunked", "chunked, chunked", "identity, chunked"] {
        let mut stream = world.connect("doh_cleartext");
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nhost: localhost\r\ncontent-type: \
             application/dns-message\r\ntransfer-encoding: {coding}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(http1_reply(&mut stream, false).status, 501, "{coding}");
    }
}

#[test]
fn a_request_to_upgrade_to_http2_is_answered_as_if_it_did_not_ask() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    let asked = format!(
        "GET /dns-query?dns={} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade, HTTP2-Settings\r\n\
         upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
        base64url(&query(1, ""))
    );
    stream.write_all(asked.as_bytes()).unwrap();
    let reply = http1_reply(&mut stream, false);
    assert_eq!((reply.status.as_u16(), reply.body), (200, answer(1, "")));
    assert!(!reply.headers.contains_key("upgrade"));
}

#[test]
fn http_1_0_and_the_absolute_form_mean_the_same() {
    let world = World::start();
    let dns = base64url(&query(1, ""));
    for head in [
        format!("GET /dns-query?dns={dns} HTTP/1.0\r\n\r\n"),
        format!("GET http://localhost/dns-query?dns={dns} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ] {
        let mut stream = world.connect("doh_cleartext");
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""), "{head}");
    }
}

#[test]
fn a_header_that_is_too_long_is_refused() {
    let world = World::start();
    let mut stream = world.connect("doh_cleartext");
    let _ = stream.write_all(b"GET /dns-query HTTP/1.1\r\nhost: localhost\r\nx: ");
    let _ = stream.write_all(&[b'x'; 20_000]);
    let mut text = [0; 12];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"HTTP/1.1 431");
}

#[test]
fn a_request_that_does_not_end_in_time_closes_the_connection() {
    let world = World::with_limits(|limits| {
        limits.read_ms = 50;
        // A header that grows too long before that is refused, and its rest thrown away for a
        // while.
        limits.write_ms = 50;
    });
    let whole = http1_text(&post(&query(1, "hello")));
    for part in [30, whole.len() - 3] {
        let mut stream = world.connect("doh_cleartext");
        stream.write_all(&http1_text(&get(&query(1, "")))).unwrap();
        assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));
        stream.write_all(&whole[..part]).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 2"));
    }
    let mut trickle = world.connect("doh_cleartext");
    trickle.write_all(b"GET /").unwrap();
    until(|| trickle.write_all(b"x").is_err());
}

#[test]
fn an_idle_connection_is_closed() {
    let world = World::with_limits(|limits| limits.idle_ms = 50);
    let mut stream = world.connect("doh_cleartext");
    stream.write_all(&http1_text(&get(&query(1, "")))).unwrap();
    assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));
    assert_closed(&mut stream);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let world = World::with_limits(|limits| limits.write_ms = 50);
    let mut stream = world.connect("doh_cleartext");
    stream.write_all(&http1_text(&get(&query(0, "")))).unwrap();
    assert_eq!(http1_reply(&mut stream, false).body, answer(0, ""));
    let text: Vec<u8> = (0..500).flat_map(|id| http1_text(&get(&query(id, "big 65000")))).collect();
    let _ = stream.write_all(&text);
    // The first octet of an answer shows that the connection was accepted; before that none is
    // open.
    stream.read_exact(&mut [0]).unwrap();
    world.until_open(0);
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let mut world = World::start();
    let mut stream = world.connect("doh_cleartext");
    stream.write_all(&http1_text(&get(&query(1, "hold")))).unwrap();
    world.service.until_held(1);
    world.drain();
    world.service.release(1);
    let reply = http1_reply(&mut stream, false);
    assert_eq!(reply.body, answer(1, "hold"));
    assert_closed(&mut stream);
    drop(stream);
    world.until_ended();
}
