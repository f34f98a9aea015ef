//! Why a policy decided as it did, small enough to go along with every packet.

use crate::lists::ListHit;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The rule with this index in its policy.
    Rule(u32),
    /// An entry of a list.
    List(ListCause),
    /// No rule and no list spoke of the name.
    Default,
}

/// An entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCause {
    /// The index of the list in the snapshot.
    pub list: u32,
    /// The file among those of the list.
    pub file: u16,
    /// The line in the file, from 1.
    pub line: u32,
}

impl From<&ListHit> for ListCause {
    fn from(hit: &ListHit) -> Self {
        Self { list: hit.list as u32, file: hit.file, line: hit.line }
    }
}
