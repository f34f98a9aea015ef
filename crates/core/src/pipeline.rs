//! The way of a query: ten verbs, one direction.

use crate::engine::Core;
use crate::stages::receive::Arrival;

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
}

/// A query that waits for an upstream.
pub struct Pending {}

/// Takes a query as far as it can go without waiting. Appends the reply to `out`, or leaves `out`
/// as it was.
pub fn begin(_core: &Core, _arrival: &Arrival<'_>, _out: &mut Vec<u8>) -> Progress {
    Progress::Dropped
}

/// Waits for the answer and appends the reply to `out`. Always ends by the deadline of the query.
pub async fn complete(_core: &Core, _pending: Box<Pending>, _out: &mut Vec<u8>) -> Option<Sent> {
    None
}
