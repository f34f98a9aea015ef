//! One question, as every stage after `parse` sees it.

use keyhole_names::HashedName;
use keyhole_wire::{Query, RecordType};

/// One well-formed question, and what every later stage asks of it.
pub struct Question {
    /// The question as the client put it.
    pub query: Query,
    /// Its name in lower case, hashed once from right to left for every set.
    pub hashed: HashedName,
}

impl Question {
    /// The record type asked for.
    pub fn kind(&self) -> RecordType {
        self.query.kind
    }
}
