//! What became of a query.

use keyhole_wire::Name;

use super::pending::Pending;
use crate::Reason;
use crate::policy::Cause;
use crate::stages::End;
use crate::subjects::ClientRef;

/// What became of an arrival; `W` is a query that waits.
pub enum Progress<W = Box<Pending>> {
    /// One whole DNS message was appended to the output.
    Replied(ReplyInfo),
    /// Nothing is to be sent, ever.
    Dropped,
    /// The answer is not here yet: hand this to [`super::complete`] on a task of its own.
    Waiting(W),
}

/// What a transport needs to know of a reply.
#[derive(Clone, Copy, Debug)]
pub struct ReplyInfo {
    /// Seconds for which the reply may be kept: its smallest TTL (RFC 8484 section 5.1).
    pub ttl: u32,
    /// Whether nothing more may be asked on the connection: its owner is not
    /// trusted any more, and a new one would be refused.
    pub closes: bool,
    /// Whether the reply is for this client alone: another one might get a different answer to the
    /// same question, so that a cache of many clients must not keep it (RFC 9111 section 5.2.2.7).
    pub is_private: bool,
}

/// Why a query ended, for those who explain it.
#[derive(Clone)]
pub struct EndSummary {
    /// Why.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule or list would have done.
    pub would_block: Option<Cause>,
    /// The blocked name that the answer leads to.
    pub target: Option<Box<Name>>,
    /// Who asked, where they and their policy are known.
    pub client_ref: Option<ClientRef>,
}

impl EndSummary {
    pub(super) fn of(end: &End) -> Self {
        Self {
            reason: end.reason,
            cause: end.cause,
            would_block: end.would_block,
            target: end.target.clone(),
            client_ref: None,
        }
    }
}
