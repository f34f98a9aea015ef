use std::net::{SocketAddr, UdpSocket};

use super::world::{READ_TIMEOUT, World, answer, id_of, query};

fn connect(world: &World, ip: &str) -> UdpSocket {
    let ip: std::net::IpAddr = ip.parse().unwrap();
    let local = if ip.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local).unwrap();
    // A connected socket hears nobody but the address that it asked.
    socket.connect(SocketAddr::new(ip, world.address("udp").port())).unwrap();
    socket.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut octets = [0; 2048];
    let count = socket.recv(&mut octets).unwrap();
    octets[..count].to_vec()
}

#[test]
fn every_datagram_of_a_burst_is_answered() {
    let world = World::start();
    let socket = connect(&world, "127.0.0.1");
    for id in 0..200 {
        socket.send(&query(id, "burst of queries")).unwrap();
    }
    for id in 0..200 {
        assert_eq!(receive(&socket), answer(id, "burst of queries"));
    }
}

#[test]
fn a_query_that_waits_does_not_hold_up_the_others() {
    let world = World::start();
    let socket = connect(&world, "127.0.0.1");
    socket.send(&query(1, "hold")).unwrap();
    socket.send(&query(2, "")).unwrap();
    assert_eq!(receive(&socket), answer(2, ""));
    world.service.release(1);
    assert_eq!(receive(&socket), answer(1, "hold"));
}

#[test]
fn an_answer_leaves_from_the_address_that_was_asked() {
    let world = World::with(|options| options.listen.udp = vec!["0.0.0.0:0".parse().unwrap()]);
    let socket = connect(&world, "127.0.0.2");
    socket.send(&query(1, "")).unwrap();
    assert_eq!(receive(&socket), answer(1, ""));
    socket.send(&query(2, "hold")).unwrap();
    world.service.until_held(1);
    world.service.release(2);
    assert_eq!(receive(&socket), answer(2, "hold"));
}

#[test]
fn ipv6_is_served_beside_ipv4_on_the_same_port() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let world = World::with(|options| options.listen.udp = vec!["[::]:0".parse().unwrap()]);
    let port = world.address("udp").port();
    let _ipv4 = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    let socket = connect(&world, "::1");
    socket.send(&query(1, "")).unwrap();
    assert_eq!(receive(&socket), answer(1, ""));
    socket.send(&query(2, "hold")).unwrap();
    world.service.until_held(1);
    world.service.release(2);
    assert_eq!(receive(&socket), answer(2, "hold"));
}

#[test]
fn what_is_too_short_or_too_long_or_unwanted_gets_no_answer() {
    let world = World::start();
    let socket = connect(&world, "127.0.0.1");
    socket.send(&[]).unwrap();
    socket.send(&[0; 11]).unwrap();
    socket.send(&[0; 4000]).unwrap();
    socket.send(&query(1, "drop")).unwrap();
    socket.send(&query(2, "")).unwrap();
    assert_eq!(id_of(&receive(&socket)), 2);
}

#[test]
fn a_query_that_panics_costs_its_own_answer_only() {
    let world = World::start();
    let socket = connect(&world, "127.0.0.1");
    socket.send(&query(1, "burst")).unwrap();
    world.service.until_held(1);
    world.service.release(1);
    socket.send(&query(2, "")).unwrap();
    assert_eq!(receive(&socket), answer(2, ""));
}
