//! What the subjects say of one client.

/// What the subjects say of one client; nothing of a client that they do not mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubjectMatch {
    /// The entry that names the client.
    pub(super) named: Option<u32>,
    /// The most specific entry that has a policy.
    pub(super) choice: Option<PolicyChoice>,
}

/// An entry and its policy: packets need not read the entry itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PolicyChoice {
    pub(super) entry: u32,
    pub(super) policy: u32,
}
