//! What a panic costs. All else that the pipeline promises is tested from outside.

use std::net::SocketAddr;
use std::time::Instant;

use keyhole_wire::{Name, RecordType, write_query};
use serde_json::json;

use super::panic_guard::{begin_guarded, catch_panic};
use super::{Progress, begin};
use crate::arrival::{Arrival, Sender};
use crate::client_identity::ClientIdentity;
use crate::options::Options;
use crate::policy::{self, Trace};
use crate::state::Core;
use crate::traces::MayTime;
use crate::transport::Transport;

/// A recorder that breaks at the first step of a policy.
struct Broken;

impl Trace for Broken {
    fn step(&mut self, _make: impl FnOnce() -> policy::Step) {
        panic!("on purpose");
    }
}

impl MayTime for Broken {}

fn core() -> Core {
    let options = json!({
        "version": 1, "role": "resolver", "workers": 1,
        "listen": {
            "udp": [], "tcp": [], "dot": [], "doh": [], "doh_cleartext": [], "mesh": [], "doh_path": "/",
        },
        "clients": ["127.0.0.0/8"],
        "authentication": {"udp": "auto", "tcp": "auto", "dot": "auto", "doh": "auto", "doh_cleartext": "auto"},
        "client_certificates": {"dot": "ask", "doh": "never", "listeners": {}, "names": {}},
        "mesh": {"peers": [], "trust_domains": []}, "names": [], "events": 0,
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
    let core = Core::new(Options::read(options.to_string().as_bytes()).unwrap()).unwrap();
    let snapshot = json!({
        "version": 1, "number": 1, "list_file": null, "lists": [], "records": [],
        "upstreams": [{
            "name": "none", "protocol": "tcp", "addresses": ["127.0.0.1:1"], "server_name": "",
            "path": "", "pins": [], "server_id": null, "roots": "public", "crls": "", "client_identity": null,
        }],
        "upstream_sets": [
            {"name": "none", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1_000},
        ],
        "record_sets": [[]], "schedules": [], "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "deny", "rules": [], "lists": [],
            "list_answer": "nxdomain", "list_mode": "enforce", "paused": null, "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10,
            "upstream_set": 0, "record_set": 0, "origin": "test",
        }],
        "default_policy": 0, "unlogged": [],
    });
    core.commit(core.prepare(snapshot.to_string().as_bytes()).unwrap());
    core
}

#[test]
fn a_panic_on_the_way_is_answered_with_servfail_and_counted() {
    let core = core();
    let mut packet = Vec::new();
    write_query(&Name::from_text("www.example.org").unwrap(), RecordType::A, 77, 0, &mut packet);
    let client = SocketAddr::from(([127, 0, 0, 1], 5353));
    let (transport, now) = (Transport::Tcp, Instant::now());
    let connection = client.ip();
    let identity = &ClientIdentity::NETWORK;
    let sender =
        Sender { transport, tls: None, client, connection, identity, worker: 0, trace: None };
    let arrival = Arrival { packet: &packet, sender, now };
    let mut out = b"before".to_vec();
    let progress = begin_guarded(&core, &arrival, &mut out, &mut Broken);
    assert!(matches!(progress, Progress::Replied(_)));
    let reply = out.strip_prefix(b"before").unwrap();
    assert_eq!(&reply[..2], &packet[..2]);
    assert_eq!(reply[3] & 0x0f, 2, "SERVFAIL");
    assert_eq!(core.stats()["queries"]["tcp"], json!({ "internal_error": 1 }));
    // The next query is not affected.
    out.clear();
    assert!(matches!(begin(&core, &arrival, &mut out), Progress::Replied(_)));
    assert_eq!(out[3] & 0x0f, 5, "REFUSED by default deny");
}

#[tokio::test]
async fn a_panic_while_waiting_is_caught_and_the_future_let_go() {
    let steps = std::cell::Cell::new(0);
    let breaks = async {
        steps.set(1);
        tokio::task::yield_now().await;
        steps.set(2);
        assert_eq!(steps.get(), 0, "on purpose");
    };
    assert_eq!(catch_panic(breaks).await, None);
    assert_eq!(steps.get(), 2);
    assert_eq!(catch_panic(async { 7 }).await, Some(7));
}
