//! What the query log costs: nanoseconds for a query answered in place, without and with events,
//! and for putting one event in words.
//!
//! `cargo run --release --example event_cost`

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_core::arrival::{Arrival, Sender};
use keyhole_core::client_identity::{ClientIdentity, Credential, Svid};
use keyhole_core::options::Options;
use keyhole_core::pipeline;
use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::state::Core;
use keyhole_core::transport::Transport;
use keyhole_wire::{Name, RecordType, write_query};
use serde_json::json;

const BATCH: usize = 10_000;
const BATCHES: u32 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let id = SpiffeId::read("spiffe://keyhole.lab/ns/shop/sa/web").ok_or("no identity")?;
    let svid = Svid::assumed(id, false);
    let certificate = Credential::Certificate(Arc::new(svid));
    let identity = ClientIdentity { credential: certificate, by_network: false };
    println!("{:<22} {:>8} {:>8}", "", "query", "in words");
    for (title, events, identity) in [
        ("events off", 0, &ClientIdentity::NETWORK),
        ("client by address", 32_768, &ClientIdentity::NETWORK),
        ("client by identity", 32_768, &identity),
    ] {
        let (query, words) = measure(&core(events)?, identity)?;
        println!("{title:<22} {query:>8.1} {words:>8.1}");
    }
    Ok(())
}

/// Nanoseconds of one query, and of one event taken.
fn measure(
    core: &Core,
    identity: &ClientIdentity,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let mut packet = Vec::new();
    write_query(&Name::from_text("host500.local.example")?, RecordType::A, 77, 0, &mut packet);
    let client = SocketAddr::from(([127, 0, 0, 1], 5353));
    let (transport, now) = (Transport::Udp, Instant::now());
    let connection = client.ip();
    let sender =
        Sender { transport, tls: None, client, connection, identity, worker: 0, trace: None };
    let arrival = Arrival { packet: &packet, sender, now };
    // The best of all batches: whatever else the machine does only ever adds.
    let (mut queries, mut words) = (Duration::MAX, Duration::MAX);
    let mut out = Vec::new();
    for _ in 0..BATCHES {
        let begin = Instant::now();
        for _ in 0..BATCH {
            out.clear();
            black_box(pipeline::begin(core, black_box(&arrival), &mut out));
        }
        let middle = Instant::now();
        black_box(core.events.take(BATCH, Duration::ZERO));
        queries = queries.min(middle - begin);
        words = words.min(middle.elapsed());
    }
    let each = |took: Duration| took.as_secs_f64() * 1e9 / BATCH as f64;
    Ok((each(queries), each(words)))
}

fn core(events: usize) -> Result<Core, Box<dyn std::error::Error>> {
    let options = json!({
        "version": 1, "role": "resolver", "workers": 1,
        "listen": {
            "udp": [], "tcp": [], "dot": [], "doh": [], "doh_cleartext": [], "mesh": [], "doh_path": "/",
        },
        "clients": ["127.0.0.0/8"],
        "authentication": {"udp": "auto", "tcp": "auto", "dot": "auto", "doh": "auto", "doh_cleartext": "auto"},
        "client_certificates": {"dot": "ask", "doh": "never", "listeners": {}, "names": {}},
        "mesh": {"peers": [], "trust_domains": []}, "names": [], "events": events,
        "limits": {
            "connections": 9, "connections_per_client": 9,
            "connections_per_identity": 9, "connections_unserved": 9,
            "new_connections_per_network": 9, "new_connections_per_identity": 9,
            "queries_per_connection": 9,
            "waiting": 9, "waiting_per_identity": 9, "waiting_per_network": 9,
            "streams_per_connection": 9, "open_requests": 9,
            "open_requests_per_identity": 9, "open_requests_per_network": 9, "idle_ms": 9_000, "read_ms": 9_000,
            "write_ms": 9_000, "header_octets": 8_192, "query_ms": 9_000, "udp_octets": 1_232, "udp_allowance": 65_536,
        },
        "cache": {
            "octets": 65_536, "min_ttl": 0, "max_ttl": 60, "max_negative_ttl": 60,
            "failure_ttl": 5, "stale": 0, "prefetch": false,
        },
    });
    let core = Core::new(Options::read(options.to_string().as_bytes())?)?;
    let record = json!({
        "name": "host500.local.example", "ttl": 60, "data": {"a": "192.0.2.7"}, "origin": "",
    });
    let snapshot = json!({
        "version": 1, "number": 1, "list_file": null, "lists": [], "records": [record],
        "upstreams": [{
            "name": "none", "protocol": "tcp", "addresses": ["127.0.0.1:1"], "server_name": "",
            "path": "", "pins": [], "server_id": null, "roots": "public", "crls": "", "client_identity": null,
        }],
        "upstream_sets": [
            {"name": "none", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1_000},
        ],
        "record_sets": [[0]], "schedules": [],
        "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "allow", "rules": [], "lists": [],
            "list_answer": "nxdomain", "list_mode": "enforce", "paused": null, "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10,
            "upstream_set": 0, "record_set": 0, "origin": "test",
        }],
        "default_policy": 0, "unlogged": [],
    });
    core.commit(core.prepare(snapshot.to_string().as_bytes())?);
    Ok(core)
}
