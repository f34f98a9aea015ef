//! The mesh listener: what sidecars say, who else comes, and how little of it is believed.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use super::super::proxy_protocol::SIGNATURE;
use super::world::{World, answer, assert_closed, exchange, framed, query, read_message, until};

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

/// A header with this source, from 192.0.2.7, and these octets after the addresses.
fn header(command: u8, tlvs: &[u8]) -> Vec<u8> {
    let addresses = [192, 0, 2, 7, 127, 0, 0, 1, 0xc0, 0, 0, 53];
    let length = u16::try_from(addresses.len() + tlvs.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, 0x11], &length, &addresses, tlvs].concat()
}

fn identity(value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[0xd0][..], &length, value].concat()
}

fn proxied(value: &str) -> Vec<u8> {
    header(0x21, &identity(value.as_bytes()))
}

fn who(stream: &mut TcpStream) -> String {
    let message = exchange(stream, &query(0, "who"));
    String::from_utf8(message.strip_prefix(&*answer(0, "who")).unwrap().to_vec()).unwrap()
}

/// What was counted of the mesh listener, once it is all of this.
fn until_counted(world: &World, expected: &Value) {
    until(|| world.counted()["mesh"] == *expected);
}

#[test]
fn a_sidecar_says_who_its_client_is_and_where() {
    let world = World::start();
    let client = "192.0.2.7 via 127.0.0.1";
    for (header, said) in [
        (proxied(WEB), format!("Mesh {client}: mesh {WEB}")),
        (header(0x21, &[]), format!("Mesh {client}: nobody")),
        (proxied("-"), format!("Mesh {client}: nobody")),
        (proxied(""), format!("Mesh {client}: nobody")),
        (proxied("spiffe://other.lab/a"), format!("Mesh {client}: unreadable")),
        (proxied("web"), format!("Mesh {client}: unreadable")),
        (header(0x21, &identity(&[0xff])), format!("Mesh {client}: unreadable")),
        (header(0x20, &identity(WEB.as_bytes())), "Mesh 127.0.0.1 via 127.0.0.1: nobody".into()),
    ] {
        let mut stream = world.connect("mesh");
        stream.write_all(&header).unwrap();
        assert_eq!(who(&mut stream), said);
        // It is the same for every query on the connection.
        assert_eq!(who(&mut stream), said);
    }
    until_counted(
        &world,
        &json!({"identified": 1, "unidentified": 3, "unreadable": 3, "local": 1}),
    );
}

#[test]
fn a_header_may_come_octet_by_octet_or_with_the_first_query() {
    let world = World::start();
    let mut slow = world.connect("mesh");
    for octet in proxied(WEB) {
        slow.write_all(&[octet]).unwrap();
    }
    assert!(who(&mut slow).ends_with(WEB));
    let mut at_once = world.connect("mesh");
    at_once
        .write_all(&[proxied(WEB), framed(&query(1, "")), framed(&query(2, ""))].concat())
        .unwrap();
    for id in [1, 2] {
        assert_eq!(read_message(&mut at_once), answer(id, ""));
    }
}

#[test]
fn whoever_is_no_sidecar_is_closed_whatever_it_says() {
    let world = World::with(|options| {
        options.mesh.peers = vec!["127.0.0.6/32".parse().unwrap()];
    });
    let mut stream = world.connect("mesh");
    // It may be closed before this is written.
    let _ = stream.write_all(&[proxied(WEB), framed(&query(1, ""))].concat());
    assert_closed(&mut stream);
    until_counted(&world, &json!({"untrusted_peer": 1}));
}

#[test]
fn a_beginning_that_is_no_header_is_closed_without_an_answer() {
    let world = World::start();
    let mut long = header(0x21, &[]);
    long[14..16].copy_from_slice(&[0x02, 0x19]);
    let udp = {
        let mut udp = proxied(WEB);
        udp[13] = 0x12;
        udp
    };
    let beginnings = [
        b"PROXY TCP4 192.0.2.7 127.0.0.1 49152 53\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        framed(&query(1, "")),
        vec![22, 3, 1],
        long,
        udp,
        header(0x22, &[]),
        header(0x21, &[0xd0, 0xff]),
        header(0x21, &[identity(WEB.as_bytes()), identity(WEB.as_bytes())].concat()),
    ];
    for beginning in &beginnings {
        let mut stream = world.connect("mesh");
        stream.write_all(beginning).unwrap();
        assert_closed(&mut stream);
    }
    // Cut off in the middle.
    let mut stream = world.connect("mesh");
    stream.write_all(&proxied(WEB)[..20]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_closed(&mut stream);
    until_counted(&world, &json!({"malformed_header": beginnings.len() + 1}));
}

#[test]
fn a_connection_that_says_nothing_is_counted_apart_from_one_that_is_late() {
    let world = World::with_limits(|limits| limits.read_ms = 50);
    drop(world.connect("mesh"));
    assert_closed(&mut world.connect("mesh"));
    until_counted(&world, &json!({"silent": 2}));
    let mut stream = world.connect("mesh");
    stream.write_all(&proxied(WEB)[..14]).unwrap();
    assert_closed(&mut stream);
    until_counted(&world, &json!({"silent": 2, "late_header": 1}));
}

#[test]
fn a_connection_of_a_sidecar_counts_for_the_identity_that_it_names() {
    let world = World::with_limits(|limits| {
        limits.connections_per_client = 1;
        limits.connections_per_identity = 2;
    });
    let open = || {
        let mut stream = world.connect("mesh");
        stream.write_all(&proxied(WEB)).unwrap();
        stream
    };
    // Neither the address of the sidecar nor the one that it tells has a share.
    let (mut first, mut second) = (open(), open());
    for stream in [&mut first, &mut second] {
        assert!(who(stream).starts_with("Mesh 192.0.2.7 via 127.0.0.1"));
    }
    assert_closed(&mut open());
}

#[test]
fn a_header_that_hangs_does_not_hold_up_the_end() {
    let mut world = World::start();
    let mut stream = world.connect("mesh");
    stream.write_all(&proxied(WEB)[..14]).unwrap();
    world.until_open(1);
    world.drain();
    world.until_ended();
}
