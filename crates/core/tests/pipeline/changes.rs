//! A change acts at once, and only on queries that begin after it.

use keyhole_core::pipeline::{self, Progress};
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, Reply, query};
use super::world::{begin, rule, world};

#[tokio::test]
async fn a_snapshot_change_acts_on_cached_names_at_once() {
    let mut world = world().await;
    let (asked, target) = (query("www.example.org", A), query("observed.example.org", A));
    assert_eq!(world.ask(&asked).await.rcode(), 0);
    assert_eq!(world.ask(&target).await.rcode(), 0);
    let mut rules = world.document["policies"][0]["rules"].clone();
    rules[1]["mode"] = json!("enforce");
    rules.as_array_mut().unwrap().push(rule("block", json!({"exact": "www.example.org"})));
    world.document["policies"][0]["rules"] = rules;
    world.commit();
    assert_eq!(world.ask(&asked.clone().edns(&[])).await.word(), Some("blocked_by_rule"));
    assert_eq!(world.ask(&target.edns(&[])).await.word(), Some("blocked_target"));
    world.document["policies"][0]["rules"] = json!([]);
    world.commit();
    assert_eq!(world.ask(&asked).await.rcode(), 0);
    assert_eq!(world.upstream.queries().len(), 2, "the cache outlives snapshots");
}

#[tokio::test]
async fn a_query_that_waits_keeps_the_snapshot_with_which_it_began() {
    let mut world = world().await;
    let packet = query("www.example.org", A).octets();
    let (progress, mut out) = begin(&world.core, &packet, Transport::Udp, "127.0.0.1");
    let Progress::Waiting(pending) = progress else { panic!("it is not cached yet") };
    world.document["policies"][0]["rules"] = json!([rule("block", json!({"below": "org"}))]);
    world.commit();
    assert!(pipeline::complete(&world.core, pending, &mut out).await.is_some());
    assert_eq!(Reply::read(out).rcode(), 0);
    assert_eq!(world.ask(&query("www.example.org", A)).await.rcode(), 3);
}

#[tokio::test]
async fn a_snapshot_that_is_not_valid_changes_nothing() {
    let world = world().await;
    let mut broken = world.document.clone();
    broken["policies"][0]["upstream_set"] = json!(9);
    assert!(world.core.prepare(broken.to_string().as_bytes()).is_err());
    assert_eq!(world.ask(&query("www.example.org", A)).await.rcode(), 0);
    assert_eq!(world.core.stats()["snapshot"], 1);
}

#[tokio::test]
async fn without_a_policy_for_the_client_the_query_is_refused() {
    let mut world = world().await;
    world.document["default_policy"] = Value::Null;
    world.commit();
    let reply = world.ask(&query("printer.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.extended_error()), (5, Some((18, "no_policy"))));
}
