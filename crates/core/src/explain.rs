//! explain: the same function as the engine's, with a recorder.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use keyhole_wire::{Name, RecordType, write_query};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::caller::Caller;
use crate::names::Hashed;
use crate::options::{
    AuthenticationOptions, CacheOptions, Limits, Listen, MeshOptions, OPTIONS_VERSION, Options,
    Role,
};
use crate::pipeline::{Ended, begin_traced};
use crate::policy::{self, Step};
use crate::snapshot::Snapshot;
use crate::stages::receive::{Arrival, Transport};
use crate::state::Core;

/// What is to be explained.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    transport: Transport,
}

/// Walks a question through the stages under `snapshot`, without asking any upstream, and tells
/// each step, the verdict and what decided it.
pub fn explain(snapshot: &[u8], query: &[u8]) -> Result<Value, Error> {
    let query: Query = crate::error::read_document("query", query)?;
    let name = Name::from_text(&query.name)
        .map_err(|error| Error::invalid("query.name", format!("{}: {error}", query.name)))?;
    let kind = RecordType::from_text(&query.kind).ok_or_else(|| {
        let why =
            format!("{} is not a record type; give one such as A, AAAA or TYPE65", query.kind);
        Error::invalid("query.type", why)
    })?;
    let core = Core::new(options())?;
    core.commit(core.prepare(snapshot)?);
    let mut packet = Vec::new();
    write_query(&name, kind, 1, 0, &mut packet);
    let arrival = Arrival {
        packet: &packet,
        transport: query.transport,
        client: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1),
        caller: &Caller::NETWORK,
        now: Instant::now(),
        worker: 0,
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut reply = Vec::new();
    let (_, ended) = begin_traced(&core, &arrival, &mut reply, &mut steps);
    Ok(document(&core, &Asked { name, kind, reply }, ended, &steps))
}

/// What was asked, and the reply where none has to be waited for.
struct Asked {
    name: Name,
    kind: RecordType,
    reply: Vec<u8>,
}

impl Asked {
    /// The response code that the client gets. None is above 15: the question is well-formed.
    fn rcode(&self) -> Option<u8> {
        self.reply.get(3).map(|flags| flags & 0x0f)
    }
}

fn document(core: &Core, asked: &Asked, ended: Ended, steps: &[Step]) -> Value {
    let Asked { name, kind, .. } = asked;
    let snapshot = core.snapshot.load();
    let describe = |cause: Option<policy::Cause>| match (cause, snapshot.as_ref()) {
        (Some(cause), Some(snapshot)) => told(snapshot, cause, name),
        _ => Value::Null,
    };
    json!({
        "name": name.to_lower().to_string(),
        "type": kind.to_string(),
        "outcome": ended.reason.outcome(),
        "reason": ended.reason.word(),
        "meaning": ended.reason.meaning(),
        "rcode": asked.rcode(),
        "extended_error": ended.reason.extended_error(),
        "cause": describe(ended.cause),
        "observed": describe(ended.would),
        "snapshot": snapshot.as_ref().map(|snapshot| snapshot.number),
        "steps": steps,
    })
}

/// What decided, in the policy of the default subject: the only one in this version.
fn told(snapshot: &Snapshot, cause: policy::Cause, name: &Name) -> Value {
    match snapshot.default_policy.and_then(|index| snapshot.policies.get(index)) {
        Some(policy) => policy::describe(snapshot, policy, cause, Some(&Hashed::new(name))),
        None => Value::Null,
    }
}

/// Options of an engine that listens to nothing.
fn options() -> Options {
    Options {
        version: OPTIONS_VERSION,
        role: Role::Resolver,
        workers: 1,
        listen: Listen { doh_path: "/".into(), ..Listen::default() },
        clients: vec![crate::network::Network::host(IpAddr::V4(Ipv4Addr::LOCALHOST))],
        authentication: AuthenticationOptions::default(),
        mesh: MeshOptions::default(),
        names: Vec::new(),
        events: 0,
        limits: Limits {
            connections: 1,
            connections_per_client: 1,
            queries_per_connection: 1,
            waiting: 1,
            streams_per_connection: 1,
            idle_ms: 1_000,
            read_ms: 1_000,
            write_ms: 1_000,
            header_octets: 8_192,
            query_ms: 1_000,
            udp_octets: 1_232,
        },
        cache: CacheOptions {
            octets: 65_536,
            min_ttl: 0,
            max_ttl: 1,
            max_negative_ttl: 1,
            failure_ttl: 1,
            stale: 0,
            prefetch: false,
        },
    }
}
