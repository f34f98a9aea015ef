//! What a decision costs: nanoseconds per name for rules, local records and special names, and per
//! query for finding out who asks among 100,000 clients and what their policy says.
//!
//! `cargo run --release --example policy_cost`

mod clients;

use std::hint::black_box;
use std::time::Duration;

use keyhole_core::policy::{Moment, decide};
use keyhole_core::records::special_zone;
use keyhole_core::snapshot::Snapshot;
use keyhole_core::upstream::Upstreams;
use keyhole_names::HashedName;
use keyhole_wire::{Name, RecordType};
use serde_json::{Value, json};

const ROUNDS: u32 = 200_000;
/// No rule here depends on the time.
const ANYTIME: Moment = Moment::at(0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:<34} {:>8} {:>8} {:>8} {:>8}", "name", "hash", "decide", "records", "special");
    for (title, expressions) in [("without expressions", 0), ("with 20 expressions", 20)] {
        println!("{title}");
        let document = document(expressions).to_string();
        let snapshot = Snapshot::compile(document.as_bytes(), &Upstreams::new())?;
        for text in [
            "www.example.org",
            "host500.blocked.example",
            "a.b.c.below500.example",
            "host500.local.example",
            "a.long.name.of.eight.labels.example.net",
            "printer.local",
        ] {
            measure(&snapshot, &Name::from_text(text)?, text);
        }
    }
    clients::measure()
}

fn measure(snapshot: &Snapshot, name: &Name, text: &str) {
    let kind = RecordType::A;
    let hashed = HashedName::new(name);
    let Some(policy) = snapshot.default_policy() else { return };
    let hash = time(|| {
        black_box(HashedName::new(black_box(name)));
    });
    let decided = time(|| {
        black_box(decide(&snapshot.lists, policy, black_box(&hashed), kind, ANYTIME, &mut ()));
    });
    let records = time(|| drop(black_box(snapshot.records(policy).find(black_box(&hashed), kind))));
    let special = time(|| {
        black_box(special_zone(black_box(&hashed)));
    });
    println!("{text:<34} {hash:>8.1} {decided:>8.1} {records:>8.1} {special:>8.1}");
}

/// How long this thread has been on a processor: what else runs on the machine does not count.
fn busy() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result, and the call keeps no pointer to it.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Nanoseconds of one call.
fn time(mut call: impl FnMut()) -> f64 {
    (0..ROUNDS / 10).for_each(|_| call());
    let begin = busy();
    (0..ROUNDS).for_each(|_| call());
    (busy() - begin).as_secs_f64() * 1e9 / f64::from(ROUNDS)
}

/// A rule of a policy document.
fn rule(wanted: Value, action: &str) -> Value {
    json!({
        "action": action, "matches": [wanted], "types": [], "answer": "nxdomain",
        "mode": "enforce", "when": null, "important": false, "decision": false, "during": null, "origin": "",
    })
}

/// 2,000 rules, 1,000 records and one wildcard.
fn document(expressions: usize) -> Value {
    let exact =
        (0..1000).map(|n| rule(json!({"exact": format!("host{n}.blocked.example")}), "block"));
    let below = (0..1000).map(|n| rule(json!({"below": format!("below{n}.example")}), "allow"));
    let regex =
        (0..expressions).map(|n| rule(json!({"regex": format!("^ad{n}[0-9]+\\.")}), "block"));
    let record =
        |name: String| json!({"name": name, "ttl": 60, "data": {"a": "192.0.2.7"}, "origin": ""});
    let mut records: Vec<Value> =
        (0..1000).map(|n| record(format!("host{n}.local.example"))).collect();
    records.push(record("*.wildcard.example".to_owned()));
    json!({
        "version": 1, "number": 1, "list_file": null, "lists": [],
        "upstreams": [{
            "name": "u", "protocol": "doh", "addresses": ["192.0.2.53:443"],
            "server_name": "dns.example.org", "path": "/dns-query", "pins": [], "server_id": null, "roots": "public", "crls": "",
            "client_identity": null,
        }],
        "upstream_sets": [{"name": "u", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1000}],
        "records": records,
        "record_sets": [(0..1001).collect::<Vec<usize>>()], "schedules": [], "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "allow", "rules": exact.chain(below).chain(regex).collect::<Vec<_>>(),
            "lists": [], "list_answer": "nxdomain", "list_mode": "enforce", "paused": null,
            "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10, "upstream_set": 0, "record_set": 0, "origin": "",
        }],
        "default_policy": 0, "unlogged": [],
    })
}
