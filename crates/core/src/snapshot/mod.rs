//! The snapshot: everything that Python decided, in the form in which packets ask it.

pub mod document;
pub(crate) mod faults;
mod policies;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use document::{ListKind, SNAPSHOT_VERSION, SnapshotDocument};
use faults::Faults;

use crate::Error;
use crate::error::read_document;
use crate::lists::ListFile;
use crate::policy::Policy;
use crate::records::Records;
use crate::upstream::{UpstreamSet, Upstreams};

/// One compiled set of documents. Immutable; a query keeps the one with which it began.
pub struct Snapshot {
    /// Grows with each snapshot; shown wherever a decision is shown.
    pub number: u64,
    /// All policies.
    pub policies: Vec<Policy>,
    /// The index of the policy of a client without a subject of its own; none refuses it.
    pub default_policy: Option<usize>,
    /// The compiled lists, or none when no policy uses a list.
    pub list_file: Option<ListFile>,
    /// What a hit on each list means, by index.
    pub list_kinds: Vec<ListKind>,
    /// The name of each list, by index.
    pub list_names: Vec<String>,
    /// Local records.
    pub records: Records,
    /// The upstream sets that policies name.
    pub upstream_sets: Vec<Arc<UpstreamSet>>,
}

impl Snapshot {
    /// Compiles a document. Connects to nothing and changes nothing that runs.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the place of the fault in the document. Several faults are one error
    /// at `snapshot` whose reason has a line `path: why` for each.
    pub fn compile(document: &[u8], upstreams: &Upstreams) -> Result<Self, Error> {
        check_version(document)?;
        let document: SnapshotDocument = read_document("snapshot", document)?;
        let mut faults = Faults::default();
        let records = Records::compile(&document.records, "snapshot.records", &mut faults);
        let upstream_sets = upstreams
            .prepare(&document.upstreams, &document.upstream_sets)
            .map_err(|error| faults.add_error("snapshot.upstreams", error))
            .unwrap_or_default();
        let list_file = open_lists(&document, &mut faults);
        let default_policy = document.default_policy;
        if default_policy.is_some_and(|index| index >= document.policies.len()) {
            faults.add(
                "snapshot.default_policy",
                format!("only {} policies are given", document.policies.len()),
            );
        }
        let bounds = policies::Bounds {
            lists: document.lists.len(),
            upstream_sets: document.upstream_sets.len(),
        };
        let policies = policies::compile(document.policies, &bounds, &mut faults);
        let snapshot = Self {
            number: document.number,
            policies,
            default_policy,
            list_file,
            list_kinds: document.lists.iter().map(|list| list.kind).collect(),
            list_names: document.lists.into_iter().map(|list| list.name).collect(),
            records,
            upstream_sets,
        };
        faults.into_result("snapshot", snapshot)
    }

    /// The policy of a client without a subject of its own.
    pub fn default_policy(&self) -> Option<&Policy> {
        self.policies.get(self.default_policy?)
    }
}

/// Looks at the version alone: another version may have other fields, and its number is the better
/// reason.
fn check_version(document: &[u8]) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let found = read_document::<Versioned>("snapshot", document)?.version;
    if found == SNAPSHOT_VERSION {
        Ok(())
    } else {
        Err(Error::version("snapshot", found, SNAPSHOT_VERSION))
    }
}

fn open_lists(document: &SnapshotDocument, faults: &mut Faults) -> Option<ListFile> {
    let path = "snapshot.list_file";
    let Some(wanted) = &document.list_file else {
        if document.policies.iter().any(|policy| !policy.lists.is_empty()) {
            faults.add(path, "a policy uses lists, but no compiled lists are given");
        }
        return None;
    };
    let file = ListFile::open(&wanted.path, &wanted.sha256)
        .map_err(|error| faults.add_error(path, error))
        .ok()?;
    if file.list_count() != document.lists.len() {
        faults.add(
            path,
            format!(
                "the file holds {} lists, the snapshot names {}; compile the lists again",
                file.list_count(),
                document.lists.len()
            ),
        );
    }
    // Another order would give block lists the meaning of allow lists.
    for (index, list) in document.lists.iter().enumerate().take(file.list_count()) {
        let found = file.list_name(index);
        if found != list.name {
            faults.add(
                format!("snapshot.lists[{index}].name"),
                format!("{:?}, but the file holds {found:?}; compile the lists again", list.name),
            );
        }
    }
    Some(file)
}
