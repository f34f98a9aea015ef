//! Policies out of a snapshot document, with every index checked.

use super::document::PolicyDocument;
use super::faults::Faults;
use crate::policy::{Policy, RuleSet};

/// What the indices in a policy may point to.
pub(super) struct Bounds {
    /// How many lists there are.
    pub(super) lists: usize,
    /// How many upstream sets there are.
    pub(super) upstream_sets: usize,
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
    if document.upstream_set >= bounds.upstream_sets {
        faults.add(
            format!("{path}.upstream_set"),
            format!(
                "upstream set {} of only {} ({})",
                document.upstream_set, bounds.upstream_sets, document.origin
            ),
        );
    }
    Policy {
        rules: RuleSet::compile(document.rules, &format!("{path}.rules"), faults),
        lists: document.lists.iter().copied().filter(|&list| list < bounds.lists).collect(),
        list_ids: document.lists,
        list_answer: (&document.list_answer).into(),
        list_mode: document.list_mode,
        default: document.default,
        private_addresses: document.private_addresses,
        upstream_set: document.upstream_set,
        name: document.name,
        origin: document.origin,
    }
}
