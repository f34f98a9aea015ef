//! The precedence of a policy, in one function that packets and `explain` share.

use keyhole_wire::RecordType;

use super::rules::Rank;
use super::{BlockAnswer, Cause, Policy, Trace, describe};
use crate::lists::ListHit;
use crate::names::Hashed;
use crate::snapshot::Snapshot;
use crate::snapshot::document::{Action, DefaultDocument, Mode};

/// What a policy says about a name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens.
    pub verdict: Verdict,
    /// The block that would have happened if everything that only observes acted; none as well when
    /// an observed allow rule would have come first.
    pub would: Option<Cause>,
}

/// What happens to the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be asked.
    Allow(Cause),
    /// It may not; the client gets this answer.
    Block(Cause, BlockAnswer),
}

/// Decides about a name and type.
///
/// Precedence (DESIGN section 4): important block rule, allow rule, block rule, lists (an important
/// entry of a block list, then allow lists and exceptions, then block lists), default. Within a rank
/// the first rule in document order wins. What only observes is noted and then passed as if absent.
pub fn decide(
    snapshot: &Snapshot,
    policy: &Policy,
    hashed: &Hashed,
    kind: RecordType,
    trace: &mut impl Trace,
) -> Decision {
    let rules = &policy.rules;
    let found = rules.find(hashed, kind);
    let mut would = Would::Nothing;
    if let Some(rule) = rules.observed(found) {
        would.note(Cause::Rule(rule), rules.action(rule));
    }
    for rank in Rank::ALL {
        let acting = rules.acting(found, rank);
        trace.step(|| describe::rules_step(policy, rank, acting, hashed, kind));
        if let Some(rule) = acting {
            return would.decision(rule_verdict(policy, rule));
        }
    }
    let hit = list_hit(snapshot, policy, hashed, kind);
    trace.step(|| describe::lists_step(snapshot, policy, hit.as_ref(), hashed));
    if let Some(hit) = hit {
        let cause = Cause::List(hit);
        match (policy.list_mode, hit.action) {
            (Mode::Observe, action) => would.note(cause, action),
            (Mode::Enforce, Action::Allow) => return would.decision(Verdict::Allow(cause)),
            (Mode::Enforce, Action::Block) => {
                return would.decision(Verdict::Block(cause, policy.list_answer));
            }
        }
    }
    trace.step(|| describe::default_step(policy));
    would.decision(match policy.default {
        DefaultDocument::Allow => Verdict::Allow(Cause::Default),
        DefaultDocument::Deny => Verdict::Block(Cause::Default, BlockAnswer::Refused),
    })
}

fn rule_verdict(policy: &Policy, rule: u32) -> Verdict {
    match policy.rules.action(rule) {
        Action::Allow => Verdict::Allow(Cause::Rule(rule)),
        Action::Block => Verdict::Block(Cause::Rule(rule), policy.rules.answer(rule)),
    }
}

fn list_hit(
    snapshot: &Snapshot,
    policy: &Policy,
    hashed: &Hashed,
    kind: RecordType,
) -> Option<ListHit> {
    snapshot.list_file.as_ref()?.decide(&policy.lists, &snapshot.list_kinds, hashed, kind)
}

/// What was observed first, and so would have decided.
enum Would {
    Nothing,
    Allow,
    Block(Cause),
}

impl Would {
    fn note(&mut self, cause: Cause, action: Action) {
        if let Self::Nothing = self {
            *self = match action {
                Action::Allow => Self::Allow,
                Action::Block => Self::Block(cause),
            };
        }
    }

    fn decision(self, verdict: Verdict) -> Decision {
        let would = match self {
            Self::Block(cause) => Some(cause),
            Self::Nothing | Self::Allow => None,
        };
        Decision { verdict, would }
    }
}
