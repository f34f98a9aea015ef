//! On whose account a query counts, for the stages that bound what a client tells and is told.

use crate::budgets::{Budgets, Charge};
use crate::counters::{Counters, Total};

/// Where octets are counted, and for whom.
pub struct Account<'a, F> {
    /// The budgets of all clients; none where nobody counts.
    pub budgets: Option<&'a Budgets>,
    /// Where it is counted what budgets did.
    pub counters: &'a Counters,
    /// The worker that counts.
    pub worker: usize,
    /// The number of the client, asked only if it is needed; none for Keyhole's own questions.
    pub client: F,
    /// Seconds since the budgets were made.
    pub seconds: u64,
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
