//! explain: the same function as the engine's, with a recorder.

mod query;

use std::time::Instant;

use keyhole_names::HashedName;
use keyhole_wire::{Name, RecordType, write_query};
use serde_json::{Value, json};

use crate::arrival::{Arrival, Sender};
use crate::budgets::Budgets;
use crate::network::Network;
use crate::options::{
    AuthenticationOptions, CacheOptions, ClientCertificateOptions, Limits, Listen, MeshOptions,
    OPTIONS_VERSION, Options, Role,
};
use crate::pipeline::{EndSummary, Pending, Progress, begin_traced, complete_traced};
use crate::policy::{self, Step};
use crate::reason::{Outcome, Stage};
use crate::snapshot::Snapshot;
use crate::state::Core;
use crate::subjects::ClientRef;
use crate::{Error, Reason};
pub(crate) use query::Query;

/// Walks a question through the stages under `snapshot` and gives each step, the verdict and what
/// decided it. Only where the query asks for a `lookup` are upstreams asked: that shows what the
/// name leads to, and what came of asking each of them.
pub fn explain(snapshot: &[u8], query: &[u8]) -> Result<Value, Error> {
    let query: Query = keyhole_names::error::read_document("query", query)?;
    let (name, kind) = query.question()?;
    let core = Core::with_budgets(options(), Some(Budgets::small()))?;
    let snapshot = core.prepare(snapshot)?;
    let (identity, client) = query.identity(&snapshot.subjects)?;
    core.commit(snapshot);
    let mut packet = Vec::new();
    write_query(&name, kind, 1, 0, &mut packet);
    let sender = Sender {
        transport: query.transport,
        tls: None,
        client,
        connection: client.ip(),
        identity: &identity,
        worker: 0,
        trace: None,
    };
    let arrival = Arrival { packet: &packet, sender, now: Instant::now() };
    let mut steps: Vec<Step> = Vec::new();
    let mut reply = Vec::new();
    let (progress, mut ended) = begin_traced(&core, &arrival, query.when(), &mut reply, &mut steps);
    let mut looked_up = false;
    if let (Progress::Waiting(pending), true) = (progress, query.lookup) {
        for one in &query.identities {
            // Without a good one the upstream cannot be asked, which the steps say.
            let _ =
                core.install_identity(&one.name, one.certificate.as_bytes(), one.key.as_bytes());
        }
        let before = ended.clone();
        ended = look_up(&core, pending, &mut reply, &mut steps)?;
        ended.client_ref = before.client_ref;
        // What fails validation was answered, and is withheld.
        looked_up = ended.reason.outcome() != Outcome::Failed || ended.reason.is_dnssec();
        if !looked_up {
            // What the name leads to stays unknown, and so does the rest of the way.
            steps.push(unanswered(ended.reason));
            (ended, reply) = (before, Vec::new());
        }
    }
    let mut explained =
        document(&core, &ExplainedQuery { name, kind, reply, looked_up }, &ended, &steps);
    if query.lookup {
        explained["upstreams"] = core.upstreams.stats();
    }
    Ok(explained)
}

/// Goes on as the engine does, on a runtime of its own.
fn look_up(
    core: &Core,
    pending: Box<Pending>,
    reply: &mut Vec<u8>,
    steps: &mut Vec<Step>,
) -> Result<EndSummary, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::system("start a runtime", error))?;
    Ok(runtime.block_on(complete_traced(core, pending, reply, steps)))
}

fn unanswered(reason: Reason) -> Step {
    Step {
        stage: Stage::Fetch,
        what: "answer of the upstreams".into(),
        result: "not known, so neither is what the name leads to".into(),
        decides: false,
        detail: json!({ "reason": reason.word(), "meaning": reason.meaning() }),
    }
}

/// What was asked, and the reply where none has to be waited for.
struct ExplainedQuery {
    name: Name,
    kind: RecordType,
    reply: Vec<u8>,
    /// Whether an upstream was asked and answered.
    looked_up: bool,
}

impl ExplainedQuery {
    /// The response code that the client gets. None is above 15: the question is well-formed.
    fn rcode(&self) -> Option<u8> {
        self.reply.get(3).map(|flags| flags & 0x0f)
    }
}

fn document(core: &Core, query: &ExplainedQuery, ended: &EndSummary, steps: &[Step]) -> Value {
    let ExplainedQuery { name, kind, looked_up, .. } = query;
    let snapshot = core.snapshot.load();
    let policy = |client_ref: ClientRef| snapshot.as_ref()?.policies.get(client_ref.policy());
    let policy = ended.client_ref.and_then(policy);
    let describe = |cause: Option<policy::Cause>, name: &Name| {
        let (cause, snapshot, policy) = (cause?, snapshot.as_ref()?, policy?);
        Some(policy::describe(&snapshot.lists, policy, cause, Some(&HashedName::new(name))))
    };
    let yields = |(policy, cause)| policy::yields_to_decision(policy, cause);
    let is_withheld = matches!(
        ended.reason,
        Reason::BlockedByRule | Reason::BlockedByList | Reason::BlockedTarget
    );
    let allow = is_withheld && policy.zip(ended.cause).is_some_and(yields);
    let targets = steps.iter().filter_map(|step| step.detail["target"].as_str());
    let chain: Vec<String> =
        std::iter::once(name.to_lower().to_string()).chain(targets.map(str::to_owned)).collect();
    json!({
        "name": name.to_lower().to_string(),
        "type": kind.to_string(),
        "outcome": ended.reason.outcome(),
        "reason": ended.reason.word(),
        "meaning": ended.reason.meaning(),
        "rcode": query.rcode(),
        "extended_error": ended.reason.extended_error(),
        "client": snapshot.as_ref().map(|snapshot| client(snapshot, ended.client_ref, name)),
        "cause": describe(ended.cause, ended.target.as_deref().unwrap_or(name)),
        "observed": describe(ended.would_block, name),
        "looked_up": looked_up,
        "chain": chain,
        "target": ended.target.as_ref().map(ToString::to_string),
        "allow": allow.then(|| name.to_lower().to_string()),
        "snapshot": snapshot.as_ref().map(|snapshot| snapshot.number),
        "steps": steps,
    })
}

/// Who asks, which policy applies, and how much of the query is logged; all none where none does.
fn client(snapshot: &Snapshot, client_ref: Option<ClientRef>, name: &Name) -> Value {
    let subjects = &snapshot.subjects;
    let policy = client_ref.and_then(|client_ref| snapshot.policies.get(client_ref.policy()));
    json!({
        "subject": client_ref.as_ref().map(|client_ref| subjects.subject(client_ref)),
        "client": client_ref.as_ref().and_then(|client_ref| subjects.client(client_ref)),
        "policy": policy.map(|policy| &policy.name),
        "policy_origin": policy.map(|policy| &policy.origin),
        "mode": policy.map(|policy| policy.mode),
        "log": policy.map(|policy| snapshot.log_level(policy, &HashedName::new(name))),
    })
}

/// Options of an engine that listens to nothing. Which networks it serves is no part of a snapshot,
/// so here it serves all of them.
pub(crate) fn options() -> Options {
    Options {
        version: OPTIONS_VERSION,
        role: Role::Resolver,
        workers: 1,
        listen: Listen { doh_path: "/".into(), ..Listen::default() },
        clients: Network::all().into(),
        authentication: AuthenticationOptions::default(),
        client_certificates: ClientCertificateOptions::default(),
        mesh: MeshOptions::default(),
        names: Vec::new(),
        events: 0,
        limits: Limits {
            connections: 1,
            connections_per_client: 1,
            connections_per_identity: 1,
            connections_unserved: 1,
            new_connections_per_network: 1,
            new_connections_per_identity: 1,
            queries_per_connection: 1,
            waiting: 1,
            waiting_per_identity: 1,
            waiting_per_network: 1,
            streams_per_connection: 1,
            open_requests: 1,
            open_requests_per_identity: 1,
            open_requests_per_network: 1,
            idle_ms: 1_000,
            read_ms: 1_000,
            write_ms: 1_000,
            header_octets: 8_192,
            query_ms: 3_000,
            udp_octets: 1_232,
            udp_allowance: 64 * 1_024,
        },
        own_mark: String::new(),
        counts: None,
        traces: None,
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
