//! identify: who asks, and which policy speaks for them?
//!
//! In this version every client is the default subject. Without a policy for it the query is
//! refused: no subject, no lookup.

use std::ops::ControlFlow;

use super::End;
use super::admit::Admitted;
use crate::Reason;
use crate::policy::Policy;
use crate::snapshot::Snapshot;

/// A client whose policy is known.
pub struct Identified<'s> {
    /// The policy that decides; exactly one does.
    pub policy: &'s Policy,
    index: usize,
}

impl Identified<'_> {
    /// The index of the policy in the snapshot.
    pub fn index(&self) -> usize {
        self.index
    }
}

/// Finds the policy of the client.
#[inline]
pub fn identify<'s>(snapshot: &'s Snapshot, _: Admitted) -> ControlFlow<End, Identified<'s>> {
    match snapshot.default_policy.and_then(|i| snapshot.policies.get(i).map(|p| (i, p))) {
        Some((index, policy)) => ControlFlow::Continue(Identified { policy, index }),
        None => ControlFlow::Break(End::because(Reason::NoPolicy)),
    }
}
