//! On whose account a query counts, for the stages that bound what a client tells and is told.

use crate::budgets::{Asked, Budgets, Charge, RegisteredDomain};
use crate::counters::{Counters, Total};
use crate::question::Question;
use crate::shares::Owner;

/// Where octets are counted, and for whom.
pub struct Account<'a, F> {
    /// The budgets of all clients; none where nobody counts.
    pub budgets: Option<&'a Budgets>,
    /// Where it is counted what budgets did.
    pub counters: &'a Counters,
    /// The worker that counts.
    pub worker: usize,
    /// Who asks, asked only if it is needed.
    pub client: F,
    /// Seconds since the budgets were made.
    pub seconds: u64,
}

impl<F: Fn() -> Owner> Account<'_, F> {
    /// A question as budgets see it; none if it is Keyhole's own.
    #[inline]
    pub(super) fn asked<'q>(&self, question: &'q Question) -> Option<Asked<'q>> {
        let (owner, name) = ((self.client)(), question.hashed.name());
        Some(Asked {
            client: owner.number()?,
            is_proved: owner.is_proved(),
            name,
            domain: RegisteredDomain::of(name),
            kind: question.kind(),
            seconds: self.seconds,
        })
    }
}

impl<F> Account<'_, F> {
    /// Counts what a charge did.
    pub(super) fn note(&self, charge: &Charge) {
        if charge.is_first {
            self.counters.add(self.worker, Total::TunnelAlerts);
        }
        if charge.is_first_split {
            self.counters.add(self.worker, Total::TunnelSplits);
        }
        if charge.forgot {
            self.counters.add(self.worker, Total::BudgetsForgotten);
        }
    }
}
