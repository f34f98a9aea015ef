//! Requests that stay open count for their client, over each transport.

use std::io::{Read, Write};
use std::net::TcpStream as StdStream;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, SendStream};
use http::Request;
use tokio::net::TcpStream;

use super::super::doh::request::MEDIA_TYPE;
use super::http::{Http2, get, http1_reply, http1_text, post, read};
use super::world::{World, answer, assert_closed, exchange, framed, query, read_message, until};
use crate::shares::Full;

const TOKENS: [&str; 2] = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"];

/// A world in which so many requests may stay open.
fn world(per_identity: usize, per_network: usize) -> World {
    World::with_limits(|limits| {
        (limits.open_requests_per_identity, limits.waiting_per_identity) = (per_identity, 1);
        (limits.open_requests_per_network, limits.waiting_per_network) = (per_network, 1);
    })
}

async fn cleartext(world: &World, set: impl FnOnce(&mut h2::client::Builder)) -> Http2 {
    Http2::over(TcpStream::connect(world.address("doh_cleartext")).await.unwrap(), set).await
}

/// Begins a POST whose body does not end yet.
async fn begin(client: &Http2, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
    begin_with(client, path, MEDIA_TYPE).await
}

/// The same with another media type.
async fn begin_with(
    client: &Http2,
    path: &str,
    media_type: &str,
) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!("https://localhost/dns-query{path}"))
        .header("content-type", media_type)
        .body(())
        .unwrap();
    client.0.clone().ready().await.unwrap().send_request(request, false).unwrap()
}

async fn end((response, mut body): (ResponseFuture, SendStream<Bytes>)) -> Vec<u8> {
    body.send_data(Bytes::from(query(1, "")), true).unwrap();
    read(response).await.unwrap().body
}

/// Waits until all that was sent before is read.
async fn settle(client: &Http2) {
    client.ask(get(&query(9, ""))).await;
}

/// Waits until so many requests are open, without holding up the client's own tasks.
async fn until_places(world: &World, count: usize) {
    let limits = Arc::clone(&world.limits);
    let opened = move || until(|| limits.open_requests() == count);
    tokio::task::spawn_blocking(opened).await.unwrap();
}

async fn reason_of(response: ResponseFuture) -> Option<Reason> {
    response.await.unwrap_err().reason()
}

#[tokio::test]
async fn streams_of_a_network_that_stay_open_have_a_share_over_all_connections() {
    let world = world(1000, 3);
    let clients = [cleartext(&world, |_| ()).await, cleartext(&world, |_| ()).await];
    let mut open = Vec::new();
    for client in [&clients[0], &clients[1], &clients[0]] {
        open.push(begin(client, "").await);
        settle(client).await;
    }
    let (refused, _body) = begin(&clients[1], "").await;
    assert_eq!(reason_of(refused).await, Some(Reason::REFUSED_STREAM));
    assert_eq!(*world.service.over_shares.lock().unwrap(), [Full::Network]);
    // What is whole at once needs no share, and what has ended gives its own back.
    settle(&clients[1]).await;
    assert_eq!(end(open.pop().unwrap()).await, answer(1, ""));
    open.push(begin(&clients[1], "").await);
    settle(&clients[1]).await;
    for one in open {
        assert_eq!(end(one).await, answer(1, ""));
    }
}

#[tokio::test]
async fn streams_of_an_identity_have_a_share_beside_those_of_others() {
    let world = world(2, 1000);
    let [one, other] = TOKENS.map(|token| format!("/{token}"));
    let client = cleartext(&world, |_| ()).await;
    let _open = [begin(&client, &one).await, begin(&client, &one).await];
    until_places(&world, 2).await;
    let (refused, _body) = begin(&client, &one).await;
    assert_eq!(reason_of(refused).await, Some(Reason::REFUSED_STREAM));
    assert_eq!(*world.service.over_shares.lock().unwrap(), [Full::Identity]);
    assert_eq!(end(begin(&client, &other).await).await, answer(1, ""));
}

#[tokio::test]
async fn answers_that_are_not_taken_count_too() {
    let world = world(1000, 2);
    let closed = |builder: &mut h2::client::Builder| {
        builder.initial_window_size(0);
    };
    let client = cleartext(&world, closed).await;
    let mut bodies = Vec::new();
    for id in 0..2 {
        let response = client.send(get(&query(id, "big 900"))).await;
        bodies.push(response.await.unwrap().into_body());
    }
    let reason = match client.send(get(&query(2, "big 900"))).await.await {
        Ok(response) => response.into_body().data().await.unwrap().unwrap_err().reason(),
        Err(error) => error.reason(),
    };
    assert_eq!(reason, Some(Reason::ENHANCE_YOUR_CALM));
    // Who gives a stream up gives its place back.
    drop(bodies.pop());
    until_places(&world, 1).await;
    let response = client.send(get(&query(3, "big 900"))).await;
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn bodies_of_refused_requests_count_as_long_as_they_are_read() {
    let world = world(1000, 1);
    let client = cleartext(&world, |_| ()).await;
    let (refused, _body) = begin(&client, "/nothing").await;
    assert_eq!(refused.await.unwrap().status(), 404);
    let (response, _other) = begin(&client, "").await;
    assert_eq!(reason_of(response).await, Some(Reason::REFUSED_STREAM));
}

#[tokio::test]
async fn bodies_of_refused_requests_count_for_the_token_of_their_request() {
    let world = world(1, 1000);
    let [one, other] = TOKENS.map(|token| format!("/{token}"));
    let client = cleartext(&world, |_| ()).await;
    let (refused, _body) = begin_with(&client, &one, "text/plain").await;
    assert_eq!(refused.await.unwrap().status(), 415);
    let (response, _second) = begin(&client, &one).await;
    assert_eq!(reason_of(response).await, Some(Reason::REFUSED_STREAM));
    assert_eq!(end(begin(&client, &other).await).await, answer(1, ""));
}

#[test]
fn answers_lie_in_no_library_however_large_the_window_of_the_client_is() {
    let world = world(1000, 4);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&world.address("doh_cleartext").into()).unwrap();
    let mut stream = StdStream::from(socket);
    // The preface, settings with the largest window, a window of the connection, and then requests.
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    octets.extend_from_slice(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
    octets.extend_from_slice(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0]);
    stream.write_all(&octets).unwrap();
    for number in 0..90_u32 {
        let message = super::http::base64url(&query(number as u16, "big 65000"));
        stream.write_all(&request_frame(2 * number + 1, &message)).unwrap();
    }
    // It never reads: what the system does not take over counts for it, and the rest is refused.
    until(|| world.service.over_shares.lock().unwrap().len() > 1);
}

/// A HEADERS frame with a GET, without compression (RFC 7541 section 6.2.2).
fn request_frame(stream: u32, message: &str) -> Vec<u8> {
    let mut block = Vec::new();
    let path = format!("/dns-query?dns={message}");
    for (name, value) in
        [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", &path)]
    {
        block.extend_from_slice(&[0, name.len() as u8]);
        block.extend_from_slice(name.as_bytes());
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
    }
    let mut frame = (block.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[1, 5]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(&block);
    frame
}

#[test]
fn a_connection_over_the_share_has_one_query_at_a_time() {
    let world = world(1000, 2);
    let mut streams = [world.connect("tcp"), world.connect("tcp")];
    for (stream, ids, held) in [(0, [1, 2], 2), (1, [3, 4], 3)] {
        let frames: Vec<u8> = ids.iter().flat_map(|&id| framed(&query(id, "hold"))).collect();
        streams[stream].write_all(&frames).unwrap();
        world.service.until_held(held);
    }
    // The fourth is not read before the third is answered.
    world.service.release(3);
    assert_eq!(read_message(&mut streams[1]), answer(3, "hold"));
    world.service.until_held(3);
    world.service.release(4);
    assert_eq!(read_message(&mut streams[1]), answer(4, "hold"));
    assert!(world.service.over_shares.lock().unwrap().is_empty(), "nothing was lost");
    assert_eq!(exchange(&mut streams[1], &query(5, "")), answer(5, ""));
}

#[tokio::test]
async fn a_connection_counts_for_the_token_in_its_path() {
    let world = World::with_limits(|limits| limits.connections_per_identity = 1);
    let message = super::http::base64url(&query(1, ""));
    let with = |token: &str| ("GET", format!("/dns-query/{token}?dns={message}"), None, None);
    let first = Http2::over_tls(&world).await;
    for _ in 0..2 {
        assert_eq!(first.ask(with(TOKENS[0])).await.body, answer(1, ""));
    }
    let second = Http2::over_tls(&world).await;
    let refused = second.send(with(TOKENS[0])).await;
    assert_eq!(reason_of(refused).await, Some(Reason::REFUSED_STREAM));
    second.until_closed().await;
    assert_eq!(world.counted()["closed"]["over_identity_share"], 1);
    let other = Http2::over_tls(&world).await;
    assert_eq!(other.ask(with(TOKENS[1])).await.body, answer(1, ""));
}

#[test]
fn over_http1_a_connection_counts_for_the_token_as_well() {
    let world = World::with_limits(|limits| limits.connections_per_identity = 1);
    let message = super::http::base64url(&query(1, ""));
    let with = |token: &str| ("GET", format!("/dns-query/{token}?dns={message}"), None, None);
    let mut streams: Vec<_> =
        (0..3).map(|_| world.connect_tls("doh", world.client(&["http/1.1"]))).collect();
    for (stream, token, status) in
        [(0, TOKENS[0], 200), (0, TOKENS[0], 200), (1, TOKENS[0], 503), (2, TOKENS[1], 200)]
    {
        let stream = &mut streams[stream];
        stream.write_all(&http1_text(&with(token))).unwrap();
        assert_eq!(http1_reply(stream, false).status, status);
    }
    assert_closed(&mut streams[1]);
}

#[test]
fn requests_behind_a_sidecar_count_for_the_client_that_it_names() {
    let world = world(1, 1000);
    let begin = |client: &str| {
        let mut stream = world.connect("doh_cleartext");
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nhost: localhost\r\ncontent-type: {MEDIA_TYPE}\r\n\
             x-forwarded-client-cert: URI=spiffe://keyhole.lab/{client}\r\ncontent-length: 12\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let first = begin("web");
    until(|| world.limits.open_requests() == 1);
    let mut second = begin("web");
    let reply = http1_reply(&mut second, false);
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("connection"), "close");
    assert_closed(&mut second);
    assert_eq!(*world.service.over_shares.lock().unwrap(), [Full::Identity]);
    for mut stream in [first, begin("api")] {
        stream.write_all(&query(1, "")).unwrap();
        assert_eq!(http1_reply(&mut stream, false).body, answer(1, ""));
    }
}

#[test]
fn the_octets_of_a_header_count_as_they_arrive() {
    let world = World::with_limits(|limits| limits.header_octets = 1000);
    let asked = String::from_utf8(http1_text(&get(&query(1, "")))).unwrap();
    let padded =
        |octets| asked.replace("\r\n\r\n", &format!("\r\nx:{}y\r\n\r\n", " ".repeat(octets)));
    for (octets, status) in [(500, 200), (2_000, 431), (20_000, 431)] {
        let mut stream = world.connect("doh_cleartext");
        stream.write_all(padded(octets).as_bytes()).unwrap();
        let mut reply = [0; 12];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply, *format!("HTTP/1.1 {status}").as_bytes(), "{octets}");
    }
    // The same of the trailers of a body.
    let mut stream = world.connect("doh_cleartext");
    let text = String::from_utf8(http1_text(&post(&query(1, "")))).unwrap();
    let head = text.split_once("content-length").unwrap().0;
    let trailer = format!("x:{}y\r\n\r\n", " ".repeat(2_000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n{trailer}");
    stream.write_all(chunked.as_bytes()).unwrap();
    assert_eq!(http1_reply(&mut stream, false).status, 400);
}
