//! screen: does the question carry data out?
//!
//! It comes before `fetch`: afterwards the data has left. Some types serve tunnels alone, which a
//! single question shows. All other tunnels need many names, which budgets over time bound.

use std::ops::ControlFlow;

use keyhole_wire::RecordType;
use serde_json::{Value, json};

use super::account::Account;
use super::missing;
use super::{End, end_by_budget, may_leave};
use crate::Reason;
use crate::budgets::{Asked, Charge, Level, Strike};
use crate::policy::{Cause, Permit, Policy, Spared, Step, Trace, Tunneling};
use crate::question::Question;
use crate::reason::Stage;
use crate::shares::Owner;
use crate::snapshot::Snapshot;

/// A permit for a question that may leave.
pub struct Screened(Permit);

impl Screened {
    /// The permit.
    pub fn into_permit(self) -> Permit {
        self.0
    }
}

/// Stops types that carry arbitrary bytes and that only tunnels ask for, and whoever has told a
/// domain more by names than any other use of DNS needs.
#[inline]
pub fn screen(
    snapshot: &Snapshot,
    question: &Question,
    permit: Permit,
    account: &Account<'_, impl Fn() -> Owner>,
    trace: &mut impl Trace,
) -> ControlFlow<End, Screened> {
    if carries_anything(question.kind()) {
        return ControlFlow::Break(end_by_budget(&permit, Reason::TunnelType, permit.cause()));
    }
    let policy = &snapshot.policies[permit.policy()];
    let permit = missing::hold_back(snapshot, policy, question, permit, account)?;
    let tunneling = policy.tunneling.as_ref().filter(|_| may_leave(question));
    let (Some(tunneling), Some(budgets)) = (tunneling, account.budgets) else {
        return ControlFlow::Continue(Screened(permit));
    };
    let Some(asked) = account.asked(question) else {
        return ControlFlow::Continue(Screened(permit));
    };
    let is_spared = || {
        snapshot.records(policy).keeps(&question.hashed, question.kind(), policy)
            || tunneling.spares(&question.hashed, permit.moment()).is_some()
    };
    let charge = budgets.charge(&asked, tunneling.limits, tunneling.acts, is_spared);
    trace.step(|| budget_step(policy, tunneling, question, &permit, &asked, &charge));
    account.note(&charge);
    let cause = Cause::Tunneling(Strike::new(tunneling.limits, &charge));
    match charge.level {
        Level::Throttle if tunneling.acts => {
            ControlFlow::Break(end_by_budget(&permit, Reason::TunnelThrottled, cause))
        }
        Level::Block if tunneling.acts => {
            ControlFlow::Break(end_by_budget(&permit, Reason::TunnelBudget, cause))
        }
        Level::Split if charge.split_acts => {
            ControlFlow::Break(end_by_budget(&permit, Reason::TunnelSplit, cause))
        }
        Level::Split if charge.octets == 0 => ControlFlow::Continue(Screened(permit)),
        Level::Split | Level::Throttle | Level::Block => {
            ControlFlow::Continue(Screened(permit.noting(cause)))
        }
        // The log names the question with which a client becomes conspicuous, and not all the others.
        Level::Alert if charge.is_first => ControlFlow::Continue(Screened(permit.noting(cause))),
        Level::Alert | Level::Free => ControlFlow::Continue(Screened(permit)),
    }
}

/// NULL (RFC 1035 section 3.3.10: anything at all) and the numbers for private use (RFC 6895
/// section 3.1: 65280 to 65534) are what tunnels prefer; no application asks them of a resolver.
fn carries_anything(kind: RecordType) -> bool {
    kind == RecordType::NULL || (65280..=65534).contains(&kind.0)
}

fn budget_step(
    policy: &Policy,
    tunneling: &Tunneling,
    question: &Question,
    permit: &Permit,
    asked: &Asked<'_>,
    charge: &Charge,
) -> Step {
    let spared = tunneling.spares(&question.hashed, permit.moment());
    let held_back = matches!(charge.level, Level::Throttle | Level::Block);
    let result = match (spared, charge.level) {
        (Some(_), _) => "exempt",
        (None, Level::Throttle | Level::Block) if !tunneling.acts => "only observes",
        (None, Level::Free) => "free",
        (None, level) => level.word(),
    };
    let limits = tunneling.limits;
    let exemption = match spared {
        None => Value::Null,
        Some(Spared::Exempt(reason, until)) => json!({ "reason": reason, "until": until }),
        Some(Spared::Shipped(reason)) => json!({ "reason": reason, "shipped": true }),
    };
    Step {
        stage: Stage::Screen,
        what: "budget of name octets".into(),
        result: result.into(),
        decides: held_back && tunneling.acts,
        detail: json!({
            "domain": asked.domain.domain(asked.name).to_string(),
            "octets": charge.octets,
            "mode": if tunneling.acts { "enforce" } else { "observe" },
            "alert": limits.alert,
            "throttle": limits.throttle,
            "block": limits.block,
            "day": limits.day,
            "split": limits.split.map(|limit| limit.octets),
            "exempt": exemption,
            "origin": policy.origin,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_carry_anything_are_stopped() {
        for (kind, stopped) in [(10, true), (65399, true), (65535, false), (1, false), (65, false)]
        {
            assert_eq!(carries_anything(RecordType(kind)), stopped, "{kind}");
        }
    }
}
