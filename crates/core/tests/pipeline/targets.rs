//! What is told of a blocked name that an answer leads to.

use std::time::Duration;

use keyhole_core::explain::explain;
use serde_json::{Value, json};

use super::message::{A, HTTPS, query};
use super::world::{World, options, rule, world_with};

const TARGET: &str = "hidden.ads.example";

/// A policy without rules but one that blocks the target.
async fn world(important: bool) -> World {
    let mut logging = options();
    logging["events"] = json!(100);
    world_with(&logging, |document| {
        let mut blocks = rule("block", json!({"below": "ads.example"}));
        blocks["important"] = json!(important);
        document["policies"][0]["rules"] = json!([blocks]);
    })
    .await
}

fn events(world: &World) -> Vec<Value> {
    let octets = world.core.events.take(usize::MAX, Duration::ZERO).lines;
    let text = std::str::from_utf8(&octets).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Explains on another thread: a look-up has a runtime of its own.
async fn told(world: &World, name: &str, kind: &str, lookup: bool) -> Value {
    let query = json!({"name": name, "type": kind, "transport": "udp", "lookup": lookup});
    let (snapshot, query) = (world.document.to_string(), query.to_string());
    let explained = move || explain(snapshot.as_bytes(), query.as_bytes()).unwrap();
    tokio::task::spawn_blocking(explained).await.unwrap()
}

#[tokio::test]
async fn an_event_names_the_target_that_is_blocked_and_what_to_allow() {
    let world = world(false).await;
    for (name, kind) in [("cloaked.example.org", A), ("service.example.org", HTTPS)] {
        world.ask(&query(name, kind)).await;
        let [event] = events(&world).try_into().unwrap();
        assert_eq!(
            (&event["reason"], &event["target"]),
            (&json!("blocked_target"), &json!(TARGET))
        );
        assert_eq!(event["allow"], name);
    }
    world.ask(&query("www.example.org", A)).await;
    let [event] = events(&world).try_into().unwrap();
    assert!(event.get("target").is_none() && event.get("allow").is_none());
}

#[tokio::test]
async fn no_name_is_advised_where_no_decision_has_precedence() {
    let world = world(true).await;
    world.ask(&query("cloaked.example.org", A)).await;
    let [event] = events(&world).try_into().unwrap();
    assert_eq!(event["target"], TARGET);
    assert!(event.get("allow").is_none());
    assert_eq!(told(&world, "cloaked.example.org", "A", true).await["allow"], Value::Null);
}

#[tokio::test]
async fn an_explanation_that_looks_up_shows_what_the_name_leads_to() {
    let world = world(false).await;
    let name = "cloaked.example.org";
    let without = told(&world, name, "A", false).await;
    assert_eq!((&without["reason"], &without["looked_up"]), (&json!("forwarded"), &json!(false)));
    assert!(world.upstream.queries().is_empty());
    let with = told(&world, name, "A", true).await;
    let reply = world.ask(&query(name, A).edns(&[])).await;
    assert_eq!((with["reason"].as_str(), with["rcode"].as_u64()), (reply.word(), Some(3)));
    assert_eq!((&with["target"], &with["allow"]), (&json!(TARGET), &json!(name)));
    assert_eq!(with["chain"], json!([name, TARGET]));
    assert_eq!(with["cause"]["matched"], json!(["*.ads.example"]));
}

#[tokio::test]
async fn an_allow_that_is_inherited_is_told_where_it_decides() {
    let mut world = world(false).await;
    let rules = world.document["policies"][0]["rules"].as_array_mut().unwrap();
    rules.push(rule("allow", json!({"exact": "cloaked.example.org"})));
    world.commit();
    let told = told(&world, "cloaked.example.org", "A", true).await;
    assert_eq!((&told["reason"], &told["rcode"]), (&json!("forwarded"), &json!(0)));
    let steps = told["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert_eq!((&last["stage"], &last["result"]), (&json!("vet"), &json!("allows")));
    let inherited = &last["detail"]["matching"][0];
    assert_eq!(inherited["inherited"], true);
    assert_eq!(inherited["matched"], json!(["cloaked.example.org"]));
}

#[tokio::test]
async fn an_explanation_without_an_answer_stays_one_of_the_name_alone() {
    let world = world(false).await;
    world.upstream.breaks();
    let told = told(&world, "cloaked.example.org", "A", true).await;
    assert_eq!((&told["reason"], &told["looked_up"]), (&json!("forwarded"), &json!(false)));
    assert_eq!((&told["target"], &told["rcode"]), (&Value::Null, &Value::Null));
    let steps = told["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["what"], "answer of the upstreams");
}
