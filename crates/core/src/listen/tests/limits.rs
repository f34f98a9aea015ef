use std::io::{Read, Write};

use super::world::{
    World, answer, assert_closed, exchange, framed, is_close, query, read_message, until,
};

#[test]
fn a_message_that_does_not_end_in_time_closes_the_connection() {
    let world = World::with_limits(|limits| limits.read_ms = 50);
    let mut stream = world.connect("tcp");
    assert_eq!(exchange(&mut stream, &query(1, "")), answer(1, ""));
    stream.write_all(&framed(&query(2, ""))[..9]).unwrap();
    assert_closed(&mut stream);
}

#[test]
fn octets_that_trickle_do_not_keep_a_connection_open() {
    let world = World::with_limits(|limits| limits.read_ms = 50);
    let mut stream = world.connect("tcp");
    stream.write_all(&60_000_u16.to_be_bytes()).unwrap();
    until(|| stream.write_all(&[0]).is_err());
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    let world = World::with_limits(|limits| limits.read_ms = 50);
    for transport in ["tcp", "dot", "doh", "doh_cleartext"] {
        assert_closed(&mut world.connect(transport));
    }
}

#[test]
fn an_idle_connection_is_closed_but_not_one_that_waits_for_an_answer() {
    let world = World::with_limits(|limits| limits.idle_ms = 50);
    let mut waiting = world.connect("tcp");
    waiting.write_all(&framed(&query(1, "hold"))).unwrap();
    world.service.until_held(1);
    let mut idle = world.connect("tcp");
    assert_eq!(exchange(&mut idle, &query(2, "")), answer(2, ""));
    assert_closed(&mut idle);
    world.service.release(1);
    assert_eq!(read_message(&mut waiting), answer(1, "hold"));
    assert_closed(&mut waiting);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let world = World::with_limits(|limits| limits.write_ms = 50);
    let mut stream = world.connect("tcp");
    assert_eq!(exchange(&mut stream, &query(0, "")), answer(0, ""));
    let frames: Vec<u8> = (0..1000).flat_map(|id| framed(&query(id, "big 65000"))).collect();
    // On a busy machine the server may have closed before the last query is written.
    let written = stream.write_all(&frames);
    assert!(written.as_ref().map_or_else(is_close, |()| true), "{written:?}");
    world.until_open(0);
    // What the system had taken over before that may still arrive.
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(ended.as_ref().map_or_else(is_close, |_| true), "{ended:?}");
    assert!(rest.len() < 1000 * 65_002);
}

#[test]
fn queries_beyond_the_limit_wait_unread() {
    let world = World::with_limits(|limits| limits.queries_per_connection = 2);
    let mut stream = world.connect("tcp");
    let mut frames: Vec<u8> = (1..=5).flat_map(|id| framed(&query(id, "hold"))).collect();
    frames.extend(framed(&query(6, "")));
    stream.write_all(&frames).unwrap();
    world.service.until_held(2);
    for id in 1..=3 {
        world.service.release(id);
        assert_eq!(read_message(&mut stream), answer(id, "hold"));
        world.service.until_held(2);
    }
    world.service.release(4);
    // The sixth is read as soon as there is room for it, which is before the fifth is answered.
    assert_eq!(read_message(&mut stream), answer(4, "hold"));
    assert_eq!(read_message(&mut stream), answer(6, ""));
    world.service.release(5);
    assert_eq!(read_message(&mut stream), answer(5, "hold"));
}

#[test]
fn connections_beyond_the_limit_are_closed_until_one_ends() {
    for set in [
        |limits: &mut crate::options::Limits| limits.connections = 2,
        |limits: &mut crate::options::Limits| limits.connections_per_client = 2,
    ] {
        let world = World::with_limits(set);
        let mut first = world.connect("tcp");
        let mut second = world.connect("tcp");
        for stream in [&mut first, &mut second] {
            assert_eq!(exchange(stream, &query(1, "")), answer(1, ""));
        }
        for transport in ["tcp", "dot", "doh"] {
            assert_closed(&mut world.connect(transport));
        }
        drop(first);
        world.until_open(1);
        assert_eq!(exchange(&mut world.connect("tcp"), &query(2, "")), answer(2, ""));
    }
}

/// Sends as fast as it can and never stops: the timer of a task that always has something to read
/// must come all the same.
fn flood(stream: &mut std::net::TcpStream, opening: &[u8]) {
    stream.write_all(opening).unwrap();
    let more = [b'x'; 1 << 16];
    until(|| stream.write_all(&more).is_err());
}

#[test]
fn a_client_that_never_stops_sending_is_closed_in_time() {
    let world = World::with_limits(|limits| {
        limits.read_ms = 50;
        limits.write_ms = 50;
    });
    // What was refused is read and thrown away for a while only.
    flood(&mut world.connect("tcp"), &[0, 0]);
    flood(&mut world.connect("doh_cleartext"), b"GET /");
    let unending =
        b"POST /dns-query HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n\r\n";
    flood(&mut world.connect("doh_cleartext"), unending);
    world.until_open(0);
}
