//! Where answers come from.

use std::time::{Duration, Instant};

use keyhole_core::pipeline::Progress;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

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

/// What safe search makes of a search engine.
fn rewrite(document: &mut Value) {
    document["rewrite_sets"] = json!([[
        {"name": "www.search.example", "target": "safe.search.example", "title": "safe search: test"},
        {"name": "printer.example.org", "target": "safe.search.example", "title": "safe search: test"},
        {"name": "search.ads.example", "target": "safe.search.example", "title": "safe search: test"},
    ]]);
    document["policies"][0]["rewrite_set"] = json!(0);
}

#[tokio::test]
async fn a_rewritten_name_has_the_addresses_of_its_target_and_no_way_around_them() {
    let world = world_with(&options(), rewrite).await;
    let asked = |first_label: &str| {
        let octets = first_label.as_bytes();
        world
            .upstream
            .queries()
            .iter()
            .any(|one| one.windows(octets.len()).any(|part| part == octets))
    };
    for kind in [A, AAAA] {
        let reply = world.ask(&query("www.search.example", kind)).await;
        assert_eq!((reply.rcode(), reply.of(5).len()), (0, 1), "{kind}");
        assert_eq!(reply.of(A).len(), usize::from(kind == A), "{kind}");
    }
    // SVCB, HTTPS: no data; CNAME: the alias; none of them asks for the name itself.
    for kind in [64, 65, 5] {
        let reply = world.ask(&query("www.search.example", kind)).await;
        assert_eq!((reply.rcode(), reply.of(kind).len()), (0, usize::from(kind == 5)), "{kind}");
    }
    assert!(asked("\x04safe\x06search") && !asked("\x03www\x06search"));
    // Other types are those of the name.
    world.ask(&query("www.search.example", 16)).await;
    assert!(asked("\x03www\x06search"));
    // A record of a person comes first, and a rewrite allows nothing.
    assert_eq!(world.ask(&query("printer.example.org", A)).await.of(A)[0].data, [10, 0, 0, 7]);
    assert_ne!(world.ask(&query("search.ads.example", A)).await.rcode(), 0);
}

#[tokio::test]
async fn a_rewrite_opens_nothing_where_the_policy_denies() {
    let world = world_with(&options(), |document| {
        rewrite(document);
        document["policies"][0]["default"] = json!("deny");
    })
    .await;
    assert_eq!(world.ask(&query("www.search.example", A)).await.rcode(), 5);
    assert!(world.upstream.queries().is_empty());
}
