//! Where answers come from.

use std::time::{Duration, Instant};

use keyhole_core::pipeline::Progress;
use keyhole_core::transport::Transport;
use serde_json::json;

use super::message::{A, AAAA, Reply, query};
use super::world::{begin, begin_at, options, world, world_with};

#[tokio::test]
async fn an_alias_declared_here_stands_before_the_answer_and_does_not_age() {
    let world = world().await;
    let asked = query("alias.example.org", A);
    for _ in 0..2 {
        let reply = world.ask(&asked).await;
        assert_eq!(reply.of(5)[0].data, b"\x03www\x07example\x03net\x00");
        assert_eq!(reply.of(5)[0].ttl, 60);
        assert_eq!(reply.of(A).len(), 1);
    }
    assert_eq!((world.count("forwarded"), world.count("cached")), (1, 1));
    // The target is what is asked and cached, once for both names.
    world.ask(&query("www.example.net", A)).await;
    assert_eq!(world.upstream.queries().len(), 1);
    // Later the answer has aged, the alias has not.
    let later = Instant::now() + Duration::from_secs(50);
    let (progress, out) =
        begin_at(&world.core, &asked.octets(), Transport::Udp, "127.0.0.1", later);
    assert!(matches!(progress, Progress::Replied(_)));
    let reply = Reply::read(out);
    assert_eq!(reply.of(5)[0].ttl, 60);
    assert!(reply.of(A)[0].ttl <= 250);
}

#[tokio::test]
async fn a_cached_answer_needs_no_place_among_the_waiting() {
    let mut options = options();
    options["limits"]["waiting"] = 1.into();
    let world = world_with(&options, |_| {}).await;
    world.ask(&query("alias.example.org", A)).await;
    let packet = query("silent.example.org", A).octets();
    let (waiting, _) = begin(&world.core, &packet, Transport::Udp, "127.0.0.1");
    for name in ["alias.example.org", "www.example.net"] {
        assert_eq!(world.ask(&query(name, A)).await.rcode(), 0, "{name}");
    }
    drop(waiting);
}

#[tokio::test]
async fn an_expired_answer_serves_when_the_upstream_is_gone_also_behind_an_alias() {
    let world = world_with(&options(), |document| {
        let alias = json!({
            "name": "old.example.org", "ttl": 60, "data": {"cname": "brief.example.net"},
            "origin": "test",
        });
        document["records"].as_array_mut().unwrap().push(alias);
        document["record_sets"] = json!([[0, 1, 2]]);
    })
    .await;
    let (alias, name) = (query("old.example.org", A), query("brief.example.net", A).edns(&[]));
    assert_eq!(world.ask(&alias).await.rcode(), 0);
    world.upstream.breaks();
    let packet = name.octets();
    // Until its second is over the cache answers, and after that somebody has to be asked.
    while let (Progress::Replied(_), _) = begin(&world.core, &packet, Transport::Udp, "127.0.0.1") {
        tokio::task::yield_now().await;
    }
    let reply = world.ask(&name).await;
    assert_eq!((reply.rcode(), reply.extended_error()), (0, Some((3, "stale"))));
    assert_eq!(reply.of(A)[0].ttl, 30);
    let reply = world.ask(&alias.edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (0, Some("stale")));
    assert_eq!((reply.of(5)[0].ttl, reply.of(A)[0].ttl), (30, 30));
}

#[tokio::test]
async fn what_does_not_exist_is_remembered_as_long_as_its_zone_says() {
    let world = world().await;
    for _ in 0..2 {
        let reply = world.ask(&query("missing.ads.example.org", AAAA)).await;
        assert_eq!(reply.rcode(), 3);
    }
    // The SOA of another zone says nothing of this name, so nothing may be kept.
    assert_eq!(world.upstream.queries().len(), 2);
}

#[tokio::test]
async fn special_names_are_answered_here() {
    let world = world().await;
    let reply = world.ask(&query("localhost", A)).await;
    assert_eq!(reply.of(A)[0].data, [127, 0, 0, 1]);
    assert_eq!(world.ask(&query("anything.invalid", A)).await.rcode(), 3);
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn every_query_is_answered_by_its_deadline() {
    let mut options = options();
    options["limits"]["query_ms"] = 50.into();
    let world = world_with(&options, |_| {}).await;
    let reply = world.ask(&query("silent.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.extended_error()), (2, Some((22, "upstream_timeout"))));
}
