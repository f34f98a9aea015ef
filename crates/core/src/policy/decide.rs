//! The precedence of a policy, in one function that packets and `explain` share.

use keyhole_wire::RecordType;

use super::rules::Rank;
use super::{BlockAnswer, Cause, Moment, Policy, Trace, describe};
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

/// Decides about a name and type that a client asks for.
///
/// Precedence (DESIGN section 4): important block rule, allow rule, block rule, lists (an important
/// entry of a block list, then allow lists and exceptions, then block lists), default. Within a rank
/// the first rule in document order wins. What only observes is noted and then passed as if absent;
/// so is what does not act at this moment, which is not even noted. A policy that only observes
/// blocks nothing.
#[inline]
pub fn decide(
    snapshot: &Snapshot,
    policy: &Policy,
    hashed: &Hashed,
    kind: RecordType,
    moment: Moment,
    trace: &mut impl Trace,
) -> Decision {
    weigh(snapshot, policy, policy.default, hashed, kind, moment, trace)
}

/// Decides about a name that the answer for another one leads to.
///
/// As for a name asked for, but what nothing speaks for is allowed, whatever the default: else
/// default deny would ask people to list the names of every content network.
pub fn decide_target(
    snapshot: &Snapshot,
    policy: &Policy,
    hashed: &Hashed,
    kind: RecordType,
    moment: Moment,
    trace: &mut impl Trace,
) -> Decision {
    weigh(snapshot, policy, DefaultDocument::Allow, hashed, kind, moment, trace)
}

fn weigh(
    snapshot: &Snapshot,
    policy: &Policy,
    default: DefaultDocument,
    hashed: &Hashed,
    kind: RecordType,
    moment: Moment,
    trace: &mut impl Trace,
) -> Decision {
    let rules = &policy.rules;
    let found = rules.find(hashed, kind, moment);
    let mut would = Would::Nothing;
    if let Some(rule) = rules.observed(found) {
        would.note(Cause::Rule(rule), rules.action(rule));
    }
    for rank in Rank::ALL {
        let acting = rules.acting(found, rank);
        trace.step(|| describe::rules_step(policy, rank, acting, hashed, kind, moment));
        if let Some(rule) = acting {
            return would.decision(policy, rule_verdict(policy, rule), trace);
        }
    }
    let hit = list_hit(snapshot, policy, hashed, kind);
    trace.step(|| describe::lists_step(snapshot, policy, hit.as_ref(), hashed));
    if let Some(hit) = hit {
        let cause = Cause::List(hit);
        let verdict = match hit.action {
            Action::Allow => Verdict::Allow(cause),
            Action::Block => Verdict::Block(cause, policy.list_answer),
        };
        match policy.list_mode {
            Mode::Observe => would.note(cause, hit.action),
            Mode::Enforce => return would.decision(policy, verdict, trace),
        }
    }
    trace.step(|| describe::default_step(policy, default));
    let verdict = match default {
        DefaultDocument::Allow => Verdict::Allow(Cause::Default),
        DefaultDocument::Deny => Verdict::Block(Cause::Default, BlockAnswer::Refused),
    };
    would.decision(policy, verdict, trace)
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

    /// The decision for a verdict of the rules; a policy that only observes notes a block and lets
    /// through.
    fn decision(
        mut self,
        policy: &Policy,
        mut verdict: Verdict,
        trace: &mut impl Trace,
    ) -> Decision {
        if policy.mode == Mode::Observe
            && let Verdict::Block(cause, _) = verdict
        {
            self.note(cause, Action::Block);
            verdict = Verdict::Allow(Cause::Mode);
            trace.step(|| describe::mode_step(policy));
        }
        let would = match self {
            Self::Block(cause) => Some(cause),
            Self::Nothing | Self::Allow => None,
        };
        Decision { verdict, would }
    }
}
