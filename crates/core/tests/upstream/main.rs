//! Upstreams, cache and lookup over real sockets and real TLS, against upstreams that misbehave.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod addresses;
mod authority;
mod certificates;
mod doh;
mod dot;
mod failover;
mod lookup;
mod message;
mod repeating;
mod server;
mod trust;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_core::Reason;
use keyhole_core::document::{
    RootsDocument, UpstreamDocument, UpstreamProtocol, UpstreamSetDocument,
};
use keyhole_core::policy::{self, Moment, Permit};
use keyhole_core::snapshot::Snapshot;
use keyhole_core::subjects::SubjectMatch;
use keyhole_core::upstream::{UpstreamAnswer, UpstreamSet, Upstreams};
use keyhole_names::HashedName;
use keyhole_wire::{Name, RecordType};
use serde_json::json;

use authority::Authority;

/// Longer than any test; where nothing is to be waited for.
pub const NEVER_MS: u64 = 30_000;

pub fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

pub fn document(
    protocol: UpstreamProtocol,
    address: SocketAddr,
    authority: &Authority,
) -> UpstreamDocument {
    let tls = matches!(protocol, UpstreamProtocol::Doh | UpstreamProtocol::Dot);
    let http = matches!(protocol, UpstreamProtocol::Doh | UpstreamProtocol::DohCleartext);
    UpstreamDocument {
        server_id: None,
        crls: String::new(),
        name: format!("upstream-{}", address.port()),
        protocol,
        addresses: vec![address],
        server_name: if tls { "dns.example.org".into() } else { String::new() },
        path: if http { "/dns-query".into() } else { String::new() },
        pins: Vec::new(),
        roots: RootsDocument::Pem(authority.pem()),
        client_identity: None,
        cleartext: false,
    }
}

/// A set of these upstreams in order, with its registry.
pub fn prepare(documents: &[UpstreamDocument], hedge_ms: u64) -> (Upstreams, Arc<UpstreamSet>) {
    let upstreams = Upstreams::new();
    let set = set_document(documents.len(), hedge_ms, NEVER_MS);
    let set = upstreams.prepare(documents, &[set]).unwrap().remove(0);
    (upstreams, set)
}

pub fn set_document(upstreams: usize, hedge_ms: u64, timeout_ms: u64) -> UpstreamSetDocument {
    let upstreams = (0..upstreams).collect();
    UpstreamSetDocument { name: "test".into(), upstreams, hedge_ms, timeout_ms, validation: None }
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_millis(NEVER_MS)
}

pub async fn ask(set: &UpstreamSet, text: &str) -> Result<UpstreamAnswer, Reason> {
    set.ask(permit().permitted(), &name(text), RecordType::A, soon()).await
}

/// The same with so much time.
pub async fn ask_for(
    set: &UpstreamSet,
    text: &str,
    time: Duration,
) -> Result<UpstreamAnswer, Reason> {
    set.ask(permit().permitted(), &name(text), RecordType::A, Instant::now() + time).await
}

/// The right to look anything up, from a policy that allows everything.
pub fn permit() -> Permit {
    let document = json!({
        "version": 1, "number": 1, "list_file": null, "lists": [], "records": [],
        "upstreams": [{
            "name": "none", "protocol": "tcp", "addresses": ["127.0.0.1:1"], "server_name": "", "path": "",
            "pins": [], "server_id": null, "roots": "public", "crls": "", "client_identity": null,
        }],
        "upstream_sets": [{"name": "none", "upstreams": [0], "hedge_ms": 1, "timeout_ms": 1}],
        "record_sets": [[]], "schedules": [],
        "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "allow", "rules": [], "lists": [],
            "list_answer": "nxdomain", "list_mode": "enforce", "paused": null,
            "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10, "upstream_set": 0, "record_set": 0, "origin": "test",
        }],
        "default_policy": 0, "unlogged": [],
    });
    let snapshot = Snapshot::compile(document.to_string().as_bytes(), &Upstreams::new()).unwrap();
    let client = snapshot.subjects.decide(SubjectMatch::default()).unwrap();
    let policy = snapshot.default_policy().unwrap();
    let asked = (&HashedName::new(&Name::ROOT), RecordType::A);
    let records = snapshot.records(policy);
    policy::permit(&snapshot.lists, policy, client, asked, Moment::at(0), records, &mut ()).unwrap()
}

/// The `last_error` of the upstream at a place.
pub fn last_error(upstreams: &Upstreams, place: usize) -> String {
    upstreams.stats()[place]["last_error"].as_str().unwrap_or_default().to_owned()
}
