//! receive: what arrived, over what, and when.
//!
//! Transport knowledge ends here. The listener fills an [`Arrival`]; nothing later knows sockets.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::client_identity::{ClientIdentity, Credential};
use crate::shares::Owner;
use crate::tls_version::TlsVersion;
use crate::trace_context::TraceContext;
use crate::transport::Transport;

/// One message as the listener took it from its transport.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// The DNS message, without the length prefix of a stream.
    pub packet: &'a [u8],
    /// Who sent it, and over what.
    pub sender: Sender<'a>,
    /// When the batch was read; one clock call serves all of it.
    pub now: Instant,
}

/// Who sent a message, and over what: known before the message is read.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// How it came.
    pub transport: Transport,
    /// The version of TLS of its connection; none without TLS.
    pub tls: Option<TlsVersion>,
    /// The address of the client: the connection's own, or what a sidecar says of its client.
    pub client: SocketAddr,
    /// The address of the connection: the only thing that `admit` may key on.
    pub connection: IpAddr,
    /// Who it is, as far as the listener found out.
    pub identity: &'a ClientIdentity,
    /// The worker that read it; its counters are written without contention.
    pub worker: usize,
    /// The trace that the request says it belongs to (the header `traceparent`), while traces are on.
    pub trace: Option<TraceContext>,
}

impl Sender<'_> {
    /// On whose account the query counts. Where a sidecar vouches for an identity, the address is
    /// that of the sidecar or of a host that many share, and says nothing of the client.
    ///
    /// An address is proved by a connection, or by a server cookie (`has_our_cookie`).
    pub fn owner(&self, has_our_cookie: bool) -> Owner {
        let address = self.client.ip();
        match (self.identity.shown(), &self.identity.credential) {
            (Some(shown), Credential::Mesh(_)) => Owner::identity(shown, None),
            (Some(shown), _) => Owner::identity(shown, Some(address)),
            (None, _) if self.transport == Transport::Udp && !has_our_cookie => {
                Owner::unproved(address)
            }
            (None, _) => Owner::network(address),
        }
    }
}
