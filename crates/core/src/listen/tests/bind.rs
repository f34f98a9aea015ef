use std::net::SocketAddr;

use super::super::Bound;
use super::world::{World, answer, exchange, options, query};
use crate::options::Options;

fn refused(set: impl FnOnce(&mut Options)) -> String {
    let mut options = options();
    set(&mut options);
    Bound::bind(&options).err().expect("binding has to fail").to_string()
}

#[test]
fn a_port_in_use_is_refused_even_to_a_program_that_would_share_it() {
    let world = World::start();
    for transport in ["udp", "tcp", "dot", "doh"] {
        let address = world.address(transport);
        let text = refused(|options| match transport {
            "udp" => options.listen.udp = vec![address],
            "tcp" => options.listen.tcp = vec![address],
            "dot" => options.listen.dot = vec![address],
            _ => options.listen.doh = vec![address],
        });
        let start = format!("cannot listen on {address} ({transport}): port {}", address.port());
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains("is in use"), "{text}");
    }
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let text = refused(|options| options.listen.tcp = vec!["192.0.2.1:5300".parse().unwrap()]);
    assert!(text.contains("no interface of this machine has the address 192.0.2.1"), "{text}");
}

#[test]
fn every_worker_serves_every_address() {
    let world = World::with(|options| options.workers = 3);
    // Which worker gets a connection is up to the system; with this many each of them gets one.
    for id in 0..60 {
        let mut stream = world.connect("tcp");
        assert_eq!(exchange(&mut stream, &query(id, "")), answer(id, ""));
    }
}

#[test]
fn a_free_port_is_reported_for_each_address() {
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut options = options();
    options.workers = 2;
    options.listen.udp = vec![free, free];
    let bound = Bound::bind(&options).unwrap();
    let addresses = bound.addresses();
    let udp = addresses["udp"].as_array().unwrap();
    assert_eq!(udp.len(), 2);
    assert_ne!(udp[0], udp[1]);
    assert!(
        udp.iter()
            .all(|address| address.as_str().unwrap().parse::<SocketAddr>().unwrap().port() != 0)
    );
    for transport in ["tcp", "dot", "doh", "doh_cleartext"] {
        assert_eq!(addresses[transport].as_array().unwrap().len(), 1, "{transport}");
    }
}
