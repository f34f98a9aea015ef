//! `explain` tells what the engine does.

use keyhole_core::explain::explain;
use serde_json::{Value, json};

use super::message::query;
use super::world::{World, rule, world_with};

fn told(world: &World, name: &str, kind: &str) -> Value {
    let query = json!({"name": name, "type": kind, "transport": "udp"});
    explain(world.document.to_string().as_bytes(), query.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn an_explanation_has_the_reason_and_code_of_the_reply() {
    let world = world_with(&super::world::options(), |_| {}).await;
    for (name, kind, number) in [
        ("x.ads.example", "A", 1),
        ("printer.example.org", "A", 1),
        ("localhost", "AAAA", 28),
        ("www.example.org", "AXFR", 252),
        ("www.example.org", "NULL", 10),
        ("www.example.org", "ANY", 255),
    ] {
        let told = told(&world, name, kind);
        let reply = world.ask(&query(name, number).edns(&[])).await;
        assert_eq!(told["rcode"], reply.rcode(), "{name} {kind}");
        assert_eq!(world.count(told["reason"].as_str().unwrap()), 1, "{name} {kind}");
    }
}

#[tokio::test]
async fn a_name_that_may_leave_is_explained_with_what_lets_it_out() {
    let world = world_with(&super::world::options(), |document| {
        let rules = document["policies"][0]["rules"].as_array_mut().unwrap();
        rules.push(rule("allow", json!({"exact": "www.example.org"})));
    })
    .await;
    let allowed = told(&world, "www.example.org", "A");
    assert_eq!((&allowed["reason"], &allowed["rcode"]), (&json!("forwarded"), &Value::Null));
    assert_eq!(allowed["cause"]["cause"], "rule");
    assert_eq!(told(&world, "www.example.net", "A")["cause"]["cause"], "default");
    let seen = told(&world, "seen.example", "A");
    assert_eq!(
        (&seen["reason"], &seen["observed"]["cause"]),
        (&json!("forwarded"), &json!("rule"))
    );
    assert!(world.upstream.queries().is_empty());
}
