//! What became of a query.

use super::Pending;
use crate::Reason;
use crate::policy::Cause;
use crate::stages::End;
use crate::subjects::Who;

/// What became of an arrival; `W` is a query that waits.
pub enum Progress<W = Box<Pending>> {
    /// One whole DNS message was appended to the output.
    Replied(Sent),
    /// Nothing is to be sent, ever.
    Dropped,
    /// The answer is not here yet: hand this to [`complete`] on a task of its own.
    Waiting(W),
}

/// Facts about a reply that a transport needs.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Seconds for which the reply may be kept: its smallest TTL (RFC 8484 section 5.1).
    pub ttl: u32,
    /// Whether nothing more may be asked on the connection: who it belongs to is not believed any
    /// more, and a new one would not be let in.
    pub closes: bool,
}

/// Why a query ended, for those who explain it.
#[derive(Clone, Copy)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule or list would have done.
    pub would: Option<Cause>,
    /// Who asked, where they and their policy are known.
    pub who: Option<Who>,
}

impl Ended {
    pub(super) fn of(end: &End) -> Self {
        Self { reason: end.reason, cause: end.cause, would: end.would, who: None }
    }
}
