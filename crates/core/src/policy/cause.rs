//! Why a policy decided as it did, small enough to go along with every packet.

use keyhole_names::list_file::ListHit;

use crate::budgets::Strike;

/// What decided. [`super::describe`] gives the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The rule with this index in its policy.
    Rule(u32),
    /// An entry of a list of the snapshot.
    List(ListHit),
    /// A local record of the name, which a list or the default would have blocked.
    Record,
    /// The rewrite with this index in its policy: the answer is that of another name.
    Rewrite(u32),
    /// No rule and no list matched the name.
    Default,
    /// The policy only observes, so it lets through what it would have blocked.
    Mode,
    /// Blocking is paused, so it lets through what a block rule or list would have blocked.
    Pause,
    /// The policy withholds private addresses in answers for public names.
    PrivateAddresses,
    /// The client's budget of name octets for the registered domain.
    Tunneling(Strike),
    /// The client asked for so many domains within an hour that do not exist.
    MissingDomains(u32),
}
