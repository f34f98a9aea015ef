//! What policy withholds, before the cache and behind it.

use keyhole_core::transport::Transport;
use serde_json::json;

use super::message::{A, AAAA, HTTPS, query};
use super::world::{options, rule, world, world_with};

#[tokio::test]
async fn a_blocked_name_is_answered_here_and_never_leaves() {
    let world = world().await;
    let asked = query("deep.below.ads.example", A).edns(&[]);
    let reply = world.ask_over(&asked, Transport::Tcp).await;
    assert_eq!(reply.rcode(), 3);
    assert_eq!(reply.extended_error(), Some((15, "blocked_by_rule")));
    let soa = reply.of(6);
    assert_eq!(soa[0].ttl, 10, "short, so that a changed rule is felt");
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn an_alias_or_service_that_leads_to_a_blocked_name_is_blocked_also_from_the_cache() {
    let world = world().await;
    // Only the HTTPS record leads to the blocked name: other types of the name are not denied.
    for (name, kind, rcode) in [("cloaked.example.org", A, 3), ("service.example.org", HTTPS, 0)] {
        for _ in 0..2 {
            let reply = world.ask(&query(name, kind).edns(&[])).await;
            assert_eq!((reply.rcode(), reply.word()), (rcode, Some("blocked_target")), "{name}");
            assert!(reply.of(kind).is_empty());
        }
    }
    assert_eq!(world.upstream.queries().len(), 2);
}

#[tokio::test]
async fn a_target_that_is_only_observed_is_answered_and_counted() {
    let world = world().await;
    let reply = world.ask(&query("observed.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (0, None));
    assert_eq!(world.core.stats()["totals"]["observed"], 1);
    world.ask(&query("seen.example", A)).await;
    assert_eq!(world.core.stats()["totals"]["observed"], 2);
}

#[tokio::test]
async fn a_public_name_does_not_lead_to_a_private_address_in_any_form() {
    let names = [("private", A), ("mapped", AAAA), ("nat64", AAAA)];
    let mut world = world().await;
    for (label, kind) in names {
        let asked = query(&format!("{label}.example.org"), kind).edns(&[]);
        let reply = world.ask_over(&asked, Transport::Tcp).await;
        assert_eq!((reply.rcode(), reply.extended_error()), (0, Some((17, "private_address"))));
        assert!(reply.of(kind).is_empty());
        assert_eq!(reply.of(6).len(), 1, "without data of the type, and so it may be kept");
    }
    let hint = world.ask(&query("hint.example.org", HTTPS).edns(&[])).await;
    assert_eq!((hint.rcode(), hint.word()), (0, None));
    assert_eq!(hint.of(HTTPS)[0].data, [0, 1, 0], "the service without its address");
    world.document["policies"][0]["private_addresses"] = json!("allow");
    world.commit();
    for (label, kind) in names {
        let reply = world.ask(&query(&format!("{label}.example.org"), kind)).await;
        assert_eq!((reply.rcode(), reply.of(kind).len()), (0, 1), "{label}");
    }
    let hint = world.ask(&query("hint.example.org", HTTPS)).await;
    assert_eq!(hint.of(HTTPS)[0].data.len(), 11);
}

#[tokio::test]
async fn hints_that_would_not_be_given_as_a_or_aaaa_are_taken_out_also_from_the_cache() {
    let mut world = world().await;
    let mut without = rule("block", json!({"below": "example.org"}));
    without["types"] = json!([AAAA]);
    world.document["policies"][0]["rules"] = json!([without]);
    world.commit();
    for _ in 0..2 {
        let reply = world.ask(&query("hints.example.org", HTTPS)).await;
        assert_eq!(reply.of(HTTPS)[0].data, [0, 1, 0, 0, 4, 0, 4, 198, 18, 0, 1]);
    }
    let aaaa = world.ask(&query("hints.example.org", AAAA).edns(&[])).await;
    assert_eq!((aaaa.rcode(), aaaa.word()), (0, Some("blocked_by_rule")));
    world.document["policies"][0]["rules"] = json!([]);
    world.commit();
    let reply = world.ask(&query("hints.example.org", HTTPS)).await;
    assert_eq!(reply.of(HTTPS)[0].data.len(), 31, "the cache holds what the upstream said");
    assert_eq!(world.upstream.queries().len(), 1);
}

#[tokio::test]
async fn a_local_record_may_lead_into_the_network() {
    let world = world().await;
    let reply = world.ask(&query("printer.example.org", A)).await;
    assert_eq!(reply.of(A)[0].data, [10, 0, 0, 7]);
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn default_deny_denies_names_but_not_the_targets_of_allowed_ones() {
    let world = world_with(&options(), |document| {
        document["policies"][0]["default"] = json!("deny");
        document["policies"][0]["rules"] = json!([rule("allow", json!({"below": "example.org"}))]);
    })
    .await;
    let reply = world.ask(&query("hidden.ads.example", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (5, Some("denied_by_default")));
    assert!(world.upstream.queries().is_empty());
    // The same name as a target: only a rule or list withholds it.
    let reply = world.ask(&query("cloaked.example.org", A)).await;
    assert_eq!((reply.rcode(), reply.of(A).len()), (0, 1));
}

#[tokio::test]
async fn any_gets_one_small_record_only_where_the_name_may_be_asked() {
    let world = world().await;
    let asked = query("www.example.org", 255);
    let reply = world.ask_over(&asked, Transport::Tcp).await;
    assert_eq!(reply.of(13)[0].data, b"\x07RFC8482\x00");
    assert!(world.ask(&asked).await.is_truncated(), "over UDP it may be too large");
    let reply = world.ask(&query("x.ads.example", 255).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (3, Some("blocked_by_rule")));
    assert!(world.upstream.queries().is_empty());
}
