//! How much a client may tell a registered domain by names alone.

use serde::{Deserialize, Serialize};

use super::Mode;

/// The budgets of a policy, in octets of distinct names of one client below one registered domain.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelingDocument {
    /// Whether budgets act, or only record what they would have done.
    pub mode: Mode,
    /// Within an hour: the client is noted.
    pub alert: u32,
    /// Within an hour: new names pass seldom.
    pub throttle: u32,
    /// Within an hour: nothing passes any more.
    pub block: u32,
    /// Within a day: the same.
    pub day: u32,
    /// What all clients together may tell a domain; none where nobody looks. Documents of an earlier
    /// version have none.
    #[serde(default)]
    pub split: Option<SplitDocument>,
    /// Domains without a budget.
    pub exempt: Vec<ExemptDocument>,
}

/// What all clients together may tell a registered domain by distinct names within an hour.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SplitDocument {
    /// Whether it acts, or only records what it would have done.
    pub mode: Mode,
    /// Octets, beside those that each client adds.
    pub octets: u32,
}

/// A domain without a budget, with all names below it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExemptDocument {
    /// The domain.
    pub domain: String,
    /// Why it needs many names.
    pub reason: String,
    /// The second of Unix time at which its budget begins again.
    pub until: i64,
}
