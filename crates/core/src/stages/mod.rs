//! The stages of a query, one file each, named by their verbs. The first one, receive, is what the
//! listeners do: they fill an [`Arrival`](crate::arrival::Arrival).
//!
//! A stage answers one question and hands its result to the next; it returns
//! `ControlFlow::Break(End)` to end the query, which jumps forward to `reply` and `record`. A stage
//! never calls a stage. What two stages need is a library function: `policy::decide` serves both
//! `authorize` and `vet`.

pub mod account;
pub mod admit;
pub mod authorize;
pub mod fetch;
pub mod identify;
mod missing;
pub mod parse;
pub mod record;
pub mod reply;
pub mod screen;
pub mod vet;

use std::sync::Arc;

use keyhole_wire::{Answer, Name, RecordType, Synthetic, ZoneAt};

use crate::Reason;
use crate::lookup::LookupAnswer;
use crate::policy::{Cause, Permit};
use crate::question::Question;
use crate::tls_version::TlsVersion;

/// How a query ended: why, because of what, and what is to be said.
pub struct End {
    /// Why.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule would have done.
    pub would_block: Option<Cause>,
    /// The blocked name that the answer leads to, where that ended the query.
    pub target: Option<Box<Name>>,
    /// What is to be said.
    pub body: Body,
}

/// What is to be said to the client.
pub enum Body {
    /// What an upstream said, just now or out of the cache.
    Upstream {
        /// The answer.
        answer: Arc<Answer>,
        /// Seconds to take off its TTLs.
        age: u32,
        /// The longest TTL that the reply may show.
        ttl_cap: Option<u32>,
        /// The index of the upstream in the snapshot.
        upstream: Option<u16>,
        /// The version of TLS over which it was asked now; none over cleartext and for the cache.
        tls: Option<TlsVersion>,
    },
    /// Records that are known here: local ones, and those of names with a special use.
    Local(Arc<Answer>),
    /// An answer without such records, kept for this many seconds, and the zone here that it
    /// belongs to, if any.
    Synthetic(Synthetic, u32, Option<ZoneAt>),
}

impl Body {
    /// The records, where there are some.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Upstream { answer, .. } | Self::Local(answer) => Some(answer),
            Self::Synthetic(..) => None,
        }
    }

    /// The same with other records; what has none stays as it is.
    pub fn with_answer(self, answer: Arc<Answer>) -> Self {
        match self {
            Self::Upstream { age, ttl_cap, upstream, tls, .. } => {
                Self::Upstream { answer, age, ttl_cap, upstream, tls }
            }
            Self::Local(_) => Self::Local(answer),
            Self::Synthetic(..) => self,
        }
    }

    /// The index in the snapshot of the upstream that said so, and the version of TLS over which it was
    /// asked.
    #[inline]
    pub fn upstream(&self) -> (Option<u16>, Option<TlsVersion>) {
        match self {
            Self::Upstream { upstream, tls, .. } => (*upstream, *tls),
            Self::Local(_) | Self::Synthetic(..) => (None, None),
        }
    }
}

impl From<LookupAnswer> for Body {
    #[inline]
    fn from(found: LookupAnswer) -> Self {
        let LookupAnswer { answer, age, ttl_cap, upstream, tls, .. } = found;
        Self::Upstream { answer, age, ttl_cap, upstream, tls }
    }
}

impl End {
    /// The same, which a client may keep for so many seconds. Only for what has no records.
    pub fn kept_for(mut self, seconds: u32) -> Self {
        if let Body::Synthetic(_, ttl, _) = &mut self.body {
            *ttl = seconds;
        }
        self
    }

    /// An end that only the reason decides.
    pub fn because(reason: Reason) -> Self {
        let synthetic = Synthetic::Failure(reason.rcode().unwrap_or(keyhole_wire::Rcode::SERVFAIL));
        let body = Body::Synthetic(synthetic, 0, None);
        Self { reason, cause: None, would_block: None, target: None, body }
    }
}

/// The end of a query that carries more than names and answers need.
#[cold]
fn end_by_budget(permit: &Permit, reason: Reason, cause: Cause) -> End {
    let mut end = End::because(reason);
    end.cause = Some(cause);
    end.would_block = permit.would_block();
    end
}

/// Whether an upstream may be asked. Without recursion (RFC 1035 section 4.1.1) or for everything
/// (RFC 8482) none is.
#[inline]
fn may_leave(question: &Question) -> bool {
    question.query.recursion_desired && question.kind() != RecordType::ANY
}
