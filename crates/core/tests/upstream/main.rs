//! Upstreams, cache and lookup over real sockets and real TLS, against upstreams that misbehave.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod authority;
mod certificates;
mod doh;
mod dot;
mod failover;
mod lookup;
mod message;
mod server;
mod trust;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_core::Reason;
use keyhole_core::document::{
    RootsDocument, UpstreamDocument, UpstreamProtocol, UpstreamSetDocument,
};
use keyhole_core::upstream::{UpstreamAnswer, UpstreamSet, Upstreams};
use keyhole_wire::{Name, RecordType};

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
    let tls = protocol != UpstreamProtocol::Tcp;
    let doh = protocol == UpstreamProtocol::Doh;
    UpstreamDocument {
        server_id: None,
        crls: String::new(),
        name: format!("upstream-{}", address.port()),
        protocol,
        addresses: vec![address],
        server_name: if tls { "dns.example.org".into() } else { String::new() },
        path: if doh { "/dns-query".into() } else { String::new() },
        pins: Vec::new(),
        roots: RootsDocument::Pem(authority.pem()),
        client_identity: None,
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
    UpstreamSetDocument { name: "test".into(), upstreams, hedge_ms, timeout_ms }
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_millis(NEVER_MS)
}

pub async fn ask(set: &UpstreamSet, text: &str) -> Result<UpstreamAnswer, Reason> {
    set.ask(&name(text), RecordType::A, soon()).await
}

/// The `last_error` of the upstream at a place.
pub fn last_error(upstreams: &Upstreams, place: usize) -> String {
    upstreams.stats()[place]["last_error"].as_str().unwrap_or_default().to_owned()
}
