//! What lists say about an address in an answer.
//!
//! It has the place of the lists in the precedence: whoever allows the name by a rule, a decision or
//! a record allows its addresses, and an exception of a list yields only to an important entry.

use std::net::IpAddr;

use keyhole_names::list_file::{Action, ListHit};
use keyhole_wire::RecordType;
use serde_json::json;

use super::alias_chain::AliasChain;
use super::block_answer::BlockAnswer;
use super::cause::Cause;
use super::decide::{Decision, Verdict};
use super::describe::hit_value;
use super::trace::{Step, Trace};
use crate::document::Mode;
use crate::list_table::ListTable;
use crate::reason::Stage;

impl AliasChain<'_> {
    /// Decides about an address of an answer; none where no list blocks it. `allowed_by` is what
    /// allowed the names that led to it, if anything did expressly.
    #[inline]
    pub fn decide_address(
        &self,
        address: IpAddr,
        kind: RecordType,
        allowed_by: Option<Cause>,
        trace: &mut impl Trace,
    ) -> Option<Decision> {
        let Self { lists, policy, moment, .. } = *self;
        let hit = lists.decide_address(&policy.lists, address, kind)?;
        let hit = match allowed_by {
            Some(Cause::Rule(_) | Cause::Record) => return None,
            Some(Cause::List(allowing)) => allowing.or_stronger(Some(hit)),
            _ => hit,
        };
        if hit.action == Action::Allow {
            return None;
        }
        let (cause, is_paused) = (Cause::List(hit), policy.is_paused(moment));
        let observes = policy.mode == Mode::Observe || policy.list_mode == Mode::Observe;
        let acts = !observes && !is_paused;
        trace.step(|| address_step(lists, address, &hit, acts));
        Some(match acts {
            // Other types of the name may lead elsewhere (RFC 8020 section 2).
            true => {
                Decision { verdict: Verdict::Block(cause, BlockAnswer::NoData), would_block: None }
            }
            false => {
                let why = if is_paused { Cause::Pause } else { Cause::Mode };
                Decision { verdict: Verdict::Allow(why), would_block: Some(cause) }
            }
        })
    }
}

/// The step of an address that a list blocks; `acts` is whether it is withheld.
fn address_step(lists: &ListTable, address: IpAddr, hit: &ListHit, acts: bool) -> Step {
    Step {
        stage: Stage::Vet,
        what: "address".into(),
        result: if acts { "blocks".into() } else { "only observes".into() },
        decides: acts,
        detail: json!({
            "address": address.to_string(),
            "deciding_entry": hit_value(lists, hit),
            "entries": [hit_value(lists, hit)],
        }),
    }
}
