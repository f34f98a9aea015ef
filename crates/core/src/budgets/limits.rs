//! What budgets allow, and how far they are used up.

use super::{SplitLimit, Totals};

/// How many octets of distinct names do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Within an hour: the pair is noted.
    pub alert: u32,
    /// Within an hour: new names pass seldom.
    pub throttle: u32,
    /// Within an hour: nothing below the domain passes any more.
    pub block: u32,
    /// Within a day: the same.
    pub day: u32,
    /// What all clients together may tell a domain; none where nobody looks.
    pub split: Option<SplitLimit>,
}

/// How far a budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing strikes.
    Free,
    /// More than most clients ever need.
    Alert,
    /// A new name below a domain that all clients together told more than one channel may carry.
    Split,
    /// A new name, too soon after the one before.
    Throttle,
    /// Used up.
    Block,
}

impl Level {
    /// All, in their order.
    pub const ALL: [Self; 5] = [Self::Free, Self::Alert, Self::Split, Self::Throttle, Self::Block];

    /// The word in log, explanation and report.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Alert => "alert",
            Self::Split => "split",
            Self::Throttle => "throttle",
            Self::Block => "block",
        }
    }
}

impl Limits {
    /// What is said of sums: those of the throttle are said of single names.
    pub(super) fn level(self, totals: Totals) -> Level {
        if self.is_over(totals) {
            Level::Block
        } else if totals.hour >= self.alert {
            Level::Alert
        } else {
            Level::Free
        }
    }

    pub(super) fn is_over(self, totals: Totals) -> bool {
        totals.hour > self.block || totals.day > self.day
    }
}
