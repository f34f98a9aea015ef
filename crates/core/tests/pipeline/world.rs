//! An engine without sockets, its snapshot, and an upstream behind it.

use std::net::SocketAddr;
use std::time::Instant;

use keyhole_core::arrival::{Arrival, Sender};
use keyhole_core::client_identity::ClientIdentity;
use keyhole_core::options::Options;
use keyhole_core::pipeline::{self, Progress};
use keyhole_core::state::Core;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{Query, Reply};
use super::upstream::Upstream;

pub const TRANSPORTS: [Transport; 5] = Transport::ALL;

pub struct World {
    pub core: Core,
    pub upstream: Upstream,
    /// The snapshot in force; change it and [`World::commit`] it.
    pub document: Value,
}

/// The options of an engine that serves 127.0.0.0/8.
pub fn options() -> Value {
    json!({
        "version": 1, "role": "resolver", "workers": 1,
        "listen": {
            "udp": [], "tcp": [], "dot": [], "doh": [], "doh_cleartext": [], "mesh": [],
            "doh_path": "/dns-query",
        },
        "clients": ["127.0.0.0/8"],
        "authentication": {"udp": "auto", "tcp": "auto", "dot": "auto", "doh": "auto", "doh_cleartext": "auto"},
        "client_certificates": {"dot": "ask", "doh": "ask", "listeners": {}, "names": {}},
        "mesh": {"peers": [], "trust_domains": []}, "names": [], "events": 0,
        "limits": {
            "connections": 100, "connections_per_client": 100,
            "connections_per_identity": 100, "connections_unserved": 100,
            "new_connections_per_network": 100, "new_connections_per_identity": 100,
            "queries_per_connection": 100,
            "waiting": 100, "waiting_per_identity": 100, "waiting_per_network": 100,
            "streams_per_connection": 100, "open_requests": 1000,
            "open_requests_per_identity": 1000, "open_requests_per_network": 1000, "idle_ms": 30_000, "read_ms": 30_000,
            "write_ms": 30_000, "header_octets": 8_192, "query_ms": 30_000, "udp_octets": 1_232, "udp_allowance": 65_536,
        },
        "cache": {
            "octets": 1 << 20, "min_ttl": 0, "max_ttl": 86_400, "max_negative_ttl": 3_600,
            "failure_ttl": 5, "stale": 86_400, "prefetch": true,
        },
    })
}

/// A rule of a policy document.
pub fn rule(action: &str, matches: Value) -> Value {
    json!({
        "action": action, "matches": [matches], "types": [], "answer": "nxdomain",
        "mode": "enforce", "when": null, "important": false, "decision": false, "during": null, "origin": "test",
    })
}

pub fn record(name: &str, data: Value) -> Value {
    json!({"name": name, "ttl": 60, "data": data, "origin": "test"})
}

/// Allows all but what lies below `ads.example`; knows two local names.
pub fn document(upstream: SocketAddr) -> Value {
    let mut observed = rule("block", json!({"exact": "seen.example"}));
    observed["mode"] = json!("observe");
    json!({
        "version": 1, "number": 1, "list_file": null, "lists": [],
        "upstreams": [{
            "name": "test", "protocol": "tcp", "addresses": [upstream], "server_name": "",
            "path": "", "pins": [], "server_id": null, "roots": "public", "crls": "", "client_identity": null,
        }],
        "upstream_sets": [
            {"name": "test", "upstreams": [0], "hedge_ms": 20_000, "timeout_ms": 25_000},
        ],
        "records": [
            record("printer.example.org", json!({"a": "10.0.0.7"})),
            record("alias.example.org", json!({"cname": "www.example.net"})),
        ],
        "record_sets": [[0, 1]], "schedules": [], "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "allow",
            "rules": [rule("block", json!({"below": "ads.example"})), observed],
            "lists": [], "list_answer": "nxdomain", "list_mode": "enforce", "paused": null,
            "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10, "upstream_set": 0, "record_set": 0, "origin": "test",
        }],
        "default_policy": 0, "unlogged": [],
    })
}

pub fn core(options: &Value) -> Core {
    Core::new(Options::read(options.to_string().as_bytes()).unwrap()).unwrap()
}

pub async fn world() -> World {
    world_with(&options(), |_| {}).await
}

pub async fn world_with(options: &Value, change: impl FnOnce(&mut Value)) -> World {
    let upstream = Upstream::run().await;
    let mut document = document(upstream.address);
    change(&mut document);
    let world = World { core: core(options), upstream, document };
    world.commit();
    world
}

/// Takes a message as far as it can go without waiting.
pub fn begin(
    core: &Core,
    packet: &[u8],
    transport: Transport,
    client: &str,
) -> (Progress, Vec<u8>) {
    begin_at(core, packet, transport, client, Instant::now())
}

/// The same for a message that came at `now`.
pub fn begin_at(
    core: &Core,
    packet: &[u8],
    transport: Transport,
    client: &str,
    now: Instant,
) -> (Progress, Vec<u8>) {
    begin_as(&ClientIdentity::NETWORK, core, packet, transport, client, now)
}

/// The same for a message of this client.
fn begin_as(
    identity: &ClientIdentity,
    core: &Core,
    packet: &[u8],
    transport: Transport,
    client: &str,
    now: Instant,
) -> (Progress, Vec<u8>) {
    let client = SocketAddr::new(client.parse().unwrap(), 5_353);
    let connection = client.ip();
    let sender =
        Sender { transport, tls: None, client, connection, identity, worker: 0, trace: None };
    let arrival = Arrival { packet, sender, now };
    let mut out = Vec::new();
    (pipeline::begin(core, &arrival, &mut out), out)
}

/// The reply to a message; none when it is dropped.
pub async fn send(core: &Core, packet: &[u8], transport: Transport, from: &str) -> Option<Reply> {
    send_as(&ClientIdentity::NETWORK, core, packet, transport, from).await
}

/// The same for a message of this client.
pub async fn send_as(
    identity: &ClientIdentity,
    core: &Core,
    packet: &[u8],
    transport: Transport,
    from: &str,
) -> Option<Reply> {
    let (progress, mut out) = begin_as(identity, core, packet, transport, from, Instant::now());
    match progress {
        Progress::Replied(_) => {}
        Progress::Dropped => {
            assert!(out.is_empty());
            return None;
        }
        Progress::Waiting(pending) => {
            assert!(out.is_empty());
            pipeline::complete(core, pending, &mut out).await?;
        }
    }
    Some(Reply::read(out))
}

impl World {
    pub fn commit(&self) {
        let document = self.document.to_string();
        self.core.commit(self.core.prepare(document.as_bytes()).unwrap());
    }

    /// Asks over UDP from this machine.
    pub async fn ask(&self, query: &Query) -> Reply {
        self.ask_over(query, Transport::Udp).await
    }

    /// The query as who has shown that the address is theirs sends it: with a cookie of this server,
    /// which answers one that comes alone (RFC 7873 section 5.4).
    pub async fn proved(&self, query: Query) -> Query {
        let mut alone = vec![0x12, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 16, 0, 0, 0, 0, 0];
        alone.extend([0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        let reply = send(&self.core, &alone, Transport::Tcp, "127.0.0.1").await.unwrap();
        query.edns(&[&[0, 10, 0, 24], reply.option(10).unwrap()].concat())
    }

    pub async fn ask_over(&self, query: &Query, transport: Transport) -> Reply {
        send(&self.core, &query.octets(), transport, "127.0.0.1").await.unwrap()
    }

    /// Asks over a transport from 127.0.0.1 as this caller.
    pub async fn ask_as(
        &self,
        identity: &ClientIdentity,
        query: &Query,
        transport: Transport,
    ) -> Reply {
        send_as(identity, &self.core, &query.octets(), transport, "127.0.0.1").await.unwrap()
    }

    /// How many queries over UDP ended for this reason.
    pub fn count(&self, word: &str) -> u64 {
        self.core.stats()["queries"]["udp"][word].as_u64().unwrap_or(0)
    }
}
