//! Where an answer over HTTP/2 goes.

use bytes::Bytes;
use h2::server::SendResponse;

use crate::client_identity::ClientIdentity;
use crate::shares::Place;
use crate::trace_context::TraceContext;

/// Where an answer goes.
pub(super) struct Responder {
    pub(super) respond: SendResponse<Bytes>,
    /// Whether the client wants the head alone (RFC 9110 section 9.3.2).
    pub(super) head_only: bool,
    /// Who it is, where that is not who the connection belongs to.
    pub(super) identity: Option<Box<ClientIdentity>>,
    /// What it holds while it stays open.
    pub(super) place: Option<Place>,
    /// The trace that the request belongs to, if it says so.
    pub(super) trace: Option<TraceContext>,
}
