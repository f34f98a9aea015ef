//! What the listeners need from the rest: something that answers a message.

use crate::arrival::Arrival;
use crate::connections::Connections;
use crate::events::RefusedHandshake;
use crate::options::Options;
use crate::pipeline::{Progress, ReplyInfo};
use crate::shares::Full;
use crate::tls::ServerTls;

/// The engine as the listeners see it. They are generic over it, so that the call from a listener
/// into the stages is a plain one, and so that tests of the listeners need no engine.
pub trait Serve: Send + Sync + 'static {
    /// A query that waits for its answer.
    type Waiting: Send + 'static;

    /// The options of the engine.
    fn options(&self) -> &Options;

    /// The certificate of the encrypted listeners.
    fn tls(&self) -> &ServerTls;

    /// Where connections are counted.
    fn connections(&self) -> &Connections;

    /// Writes down a handshake that was refused.
    fn record_handshake(&self, refused: &RefusedHandshake<'_>);

    /// Counts what was turned away because a share is used up.
    fn over_share(&self, worker: usize, full: Full);

    /// Takes a query as far as it can go without waiting. Appends one whole message to `out`, or
    /// leaves `out` as it was.
    fn begin(&self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress<Self::Waiting>;

    /// Waits for the answer and appends it to `out`; none when nothing is to be sent.
    fn complete(
        &self,
        waiting: Self::Waiting,
        out: &mut Vec<u8>,
    ) -> impl Future<Output = Option<ReplyInfo>> + Send;
}
