//! A policy that only observes withholds nothing and tells what it would have done.

use serde_json::{Value, json};

use super::message::{A, AAAA, HTTPS, query};
use super::world::{World, options, rule, world_with};

/// The policy of the tests with default deny for all but `example.org`, only observing.
async fn world() -> World {
    world_with(&options(), |document| {
        let policy = &mut document["policies"][0];
        policy["mode"] = json!("observe");
        policy["default"] = json!("deny");
        let rules = policy["rules"].as_array_mut().unwrap();
        // Or else the allow rule would allow what its names lead to.
        rules[0]["important"] = json!(true);
        rules.push(rule("allow", json!({"below": "example.org"})));
    })
    .await
}

#[tokio::test]
async fn nothing_is_withheld_and_everything_that_would_be_is_counted() {
    let mut world = world().await;
    let asked = [
        ("x.ads.example", A),
        ("www.example.net", A),
        ("cloaked.example.org", A),
        ("service.example.org", HTTPS),
        ("private.example.org", A),
        ("mapped.example.org", AAAA),
    ];
    for (count, (name, kind)) in asked.into_iter().enumerate() {
        let reply = world.ask(&query(name, kind).edns(&[])).await;
        assert_eq!((reply.rcode(), reply.word()), (0, None), "{name}");
        assert_eq!(reply.of(kind).len(), 1, "{name}");
        assert_eq!(world.core.stats()["totals"]["observed"], count + 1, "{name}");
    }
    // The same in force: each of them is withheld.
    world.document["policies"][0]["mode"] = json!("enforce");
    world.commit();
    for (name, kind) in asked {
        let reply = world.ask(&query(name, kind).edns(&[])).await;
        assert!(reply.word().is_some() && reply.of(kind).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn what_would_be_allowed_anyway_is_not_counted() {
    let world = world().await;
    for name in ["www.example.org", "printer.example.org", "alias.example.org"] {
        assert_eq!(world.ask(&query(name, A)).await.rcode(), 0, "{name}");
    }
    // That nothing speaks for the target of an alias would withhold nothing.
    assert_eq!(world.core.stats()["totals"]["observed"], 0);
}

#[tokio::test]
async fn what_no_policy_decides_is_refused_all_the_same() {
    let mut world = world().await;
    let reply = world.ask(&query("www.example.org", 252).edns(&[])).await;
    assert_eq!(reply.word(), Some("type_not_served"));
    let reply = world.ask(&query("www.example.org", 10).edns(&[])).await;
    assert_eq!(reply.word(), Some("tunnel_type"));
    world.document["default_policy"] = Value::Null;
    world.commit();
    let reply = world.ask(&query("www.example.org", A).edns(&[])).await;
    assert_eq!(reply.word(), Some("no_policy"));
}
