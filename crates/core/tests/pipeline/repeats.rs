//! Queries that a busy worker answers again and again are counted, and none is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyhole_core::arrival::{Arrival, Sender};
use keyhole_core::client_identity::ClientIdentity;
use keyhole_core::pipeline;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, query};
use super::world::{World, options, world_with};

/// Queries of a worker after which it is busy for the rest of a second and in the next one.
const BUSY: u64 = 512;

async fn world() -> World {
    let mut options = options();
    (options["events"], options["workers"]) = (json!(65_536), json!(2));
    world_with(&options, |_| {}).await
}

/// Asks this often for a name that is blocked, as a client of this address, at a moment.
fn ask(world: &World, name: &str, client: u8, worker: usize, now: Instant, times: u64) {
    let packet = query(name, A).octets();
    let client = ([127, 0, 0, client], 5_353).into();
    let (transport, identity) = (Transport::Udp, &ClientIdentity::NETWORK);
    let connection = std::net::IpAddr::from([127, 0, 0, 1]);
    let sender = Sender { transport, tls: None, client, connection, identity, worker, trace: None };
    let arrival = Arrival { packet: &packet, sender, now };
    for _ in 0..times {
        pipeline::begin(&world.core, &arrival, &mut Vec::new());
    }
}

fn taken(world: &World) -> Vec<Value> {
    let batch = world.core.events.take(usize::MAX, Duration::ZERO);
    let text = std::str::from_utf8(&batch.lines).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(batch.events, lines.len() as u64);
    lines
}

fn count(line: &Value) -> u64 {
    line.get("count").map_or(1, |count| count.as_u64().unwrap())
}

/// How many queries the lines stand for, by name and client.
fn counted(lines: &[Value]) -> BTreeMap<(String, String), u64> {
    let mut found = BTreeMap::new();
    for line in lines {
        let word = |field: &str| line[field].as_str().unwrap().to_owned();
        *found.entry((word("name"), word("client"))).or_default() += count(line);
    }
    found
}

#[tokio::test]
async fn a_worker_with_little_to_do_writes_a_line_for_each_query() {
    let world = world().await;
    ask(&world, "x.ads.example", 1, 0, Instant::now(), BUSY);
    let lines = taken(&world);
    assert_eq!(lines.len() as u64, BUSY);
    assert!(lines.iter().all(|line| line.get("count").is_none()));
}

#[tokio::test]
async fn alike_queries_of_busy_workers_are_one_line_with_their_count() {
    let world = world().await;
    let now = Instant::now();
    let asked = [("x.ads.example", 1, 3_000), ("x.ads.example", 2, 2), ("y.ads.example", 1, 1)];
    for worker in 0..2 {
        ask(&world, "z.ads.example", 1, worker, now, BUSY);
        for (name, client, times) in asked {
            ask(&world, name, client, worker, now, times);
        }
    }
    let lines = taken(&world);
    let expected = [
        (("x.ads.example".to_owned(), "127.0.0.1".to_owned()), 6_000),
        (("x.ads.example".to_owned(), "127.0.0.2".to_owned()), 4),
        (("y.ads.example".to_owned(), "127.0.0.1".to_owned()), 2),
        (("z.ads.example".to_owned(), "127.0.0.1".to_owned()), 2 * BUSY),
    ];
    assert_eq!(counted(&lines), expected.into());
    assert_eq!(lines.len() as u64, 2 * BUSY + 3, "those of both workers are one");
    let mut alike: Vec<Value> =
        lines.into_iter().filter(|line| line["client"] == "127.0.0.1").collect();
    for line in &mut alike {
        let line = line.as_object_mut().unwrap();
        line.retain(|field, _| !["time", "name", "count"].contains(&field.as_str()));
    }
    alike.dedup();
    assert_eq!(alike.len(), 1, "such a line says what any other does: {alike:?}");
}

#[tokio::test]
async fn a_busy_worker_adds_up_queries_of_one_second_only() {
    let world = world().await;
    let mut now = Instant::now();
    for second in 0..4 {
        ask(&world, "x.ads.example", 1, 0, now, 1_000);
        let lines = taken(&world);
        let whole = lines.iter().filter(|line| line.get("count").is_none()).count() as u64;
        assert_eq!(lines.iter().map(count).sum::<u64>(), 1_000);
        assert_eq!(whole, if second == 0 { BUSY } else { 0 }, "it is still busy");
        now += Duration::from_secs(1);
    }
    ask(&world, "x.ads.example", 1, 0, now + Duration::from_secs(1), 10);
    assert_eq!(taken(&world).len(), 10, "it had a second without a query");
}

#[tokio::test]
async fn what_is_counted_comes_without_being_asked_for_once_its_second_is_over() {
    let world = world().await;
    ask(&world, "x.ads.example", 1, 0, Instant::now(), 2_000);
    let mut found = 0;
    while found < 2_000 {
        let batch = world.core.events.take(usize::MAX, Duration::from_secs(20));
        assert!(!batch.is_empty(), "{found}");
        let text = String::from_utf8(batch.lines).unwrap();
        found += text.lines().map(|line| count(&serde_json::from_str(line).unwrap())).sum::<u64>();
    }
    assert_eq!(found, 2_000);
}

#[tokio::test]
async fn more_kinds_than_a_worker_can_tell_apart_are_all_written() {
    let world = world().await;
    let now = Instant::now();
    for _ in 0..2 {
        for number in 0..9_000 {
            ask(&world, &format!("n{number}.ads.example"), 1, 0, now, 1);
        }
    }
    let found = counted(&taken(&world));
    assert_eq!(found.len(), 9_000);
    assert!(found.values().all(|count| *count == 2));
}

#[tokio::test]
async fn what_another_snapshot_decides_is_not_alike() {
    let mut world = world().await;
    let now = Instant::now();
    ask(&world, "x.ads.example", 1, 0, now, BUSY + 100);
    world.document["number"] = json!(2);
    world.document["policies"][0]["rules"][0]["origin"] = json!("other");
    world.commit();
    ask(&world, "x.ads.example", 1, 0, now, 50);
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    for line in taken(&world) {
        *rules.entry(line["rule"].as_str().unwrap().to_owned()).or_default() += count(&line);
    }
    assert_eq!(rules, [("other".to_owned(), 50), ("test".to_owned(), BUSY + 100)].into());
}
