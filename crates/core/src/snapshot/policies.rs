//! Policies out of a snapshot document, with every index checked.

use std::sync::Arc;

use crate::document::{MatchDocument, Mode, PolicyDocument};
use crate::faults::Faults;
use crate::policy::{Domains, NamePatterns, Policy, RuleSet, Schedule, Span, Tunneling};
use crate::records::Rewrites;

/// Seconds of the longest pause: a forgotten one must end.
const MAX_PAUSE: i64 = 86_400;

/// Seconds for which a blocked answer may be kept at most: one day.
const MAX_BLOCKED_TTL: u32 = 86_400;

/// What the indices in a policy may point to.
pub(super) struct Bounds {
    /// How many lists there are.
    pub(super) lists: usize,
    /// How many upstream sets there are.
    pub(super) upstream_sets: usize,
    /// How many sets of records there are.
    pub(super) record_sets: usize,
    /// The names that policies may rewrite.
    pub(super) rewrite_sets: Vec<Arc<Rewrites>>,
    /// When rules act.
    pub(super) schedules: Arc<[Schedule]>,
}

pub(super) fn compile(
    documents: Vec<PolicyDocument>,
    bounds: &Bounds,
    faults: &mut Faults,
) -> Vec<Policy> {
    let policies = documents.into_iter().enumerate();
    policies.map(|(index, document)| compile_one(index, document, bounds, faults)).collect()
}

fn compile_one(
    index: usize,
    document: PolicyDocument,
    bounds: &Bounds,
    faults: &mut Faults,
) -> Policy {
    let path = format!("snapshot.policies[{index}]");
    for (at, &list) in document.lists.iter().enumerate() {
        if list >= bounds.lists {
            faults.add(
                format!("{path}.lists[{at}]"),
                format!("list {list} of only {} ({})", bounds.lists, document.origin),
            );
        }
    }
    for (part, what, index, bound) in [
        ("upstream_set", "upstream set", document.upstream_set, bounds.upstream_sets),
        ("record_set", "record set", document.record_set, bounds.record_sets),
    ] {
        if index >= bound {
            let why = format!("{what} {index} of only {bound} ({})", document.origin);
            faults.add(format!("{path}.{part}"), why);
        }
    }
    let rewrites = document.rewrite_set.map(|index| {
        bounds.rewrite_sets.get(index).cloned().unwrap_or_else(|| {
            let (bound, origin) = (bounds.rewrite_sets.len(), &document.origin);
            let why = format!("rewrite set {index} of only {bound} ({origin})");
            faults.add(format!("{path}.rewrite_set"), why);
            Arc::default()
        })
    });
    let paused = document.paused.map(|pause| {
        let path = format!("{path}.paused");
        let pause = Span::compile(pause, &path, &document.origin, faults);
        if pause.seconds() > MAX_PAUSE {
            let why = format!("{} s; give at most {MAX_PAUSE}", pause.seconds());
            faults.add(path, format!("{why} ({})", document.origin));
        }
        pause
    });
    if document.blocked_ttl > MAX_BLOCKED_TTL {
        let why = format!("{} s is longer than a day ({MAX_BLOCKED_TTL} s)", document.blocked_ttl);
        faults.add(format!("{path}.blocked_ttl"), format!("{why} ({})", document.origin));
    }
    let tunneling = document.tunneling.map(|tunneling| {
        let path = format!("{path}.tunneling");
        Tunneling::compile(tunneling, document.mode, &path, &document.origin, faults)
    });
    let missing_domains = document
        .missing_domains
        .map(|mode| mode == Mode::Enforce && document.mode == Mode::Enforce);
    let names = |part: &str, matches: &[MatchDocument], faults: &mut Faults| {
        NamePatterns::compile(matches, &format!("{path}.{part}"), &document.origin, faults)
    };
    Policy {
        paused,
        rules: RuleSet::compile(
            document.rules,
            &bounds.schedules,
            &format!("{path}.rules"),
            faults,
        ),
        mode: document.mode,
        log: document.log,
        lists: document.lists.iter().copied().filter(|&list| list < bounds.lists).collect(),
        list_ids: document.lists,
        list_answer: (&document.list_answer).into(),
        list_mode: document.list_mode,
        default: document.default,
        private_addresses: document.private_addresses,
        private_names: names("private_names", &document.private_names, faults),
        forwarded_names: names("forwarded_names", &document.forwarded_names, faults),
        tunneling,
        missing_domains,
        domains: Domains::compile(
            &document.domains,
            bounds.upstream_sets,
            &format!("{path}.domains"),
            &document.origin,
            faults,
        ),
        blocked_ttl: document.blocked_ttl,
        upstream_set: document.upstream_set,
        record_set: document.record_set,
        rewrites: rewrites.unwrap_or_default(),
        name: document.name,
        origin: document.origin,
    }
}
