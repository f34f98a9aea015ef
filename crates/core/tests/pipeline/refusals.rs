//! Who is not served, and what is not.

use keyhole_core::pipeline::Progress;
use keyhole_core::transport::Transport;

use super::message::{A, query};
use super::world::{TRANSPORTS, begin, core, options, send, world};

/// TEST-NET-1 is not among the networks that the tests serve.
const STRANGER: &str = "192.0.2.1";

#[tokio::test]
async fn without_a_snapshot_everything_is_refused_as_not_ready() {
    let core = core(&options());
    for name in ["www.example.org", "localhost", "printer.example.org", "."] {
        let packet = query(name, A).edns(&[]).octets();
        let reply = send(&core, &packet, Transport::Dot, "127.0.0.1").await.unwrap();
        assert_eq!((reply.rcode(), reply.extended_error()), (5, Some((14, "not_ready"))));
    }
}

#[tokio::test]
async fn a_network_that_is_not_served_is_refused_and_gets_nothing_over_udp() {
    let world = world().await;
    for (name, kind) in [("www.example.org", A), ("x.ads.example", A), ("a.example", 252)] {
        for transport in TRANSPORTS {
            let packet = query(name, kind).edns(&[]).octets();
            let reply = send(&world.core, &packet, transport, STRANGER).await;
            let said = reply.as_ref().map(|reply| (reply.rcode(), reply.extended_error()));
            let refused = Some((5, Some((18, "network_not_served"))));
            assert_eq!(said, if transport == Transport::Udp { None } else { refused });
        }
    }
    assert_eq!(world.count("network_not_served"), 3);
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn a_malformed_message_from_a_network_that_is_not_served_gets_no_answer() {
    let world = world().await;
    let good = query("www.example.org", A).octets();
    let mut two_questions = good.clone();
    two_questions[5] = 2;
    let mut update = good.clone();
    update[2] |= 5 << 3;
    for packet in [two_questions, update, good[..20].to_vec()] {
        assert!(send(&world.core, &packet, Transport::Udp, STRANGER).await.is_none());
        assert!(send(&world.core, &packet, Transport::Udp, "127.0.0.1").await.is_some());
    }
    assert_eq!(world.count("network_not_served"), 3);
}

#[tokio::test]
async fn a_refusal_is_not_larger_than_its_query_but_for_the_opt_record() {
    let world = world().await;
    let long = format!("{0}.{0}.{0}.example.org", "x".repeat(60));
    let mut packets = Vec::new();
    for name in [".", "www.example.org", &long] {
        for (kind, flags, class) in [(A, 0x0100, 1), (252, 0, 1), (A, 0x2800, 1), (A, 0, 3)] {
            let mut query = query(name, kind);
            (query.flags, query.class) = (flags, class);
            packets.push(query.octets());
        }
    }
    let mut refused = [0, 0];
    for packet in packets {
        for (client, refused) in [STRANGER, "127.0.0.1"].into_iter().zip(&mut refused) {
            let (progress, reply) = begin(&world.core, &packet, Transport::Udp, client);
            let is_refusal = matches!(progress, Progress::Replied(_)) && reply[3] & 0x0f != 0;
            *refused += usize::from(is_refusal);
            assert!(!is_refusal || reply.len() <= packet.len(), "{} octets", reply.len());
        }
    }
    // A network that is not served gets nothing. What 127.0.0.1 may ask is answered.
    assert_eq!(refused, [0, 9]);
}

#[tokio::test]
async fn zone_transfers_and_other_meta_types_are_refused_before_policy_is_asked() {
    let world = world().await;
    for kind in [252, 251, 249, 250, 253, 254, 41, 0] {
        let reply = world.ask(&query("www.example.org", kind).edns(&[])).await;
        assert_eq!((reply.rcode(), reply.word()), (5, Some("type_not_served")), "{kind}");
    }
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn types_that_only_tunnels_ask_for_do_not_leave() {
    let world = world().await;
    for kind in [10, 65_280, 65_399, 65_534] {
        let reply = world.ask(&query("payload.example.org", kind).edns(&[])).await;
        assert_eq!(reply.rcode(), 5);
        assert_eq!(reply.extended_error(), Some((17, "tunnel_type")));
    }
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn a_query_for_which_no_place_is_left_to_wait_fails_at_once() {
    let mut options = options();
    options["limits"]["waiting"] = 1.into();
    let world = super::world::world_with(&options, |_| {}).await;
    let packet = query("silent.example.org", A).octets();
    let (waiting, _) = begin(&world.core, &packet, Transport::Udp, "127.0.0.1");
    assert!(matches!(waiting, Progress::Waiting(_)));
    let reply = world.ask(&query("www.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (2, Some("overloaded")));
    // The place is given back by a query that is let go.
    drop(waiting);
    assert_eq!(world.ask(&query("www.example.org", A)).await.rcode(), 0);
}
