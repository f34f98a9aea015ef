//! The snapshot: everything that Python decided, in the form in which packets ask it.

mod policies;
mod record_sets;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyhole_names::HashedName;
use keyhole_names::error::read_document;
use keyhole_wire::Name;

use crate::Error;
use crate::document::{LogLevel, SNAPSHOT_VERSION, SnapshotDocument};
use crate::faults::Faults;
use crate::list_table::ListTable;
use crate::policy::{NamePatterns, Policy, Schedule};
use crate::records::{Records, Rewrites};
use crate::subjects::Subjects;
use crate::trust::Trust;
use crate::upstream::{UpstreamSet, Upstreams};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// One compiled set of documents. Immutable; a query keeps the one with which it began.
pub struct Snapshot {
    /// Unlike that of any other snapshot of this process, and never 0.
    pub id: u64,
    /// Grows with each snapshot; shown wherever a decision is shown.
    pub number: u64,
    /// All policies.
    pub policies: Vec<Policy>,
    /// Which policy applies to which client.
    pub subjects: Subjects,
    /// The compiled lists, empty when no policy uses a list.
    pub lists: ListTable,
    /// Local records, by the sets that policies name. Equal sets are one.
    pub record_sets: Vec<Arc<Records>>,
    /// Whose certificates are accepted.
    pub trust: Arc<Trust>,
    /// The upstream sets that policies name.
    pub upstream_sets: Vec<Arc<UpstreamSet>>,
    /// The names of all upstreams, by index.
    pub upstream_names: Vec<String>,
    /// Names whose queries are not logged, whoever asks.
    unlogged: NamePatterns,
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
        let record_sets =
            record_sets::compile(&document.records, &document.record_sets, &mut faults);
        let upstream_sets = upstreams
            .prepare(&document.upstreams, &document.upstream_sets)
            .map_err(|error| faults.add_error("snapshot.upstreams", error))
            .unwrap_or_default();
        let uses_lists = document.policies.iter().any(|policy| !policy.lists.is_empty());
        let list_count = document.lists.len();
        let list_file = document.list_file.as_ref();
        let lists = ListTable::open(list_file, document.lists, uses_lists, &mut faults);
        let trust = Arc::new(Trust::compile(document.trust, &mut faults));
        let schedules =
            Schedule::compile_all(document.schedules, "snapshot.schedules", &mut faults);
        let count = document.policies.len();
        let subjects =
            Subjects::compile(document.subjects, document.default_policy, count, &mut faults);
        let sets = document.rewrite_sets.iter().enumerate();
        let rewrite_sets = sets
            .map(|(index, set)| {
                Rewrites::compile(set, &format!("snapshot.rewrite_sets[{index}]"), &mut faults)
            })
            .collect();
        let bounds = policies::Bounds {
            lists: list_count,
            upstream_sets: document.upstream_sets.len(),
            record_sets: document.record_sets.len(),
            rewrite_sets,
            schedules: schedules.into(),
        };
        let policies = policies::compile(document.policies, &bounds, &mut faults);
        let unlogged = &document.unlogged;
        let unlogged =
            NamePatterns::compile(unlogged, "snapshot.unlogged", "LogExclusion", &mut faults);
        let snapshot = Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            number: document.number,
            policies,
            subjects,
            lists,
            record_sets,
            trust,
            upstream_sets,
            upstream_names: document.upstreams.into_iter().map(|one| one.name).collect(),
            unlogged,
        };
        faults.into_result("snapshot", snapshot)
    }

    /// The least that any policy allows to be written down.
    pub fn strictest_log(&self) -> LogLevel {
        self.policies.iter().map(|policy| policy.log).max().unwrap_or(LogLevel::Full)
    }

    /// Whether a query may not be written down because of what it asks for, or because of the
    /// blocked name that its answer leads to. Costs nothing where there are no such names.
    #[inline]
    pub fn is_unlogged(&self, asked: Option<&HashedName>, target: Option<&Name>) -> bool {
        !self.unlogged.is_empty()
            && (asked.is_some_and(|name| self.unlogged.has(name))
                || target.is_some_and(|name| self.unlogged.has(&HashedName::new(name))))
    }

    /// How much of a query for a name under a policy may be written down.
    #[inline]
    pub fn log_level(&self, policy: &Policy, asked: &HashedName) -> LogLevel {
        if self.is_unlogged(Some(asked), None) { LogLevel::None } else { policy.log }
    }

    /// The policy of a client without a subject of its own.
    pub fn default_policy(&self) -> Option<&Policy> {
        self.policies.get(self.subjects.default_policy()?)
    }

    /// The local records that the clients of a policy see.
    #[inline]
    pub fn records(&self, policy: &Policy) -> &Records {
        &self.record_sets[policy.record_set]
    }
}

/// Reads the version alone: another version may have other fields, and its number explains the
/// error better.
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
