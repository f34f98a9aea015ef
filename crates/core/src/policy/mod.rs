//! Policy: which names a client may ask for, and why.
//!
//! | module | what it does |
//! | --- | --- |
//! | `decide` | the precedence of rules, lists and default; used by `authorize` and `vet` |
//! | `rules` | the rules of one policy, compiled |
//! | `pattern` | their regular expressions |
//! | `schedule` | when a rule acts |
//! | `span` | how long a rule acts, or a pause lasts |
//! | `cause` | why it was decided so |
//! | `describe` | the same for people |
//! | `trace` | the recorder of `explain` |

mod cause;
mod decide;
mod describe;
mod pattern;
mod rules;
mod schedule;
mod span;
mod trace;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use keyhole_wire::Synthetic;

pub use cause::Cause;
pub use decide::{Decision, Verdict, decide, decide_target};
pub use describe::describe;
pub use rules::RuleSet;
pub use schedule::{Moment, Schedule};
pub use span::Span;
pub use trace::{InStage, Step, Trace};

use crate::snapshot::document::{
    AnswerDocument, DefaultDocument, LogLevel, Mode, PrivateAddresses,
};
use keyhole_names::list_file::ListMask;

/// One policy, compiled.
pub struct Policy {
    /// `metadata.name` of the document.
    pub name: String,
    /// Where it was declared.
    pub origin: String,
    /// Whether it acts, or lets everything through and only records what it would have done.
    pub mode: Mode,
    /// How much of each query may be written down.
    pub log: LogLevel,
    /// Its rules.
    pub rules: RuleSet,
    /// The lists in use, by index.
    pub list_ids: Vec<usize>,
    /// The same as the list file asks for them.
    pub lists: ListMask,
    /// How a name on a block list is answered.
    pub list_answer: BlockAnswer,
    /// Whether lists act or only record.
    pub list_mode: Mode,
    /// While block rules and block lists only record.
    pub paused: Option<Span>,
    /// What happens to a name that no rule and no list decides.
    pub default: DefaultDocument,
    /// What happens to a private address in the answer for a public name.
    pub private_addresses: PrivateAddresses,
    /// The index of the upstream set that answers.
    pub upstream_set: usize,
    /// The index of the local records that its clients see.
    pub record_set: usize,
}

impl Policy {
    /// The time that a decision of this policy needs; `unix` is asked for the second of Unix time
    /// only if a rule or a pause depends on it.
    #[inline]
    pub fn moment(&self, unix: impl FnOnce() -> i64) -> Moment {
        let is_timed = self.rules.is_scheduled() || self.paused.is_some();
        Moment::at(if is_timed { unix() } else { 0 })
    }

    /// Whether block rules and block lists only record.
    #[inline]
    fn is_paused(&self, moment: Moment) -> bool {
        self.paused.is_some_and(|pause| pause.holds(moment))
    }
}

/// How a blocked name is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockAnswer {
    /// The name does not exist.
    Nxdomain,
    /// Refused.
    Refused,
    /// `0.0.0.0` and `::`; no data for other types.
    Null,
    /// This address for its own type; no data for other types.
    Address(IpAddr),
}

impl From<&AnswerDocument> for BlockAnswer {
    fn from(document: &AnswerDocument) -> Self {
        match *document {
            AnswerDocument::Nxdomain => Self::Nxdomain,
            AnswerDocument::Refused => Self::Refused,
            AnswerDocument::Null => Self::Null,
            AnswerDocument::Address(address) => Self::Address(address),
        }
    }
}

impl BlockAnswer {
    /// What goes on the wire.
    pub const fn synthetic(self) -> Synthetic {
        match self {
            Self::Nxdomain => Synthetic::Nxdomain,
            Self::Refused => Synthetic::REFUSED,
            Self::Null => Synthetic::Null,
            Self::Address(address) => Synthetic::Address(address),
        }
    }
}
