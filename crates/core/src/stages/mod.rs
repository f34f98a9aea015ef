//! The stages of a query, one file each, named by their verbs. The first one, receive, is what the
//! listeners do: they fill an [`Arrival`](crate::arrival::Arrival).
//!
//! A stage answers one question and hands its result to the next; it returns
//! `ControlFlow::Break(End)` to end the query, which jumps forward to `reply` and `record`. A stage
//! never calls a stage. What two stages need is a library function: `policy::decide` serves both
//! `authorize` and `vet`.

pub mod admit;
pub mod authorize;
pub mod fetch;
pub mod identify;
pub mod parse;
pub mod record;
pub mod reply;
pub mod screen;
pub mod vet;

use keyhole_wire::Synthetic;

use crate::Reason;
use crate::lookup::LookupAnswer;
use crate::policy::Cause;

/// How a query ended: why, because of what, and what is to be said.
pub struct End {
    /// Why.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule would have done.
    pub would_block: Option<Cause>,
    /// What is to be said.
    pub body: Body,
}

/// What is to be said to the client.
pub enum Body {
    /// An answer that the cache, an upstream or a local record gave.
    Answer(LookupAnswer),
    /// An answer made here, kept for this many seconds.
    Synthetic(Synthetic, u32),
}

impl Body {
    /// The place in its set of the upstream that said so.
    pub fn upstream(&self) -> Option<u16> {
        match self {
            Self::Answer(found) => found.upstream,
            Self::Synthetic(..) => None,
        }
    }
}

impl End {
    /// An end that only the reason decides.
    pub fn because(reason: Reason) -> Self {
        let synthetic = Synthetic::Failure(reason.rcode().unwrap_or(keyhole_wire::Rcode::SERVFAIL));
        Self { reason, cause: None, would_block: None, body: Body::Synthetic(synthetic, 0) }
    }
}
