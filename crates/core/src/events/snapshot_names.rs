//! The words of documents for what an event remembers by number.

use super::entry::StoredCause;
use crate::budgets::Level;
use crate::policy::Policy;
use crate::snapshot::Snapshot;

/// Names out of the snapshot and policy that decided, as far as these are still kept.
pub(super) struct SnapshotNames<'s> {
    pub(super) snapshot: Option<&'s Snapshot>,
    pub(super) policy: Option<&'s Policy>,
}

impl<'s> SnapshotNames<'s> {
    pub(super) fn origin(&self, rule: usize) -> Option<&'s str> {
        let rule = self.policy?.rules.rule(u32::try_from(rule).ok()?)?;
        Some(rule.origin.as_str())
    }

    pub(super) fn rewrite(&self, rewrite: usize) -> Option<&'s str> {
        let rewrite = self.policy?.rewrites.get(u32::try_from(rewrite).ok()?)?;
        Some(rewrite.title.as_str())
    }

    pub(super) fn list(&self, list: usize) -> Option<&'s str> {
        self.snapshot?.lists.names().get(list).map(String::as_str)
    }

    /// The path of a file of a list, by its index.
    pub(super) fn file(&self, list: usize, index: u16) -> Option<&'s str> {
        Some(self.snapshot?.lists.file()?.file_path_at(list, index)).filter(|path| !path.is_empty())
    }

    /// Whether a decision to allow the name has precedence over what blocked it.
    pub(super) fn yields(&self, cause: Option<StoredCause>) -> bool {
        match cause {
            Some(StoredCause::Rule(index)) => {
                let index = u32::try_from(index).ok();
                let rule = index.and_then(|index| self.policy?.rules.rule(index));
                rule.is_some_and(|rule| !rule.important)
            }
            Some(StoredCause::List(_)) => true,
            _ => false,
        }
    }

    pub(super) fn words(&self, stored_cause: StoredCause) -> Option<&'s str> {
        match stored_cause {
            StoredCause::Rule(index) => self.origin(index),
            StoredCause::List(index) => self.list(index),
            StoredCause::Rewrite(index) => self.rewrite(index),
            StoredCause::Tunneling(strike) => Some(tunneling_words(strike.level)),
            StoredCause::MissingDomains(_) => Some("missing domains"),
            StoredCause::Default
            | StoredCause::Record
            | StoredCause::Mode
            | StoredCause::Pause
            | StoredCause::PrivateAddresses => self.policy.map(|policy| policy.origin.as_str()),
        }
    }

    pub(super) fn upstream(&self, index: u16) -> Option<&'s str> {
        self.snapshot?.upstream_names.get(usize::from(index)).map(String::as_str)
    }
}

/// What a budget would have done, in the log.
const fn tunneling_words(level: Level) -> &'static str {
    match level {
        Level::Free | Level::Alert => "tunneling: alert",
        Level::Split => "tunneling: split",
        Level::Throttle => "tunneling: throttle",
        Level::Block => "tunneling: block",
    }
}
