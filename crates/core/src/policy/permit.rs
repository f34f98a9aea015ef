//! The permit: the right to look a name up.
//!
//! Cache and upstreams cannot be asked without one, and nothing but a policy that allows the name
//! makes one: its fields are private to this file.
//!
//! ```compile_fail,E0451
//! use keyhole_core::policy::{Cause, Moment, Permit};
//! use keyhole_core::shares::Owner;
//! use keyhole_core::subjects::ClientRef;
//!
//! fn forged(client_ref: ClientRef) -> Permit {
//!     let (owner, moment) = (Owner::OWN, Moment::at(0));
//!     Permit { client_ref, owner, moment, cause: Cause::Default, would_block: None }
//! }
//! ```
//!
//! A look-up in the cache asks for a permit, and so does a question to an upstream:
//!
//! ```compile_fail,E0061
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use keyhole_core::{lookup::Lookup, upstream::UpstreamSet};
//! use keyhole_wire::{Name, RecordType};
//!
//! fn is_cached(lookup: &Lookup, set: &Arc<UpstreamSet>, name: &Name) -> bool {
//!     lookup.ready(set, name, RecordType::A, Instant::now()).is_some()
//! }
//! ```
//!
//! ```compile_fail,E0061
//! use std::time::Instant;
//!
//! use keyhole_core::upstream::UpstreamSet;
//! use keyhole_wire::{Name, RecordType};
//!
//! async fn is_answered(set: &UpstreamSet, name: &Name, deadline: Instant) -> bool {
//!     set.ask(name, RecordType::A, deadline).await.is_ok()
//! }
//! ```
//!
//! With one, both do:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use keyhole_core::{lookup::Lookup, policy::Permit, upstream::UpstreamSet};
//! use keyhole_wire::{Name, RecordType};
//!
//! fn is_cached(permit: &Permit, lookup: &Lookup, set: &Arc<UpstreamSet>, name: &Name) -> bool {
//!     lookup.ready(permit, set, name, RecordType::A, Instant::now()).is_some()
//! }
//!
//! async fn is_answered(permit: &Permit, set: &UpstreamSet, name: &Name, deadline: Instant) -> bool {
//!     set.ask(permit.permitted(), name, RecordType::A, deadline).await.is_ok()
//! }
//! ```

use keyhole_names::HashedName;
use keyhole_wire::RecordType;

use super::alias_chain::decide;
use super::block_answer::BlockAnswer;
use super::cause::Cause;
use super::compiled_policy::Policy;
use super::decide::{Decision, Verdict};
use super::describe;
use super::schedule::Moment;
use super::trace::Trace;
use crate::list_table::ListTable;
use crate::records::Records;
use crate::shares::Owner;
use crate::subjects::ClientRef;

/// The right to look a name up. `fetch` takes it by value; only [`permit`] makes one.
pub struct Permit {
    client_ref: ClientRef,
    owner: Owner,
    moment: Moment,
    cause: Cause,
    would_block: Option<Cause>,
}

/// Proof that there was a permit, for what goes on when its query has ended: a question to an
/// upstream serves everybody who waits for the answer. It counts for who asked first.
#[derive(Clone, Copy, Debug)]
pub struct Permitted(Owner);

/// A name that a policy withholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The rule, list or default that blocks.
    pub cause: Cause,
    /// What an observed rule or list would have done.
    pub would_block: Option<Cause>,
    /// What the client gets.
    pub answer: BlockAnswer,
}

/// Asks the policy of a client about a name and type.
///
/// A name with a local record is allowed by it where only a list or the default speaks against it:
/// whoever declares a record for a policy wants it to be answered. A block rule still wins.
///
/// # Errors
/// What blocks the name.
#[inline]
pub fn permit(
    lists: &ListTable,
    policy: &Policy,
    client_ref: ClientRef,
    (hashed, kind): (&HashedName, RecordType),
    moment: Moment,
    records: &Records,
    trace: &mut impl Trace,
) -> Result<Permit, Withheld> {
    let mut decision = decide(lists, policy, hashed, kind, moment, trace);
    let blocking = match decision.verdict {
        Verdict::Block(cause, _) => Some(cause),
        Verdict::Allow(_) => decision.would_block,
    };
    if matches!(blocking, Some(Cause::List(_) | Cause::Default)) && records.answers(hashed) {
        trace.step(|| describe::record_step(policy, records.origin(hashed)));
        let would_block = decision.would_block.filter(|cause| matches!(cause, Cause::Rule(_)));
        decision = Decision { verdict: Verdict::Allow(Cause::Record), would_block };
    }
    let would_block = decision.would_block;
    match decision.verdict {
        Verdict::Allow(cause) => {
            let owner = Owner::default();
            Ok(Permit { client_ref, owner, moment, cause, would_block })
        }
        Verdict::Block(cause, answer) => Err(Withheld { cause, would_block, answer }),
    }
}

impl Permit {
    /// The index of the policy that decided.
    #[inline]
    pub fn policy(&self) -> usize {
        self.client_ref.policy()
    }
    /// When it was given: all of a query is decided at one moment.
    pub fn moment(&self) -> Moment {
        self.moment
    }
    /// The rule, list or default that allowed.
    pub fn cause(&self) -> Cause {
        self.cause
    }
    /// What an observed rule or list would have done.
    pub fn would_block(&self) -> Option<Cause> {
        self.would_block
    }
    /// The same with what would have happened if it acted. It has precedence over what else was noted:
    /// nobody hides a tunnel in names that an observed list has, nor by asking for domains that do not
    /// exist.
    pub fn noting(self, observed: Cause) -> Self {
        Self { would_block: Some(stronger(self.would_block, observed)), ..self }
    }
    /// The same, on whose account what goes upstream counts.
    pub fn for_owner(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }
    /// Proof of this permit that may outlive it.
    #[inline]
    pub fn permitted(&self) -> Permitted {
        Permitted(self.owner)
    }
}

/// Which of two notes the log shows.
fn stronger(noted: Option<Cause>, observed: Cause) -> Cause {
    match (noted, observed) {
        (Some(tunnel @ Cause::Tunneling(_)), Cause::MissingDomains(_)) => tunnel,
        _ => observed,
    }
}

impl Permitted {
    /// On whose account the question counts.
    pub fn owner(self) -> Owner {
        self.0
    }

    /// Proof for fetching the answer again, which nobody waits for.
    pub fn refreshing(self) -> Self {
        Self(Owner::REFRESH)
    }
}

#[cfg(test)]
impl Permitted {
    /// Proof without a permit, for tests of the cache alone.
    pub(crate) const TEST: Self = Self(Owner::REFRESH);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::{Level, Strike};

    #[test]
    fn a_note_of_missing_domains_hides_no_tunnel_and_a_tunnel_has_precedence_over_all() {
        let tunnel = Cause::Tunneling(Strike { level: Level::Alert, octets: 1_024, clients: 0 });
        let missing = Cause::MissingDomains(51);
        assert_eq!(stronger(Some(tunnel), missing), tunnel);
        assert_eq!(stronger(Some(missing), tunnel), tunnel);
        assert_eq!(stronger(Some(Cause::Default), missing), missing);
        assert_eq!(stronger(None, missing), missing);
    }
}
