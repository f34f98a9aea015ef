//! judge: many questions under one snapshot, without telling the way to each verdict.
//!
//! This is what `keyhole simulate` asks: the same function decides as in the engine.

use std::time::Instant;

use keyhole_names::HashedName;
use keyhole_wire::write_query;
use serde_json::{Value, json};

use crate::Error;
use crate::arrival::{Arrival, Sender};
use crate::explain::{Query, options};
use crate::pipeline::begin_traced;
use crate::policy::{self, Cause};
use crate::snapshot::Snapshot;
use crate::state::Core;

/// Judges questions, each a document as `explain` takes it, and gives for each `outcome`, `reason`,
/// the name of the `policy`, what decided (`cause`) and what would have if it acted (`observed`).
/// No upstream is asked: what would be, counts as `forwarded`.
///
/// # Errors
/// The first question that cannot be read, with its place, such as `queries[7].name`.
pub fn judge(snapshot: &[u8], queries: &[u8]) -> Result<Value, Error> {
    let queries: Vec<Query> = keyhole_names::error::read_document("queries", queries)?;
    // Budgets are about time, and these questions are asked at once.
    let core = Core::with_budgets(options(), None)?;
    let snapshot = core.prepare(snapshot)?;
    core.commit(std::sync::Arc::clone(&snapshot));
    let judge = |(index, query)| judge_one(&core, &snapshot, query).map_err(|e| at(index, e));
    queries.iter().enumerate().map(judge).collect()
}

fn judge_one(core: &Core, snapshot: &Snapshot, query: &Query) -> Result<Value, Error> {
    let (name, kind) = query.question()?;
    let (identity, client) = query.identity(&snapshot.subjects)?;
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
    let (_, ended) = begin_traced(core, &arrival, query.when(), &mut Vec::new(), &mut ());
    let policy = ended.client_ref.and_then(|client_ref| snapshot.policies.get(client_ref.policy()));
    let hashed = HashedName::new(ended.target.as_deref().unwrap_or(&name));
    let describe = |cause: Option<Cause>| match (cause, policy) {
        (Some(cause), Some(policy)) => {
            policy::describe(&snapshot.lists, policy, cause, Some(&hashed))
        }
        _ => Value::Null,
    };
    Ok(json!({
        "outcome": ended.reason.outcome(),
        "reason": ended.reason.word(),
        "policy": policy.map(|policy| &policy.name),
        "cause": describe(ended.cause),
        "observed": describe(ended.would_block),
    }))
}

/// An error of one question, with its place among all of them.
fn at(index: usize, error: Error) -> Error {
    match error {
        Error::Invalid { path, why } => {
            let field = path.strip_prefix("query").unwrap_or(&path);
            Error::invalid(format!("queries[{index}]{field}"), why)
        }
        other => other,
    }
}
