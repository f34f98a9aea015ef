use std::io::Write;
use std::net::TcpStream;

use super::world::{World, answer, assert_closed, exchange, framed, query, read_message, until};

#[test]
fn what_is_under_way_is_finished_and_nothing_new_begins() {
    let mut world = World::start();
    let mut stream = world.connect("tcp");
    stream.write_all(&framed(&query(1, "hold"))).unwrap();
    world.service.until_held(1);
    let mut idle = world.connect("tcp");
    assert_eq!(exchange(&mut idle, &query(2, "")), answer(2, ""));
    world.drain();
    assert_closed(&mut idle);
    drop(idle);
    let address = world.address("tcp");
    until(|| TcpStream::connect(address).is_err());
    // Asked too late.
    stream.write_all(&framed(&query(3, ""))).unwrap();
    world.service.release(1);
    assert_eq!(read_message(&mut stream), answer(1, "hold"));
    assert_closed(&mut stream);
    drop(stream);
    world.until_ended();
}

#[test]
fn a_udp_query_that_waits_is_still_answered() {
    let mut world = World::start();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(super::world::READ_TIMEOUT)).unwrap();
    socket.send_to(&query(1, "hold"), world.address("udp")).unwrap();
    world.service.until_held(1);
    world.drain();
    world.service.release(1);
    let mut octets = [0; 100];
    let count = socket.recv(&mut octets).unwrap();
    assert_eq!(octets[..count], answer(1, "hold"));
    world.until_ended();
}

#[test]
fn a_handshake_that_hangs_does_not_hold_up_the_end() {
    let mut world = World::start();
    let _dot = world.connect("dot");
    let _doh = world.connect("doh");
    let _cleartext = world.connect("doh_cleartext");
    world.until_open(3);
    world.drain();
    world.until_ended();
}

#[test]
fn a_client_that_never_closes_is_given_up() {
    let mut world = World::with_limits(|limits| limits.write_ms = 50);
    let mut stream = world.connect("tcp");
    assert_eq!(exchange(&mut stream, &query(1, "")), answer(1, ""));
    world.drain();
    world.until_ended();
}
