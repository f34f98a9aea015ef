//! Where a record stands in a message.

/// The section of a message that a record stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What was asked for, and the aliases that lead to it.
    Answer,
    /// The SOA of a negative answer, and the proofs of DNSSEC.
    Authority,
}
