//! How a reply looks to its client, and a query to the upstream.

use keyhole_core::transport::Transport;

use super::message::{A, AAAA, Reply, query};
use super::world::{TRANSPORTS, world};

#[tokio::test]
async fn the_verdict_is_the_same_on_every_transport() {
    let verdict = |reply: &Reply| {
        let records = reply.records.iter().filter(|one| one.kind != 41);
        let records: Vec<_> = records.map(|one| (one.kind, one.ttl, one.data.clone())).collect();
        let why = reply.extended_error().map(|(code, text)| (code, text.to_owned()));
        (reply.octets[2..12].to_vec(), records, why)
    };
    for (name, kind) in [
        ("www.example.org", A),
        ("missing.example.org", A),
        ("x.ads.example", A),
        ("cloaked.example.org", A),
        ("private.example.org", A),
        ("printer.example.org", A),
        ("alias.example.org", A),
        ("localhost", AAAA),
        ("www.example.org", 252),
        ("www.example.org", 255),
        ("www.example.org", 10),
    ] {
        // A world for each: otherwise the cache would answer the second transport.
        let mut replies = Vec::new();
        for transport in TRANSPORTS {
            let world = world().await;
            // To who has not proved the address, what is made here is shorter over UDP.
            let asked = world.proved(query(name, kind)).await;
            replies.push(verdict(&world.ask_over(&asked, transport).await));
        }
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{name} {kind}");
    }
}

#[tokio::test]
async fn the_reply_repeats_the_name_in_the_case_in_which_it_was_asked() {
    let world = world().await;
    for name in ["WwW.eXaMpLe.ORG", "wWw.ExAmPlE.orG", "X.ADS.eXample", "PRINTER.Example.org", "A."]
    {
        // Forwarded the first time, where it goes that far, and cached the second.
        for _ in 0..2 {
            let asked = query(name, A).octets();
            let reply = world.ask(&query(name, A)).await;
            assert_eq!(reply.octets[12..asked.len()], asked[12..]);
            assert_eq!(reply.octets[..2], asked[..2]);
        }
    }
    // Case is nothing that the cache keeps apart.
    assert_eq!(world.upstream.queries().len(), 2);
}

#[tokio::test]
async fn nothing_of_the_client_reaches_the_upstream() {
    let plain = world().await;
    plain.ask(&query("www.example.org", A)).await;
    let world = world().await;
    let options = [
        &[0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100][..], // client subnet
        &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],       // cookie
        &[0, 12, 0, 3, 0, 0, 0],                      // padding
        &[0xfd, 0xe9, 0, 4, b't', b'a', b'i', b'l'],  // private use
    ];
    let mut telling = query("wWw.eXAMPLE.oRG", A).edns(&options.concat());
    telling.flags = 0x01b0; // RD, AD, CD and a reserved flag
    world.ask_over(&telling, Transport::Doh).await;
    let (sent, expected) = (world.upstream.queries(), plain.upstream.queries());
    assert_eq!((sent.len(), expected.len()), (1, 1));
    // All but the identifier, which is random.
    assert_eq!(sent[0][2..], expected[0][2..]);
    assert_eq!(sent[0].len() % 128, 0, "padded (RFC 8467)");
    assert_eq!(sent[0][12..33], *b"\x03www\x07example\x03org\x00\x00\x01\x00\x01");
}

#[tokio::test]
async fn what_does_not_fit_into_a_datagram_is_truncated_and_whole_on_a_stream() {
    let world = world().await;
    for edns in [false, true] {
        let asked = query("big.example.org", A);
        let asked = if edns { asked.edns(&[]) } else { asked };
        let reply = world.ask(&asked).await;
        assert!(reply.is_truncated() && reply.of(A).is_empty());
        for transport in [Transport::Tcp, Transport::Dot, Transport::Doh] {
            let reply = world.ask_over(&asked, transport).await;
            assert!(!reply.is_truncated());
            assert_eq!(reply.of(A).len(), 100);
        }
    }
}

#[tokio::test]
async fn a_cookie_is_answered_with_one_that_belongs_to_the_address() {
    let world = world().await;
    let cookie = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    let reply = world.ask(&query("printer.example.org", A).edns(&cookie)).await;
    let answered = reply.option(10).unwrap();
    assert_eq!((answered.len(), &answered[..8]), (24, &cookie[4..]));
    let reply = world.ask(&query("printer.example.org", A).edns(&[])).await;
    assert!(reply.option(10).is_none());
}

#[tokio::test]
async fn padding_and_keepalive_come_only_where_they_mean_something() {
    let world = world().await;
    for transport in TRANSPORTS {
        let (padding, keepalive) = ([0, 12, 0, 0], [0, 11, 0, 0]);
        let asked = query("printer.example.org", A).edns(&[padding, keepalive].concat());
        let reply = world.ask_over(&asked, transport).await;
        assert_eq!(reply.octets.len() % 468 == 0, transport.is_encrypted(), "{transport:?}");
        let streams = matches!(transport, Transport::Tcp | Transport::Dot | Transport::Mesh);
        assert_eq!(reply.option(11).is_some(), streams, "{transport:?}");
        assert!(reply.option(11).is_none_or(|units| units == 300_u16.to_be_bytes()));
    }
}

#[tokio::test]
async fn a_client_without_edns_gets_none() {
    let world = world().await;
    for name in ["www.example.org", "x.ads.example", "private.example.org", "servfail.example.org"]
    {
        assert!(world.ask(&query(name, A)).await.of(41).is_empty(), "{name}");
    }
}
