//! The precedence of a policy, in one function that packets and `explain` share.

use keyhole_wire::RecordType;

use super::block_answer::BlockAnswer;
use super::cause::Cause;
use super::compiled_policy::Policy;
use super::describe;
use super::name_in_chain::NameInChain;
use super::rules::{Rank, RuleContext};
use super::trace::Trace;
use crate::document::{Action, DefaultDocument, Mode};

/// What a policy says about a name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens.
    pub verdict: Verdict,
    /// The block that would have happened if everything acted that only observes or is paused; none
    /// as well when an observed allow rule would have come first.
    pub would_block: Option<Cause>,
}

/// What happens to the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be asked.
    Allow(Cause),
    /// It may not; the client gets this answer.
    Block(Cause, BlockAnswer),
}

impl NameInChain<'_> {
    /// Precedence: important block rule, decision, allow rule, block rule, lists (an
    /// important entry of a block list, then allow lists and exceptions, then block lists), default.
    /// Within a rank the first rule in document order wins. An observe-only match is recorded and
    /// skipped; an inactive rule is skipped without a record. While blocking is paused, block rules and
    /// block lists are observe-only. Important rules, decisions and a default that denies still act, so
    /// that a pause opens nothing that was never allowed. A policy that only observes blocks nothing.
    pub(super) fn evaluate(&self, kind: RecordType, trace: &mut impl Trace) -> Decision {
        let Self { lists, policy, hashed, moment, default, allowed_by } = *self;
        let rules = &policy.rules;
        let context = RuleContext { kind, moment, is_paused: policy.is_paused(moment) };
        if let Some(pause) = policy.paused {
            trace.step(|| describe::pause_step(policy, pause, context.is_paused));
        }
        let matches = rules.find(hashed, &context, allowed_by);
        let mut skipped =
            Skipped { would_block: FirstSkipped::Nothing, by_pause: matches.is_paused() };
        if let Some(rule) = rules.skipped(matches) {
            skipped.record(Cause::Rule(rule), rules.action(rule));
        }
        for rank in Rank::ALL {
            let acting = rules.acting(matches, rank);
            trace.step(|| describe::rules_step(policy, rank, acting, self, &context));
            if let Some(rule) = acting {
                return skipped.decision(policy, rule_verdict(policy, rule), trace);
            }
        }
        let hit = lists.decide(&policy.lists, hashed, kind);
        let hit = match allowed_by {
            Some(Cause::List(allowing)) => Some(allowing.or_stronger(hit)),
            _ => hit,
        };
        trace.step(|| describe::lists_step(lists, policy, hit.as_ref(), self, context.is_paused));
        let is_blocked = hit.is_some_and(|hit| hit.action == Action::Block);
        if is_blocked && allowed_by == Some(Cause::Record) {
            trace.step(|| describe::record_step(policy, None));
            return skipped.decision(policy, Verdict::Allow(Cause::Record), trace);
        }
        if let Some(hit) = hit {
            let cause = Cause::List(hit);
            let verdict = match hit.action {
                Action::Allow => Verdict::Allow(cause),
                // RFC 8020: no such name would deny the other types, too.
                Action::Block if hit.is_typed => Verdict::Block(cause, BlockAnswer::NoData),
                Action::Block => Verdict::Block(cause, policy.list_answer),
            };
            match policy.list_mode {
                Mode::Observe => skipped.record(cause, hit.action),
                Mode::Enforce if context.is_paused && hit.action == Action::Block => {
                    skipped.record(cause, hit.action);
                    skipped.by_pause = true;
                }
                Mode::Enforce => return skipped.decision(policy, verdict, trace),
            }
        }
        trace.step(|| describe::default_step(policy, default));
        let verdict = match default {
            DefaultDocument::Allow => Verdict::Allow(Cause::Default),
            DefaultDocument::Deny => Verdict::Block(Cause::Default, BlockAnswer::Refused),
        };
        skipped.decision(policy, verdict, trace)
    }
}

fn rule_verdict(policy: &Policy, rule: u32) -> Verdict {
    match policy.rules.action(rule) {
        Action::Allow => Verdict::Allow(Cause::Rule(rule)),
        Action::Block => Verdict::Block(Cause::Rule(rule), policy.rules.answer(rule)),
    }
}

/// What was skipped.
struct Skipped {
    would_block: FirstSkipped,
    /// Whether something of it blocks, but for the pause.
    by_pause: bool,
}

/// The first match that was skipped: it would have decided.
enum FirstSkipped {
    Nothing,
    Allow,
    Block(Cause),
}

impl Skipped {
    fn record(&mut self, cause: Cause, action: Action) {
        if let FirstSkipped::Nothing = self.would_block {
            self.would_block = match action {
                Action::Allow => FirstSkipped::Allow,
                Action::Block => FirstSkipped::Block(cause),
            };
        }
    }

    /// The decision for a verdict of the rules; a policy that only observes notes a block and lets
    /// through. What is allowed only because blocking is paused says so.
    fn decision(
        mut self,
        policy: &Policy,
        mut verdict: Verdict,
        trace: &mut impl Trace,
    ) -> Decision {
        match verdict {
            Verdict::Block(cause, _) if policy.mode == Mode::Observe => {
                self.record(cause, Action::Block);
                verdict = Verdict::Allow(Cause::Mode);
                trace.step(|| describe::mode_step(policy));
            }
            Verdict::Allow(_) if self.by_pause => verdict = Verdict::Allow(Cause::Pause),
            _ => {}
        }
        let would_block = match self.would_block {
            FirstSkipped::Block(cause) => Some(cause),
            FirstSkipped::Nothing | FirstSkipped::Allow => None,
        };
        Decision { verdict, would_block }
    }
}
