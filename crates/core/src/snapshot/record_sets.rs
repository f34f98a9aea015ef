//! Which local records are seen together.

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::RecordDocument;
use crate::faults::Faults;
use crate::records::Records;

/// Compiles each distinct set once: most policies see the same records.
pub(super) fn compile(
    documents: &[RecordDocument],
    sets: &[Vec<usize>],
    faults: &mut Faults,
) -> Vec<Arc<Records>> {
    let mut known: HashMap<&[usize], Arc<Records>> = HashMap::new();
    let mut compiled = Vec::with_capacity(sets.len());
    for (index, set) in sets.iter().enumerate() {
        for (at, record) in set.iter().enumerate().filter(|(_, record)| **record >= documents.len())
        {
            let why = format!("record {record} of only {}", documents.len());
            faults.add(format!("snapshot.record_sets[{index}][{at}]"), why);
        }
        let records = known.entry(set).or_insert_with(|| {
            Arc::new(Records::compile(documents, set, "snapshot.records", faults))
        });
        compiled.push(Arc::clone(records));
    }
    compiled
}
