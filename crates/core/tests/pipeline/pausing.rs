//! A pause of blocking lets through what was blocked, says so, and ends by the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, HTTPS, query};
use super::world::{World, options, world_with};

/// Pauses from so many seconds before now until so many seconds after it.
fn pause(world: &mut World, before: u64, after: u64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    world.document["policies"][0]["paused"] = json!({"from": now - before, "until": now + after});
    world.commit();
    i64::try_from(now + after).unwrap()
}

async fn world() -> World {
    let mut options = options();
    options["events"] = json!(1_000);
    world_with(&options, |_| {}).await
}

fn told(world: &World) -> Value {
    let lines = world.core.events.take(usize::MAX, Duration::ZERO).lines;
    serde_json::from_slice(&lines).unwrap()
}

#[tokio::test]
async fn a_pause_lets_names_and_targets_through_and_the_log_says_why() {
    let mut world = world().await;
    pause(&mut world, 60, 3_600);
    for (name, kind) in
        [("x.ads.example", A), ("cloaked.example.org", A), ("service.example.org", HTTPS)]
    {
        for _ in 0..2 {
            let reply = world.ask(&query(name, kind).edns(&[])).await;
            assert_eq!((reply.rcode(), reply.of(kind).len()), (0, 1), "{name}");
            let event = told(&world);
            let rule = event["rule"].as_str().unwrap();
            assert!(rule.starts_with("pause until 2") && rule.ends_with('Z'), "{event}");
            assert_eq!(
                (&event["observed"], &event["outcome"]),
                (&json!("test"), &json!("answered"))
            );
        }
    }
    assert_eq!(world.core.stats()["totals"]["observed"], 6);
}

#[tokio::test]
async fn a_pause_that_is_over_blocks_without_another_snapshot_also_what_is_cached() {
    let mut world = world().await;
    pause(&mut world, 60, 3_600);
    let asked = query("x.ads.example", A).edns(&[]);
    assert_eq!(world.ask(&asked).await.rcode(), 0);
    // As if the time had passed: the clock of this machine is not ours to set.
    pause(&mut world, 60, 0);
    for name in ["x.ads.example", "cloaked.example.org"] {
        let reply = world.ask(&query(name, A).edns(&[])).await;
        assert_eq!(reply.rcode(), 3, "{name}");
    }
}

#[tokio::test]
async fn a_pause_leaves_private_addresses_and_the_default_in_force() {
    let mut world = world().await;
    world.document["policies"][0]["default"] = json!("deny");
    pause(&mut world, 60, 3_600);
    let asked = query("x.ads.example", A).edns(&[]);
    let reply = world.ask_over(&asked, Transport::Tcp).await;
    assert_eq!((reply.rcode(), reply.word()), (5, Some("denied_by_default")));
    assert!(world.upstream.queries().is_empty());
    world.document["policies"][0]["default"] = json!("allow");
    world.commit();
    let reply = world.ask(&query("private.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (0, Some("private_address")));
}

#[tokio::test]
async fn an_explanation_tells_the_pause_at_its_time_and_what_it_passes() {
    let mut world = world().await;
    let until = pause(&mut world, 60, 3_600);
    let told = |at: i64| -> Value {
        let query = json!({"name": "x.ads.example", "type": "A", "transport": "udp", "at": at});
        let document = world.document.to_string();
        keyhole_core::explain::explain(document.as_bytes(), query.to_string().as_bytes()).unwrap()
    };
    let paused = told(until - 1);
    assert_eq!(
        (&paused["reason"], &paused["cause"]["cause"]),
        (&json!("forwarded"), &json!("pause"))
    );
    assert_eq!(paused["observed"]["origin"], "test");
    assert_eq!(told(until)["reason"], "blocked_by_rule");
}

#[tokio::test]
async fn a_pause_longer_than_a_day_is_refused() {
    let mut world = world().await;
    world.document["policies"][0]["paused"] = json!({"from": 0, "until": 86_401});
    let refused = world.core.prepare(world.document.to_string().as_bytes()).err().unwrap();
    let text = refused.to_string();
    assert!(text.contains("snapshot.policies[0].paused: 86401 s; give at most 86400"), "{text}");
}
