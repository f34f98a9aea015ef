//! The other side of a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::service::Serve;
use super::worker::Worker;
use crate::arrival::{Arrival, Sender};
use crate::client_identity::{ClientIdentity, Credential, Svid};
use crate::options::ClientCertificates;
use crate::shares::Owner;
use crate::tls_version::TlsVersion;
use crate::trace_context::TraceContext;
use crate::transport::Transport;

/// No timer is set for a time further away.
const FAR: Duration = Duration::from_secs(86_400 * 365);

/// The other side of a connection, found out once and the same for all its queries, except where a
/// request over HTTP says more.
#[derive(Clone)]
pub(super) struct Peer {
    /// The client, as far as it is known: what a sidecar says of it, else the connection's own.
    pub(super) client: SocketAddr,
    /// The address of the connection itself: nothing that anybody can claim.
    pub(super) connection: IpAddr,
    pub(super) transport: Transport,
    /// None without TLS.
    pub(super) tls: Option<TlsVersion>,
    pub(super) worker: usize,
    pub(super) identity: Arc<ClientIdentity>,
    /// When the connection has to end, because the certificate of the client does.
    pub(super) ends: Option<Instant>,
    /// At listeners for sidecars: whether it is one, whose requests may say for whom they are.
    pub(super) sidecar: Option<bool>,
    /// Whether it was asked for a certificate in its handshake; none without TLS.
    pub(super) certificates: Option<ClientCertificates>,
}

impl Peer {
    /// A client that is known by its connection alone.
    pub(super) fn new(
        client: SocketAddr,
        transport: Transport,
        worker: usize,
        identity: Arc<ClientIdentity>,
    ) -> Self {
        let connection = client.ip();
        Self {
            client,
            connection,
            transport,
            tls: None,
            worker,
            identity,
            ends: None,
            sidecar: None,
            certificates: None,
        }
    }

    /// The same with the certificate that it has proved to own.
    pub(super) fn with_certificate(self, svid: &Arc<Svid>) -> Self {
        let identity = Arc::new(ClientIdentity::showing(Credential::Certificate(Arc::clone(svid))));
        Self { identity, ends: end_of(svid), ..self }
    }

    /// A message that this peer sent.
    pub(super) fn arrival<'a>(&'a self, packet: &'a [u8], now: Instant) -> Arrival<'a> {
        self.arrival_for(&self.identity, None, packet, now)
    }

    /// A message that this peer sent for somebody else, or as part of a trace.
    pub(super) fn arrival_for<'a>(
        &'a self,
        identity: &'a ClientIdentity,
        trace: Option<TraceContext>,
        packet: &'a [u8],
        now: Instant,
    ) -> Arrival<'a> {
        Arrival { packet, sender: self.sender(identity, trace), now }
    }

    /// On whose account a request counts that this peer sent for somebody; the connection proves
    /// the address.
    pub(super) fn owner(&self, identity: &ClientIdentity) -> Owner {
        self.sender(identity, None).owner(true)
    }

    fn sender<'a>(&self, identity: &'a ClientIdentity, trace: Option<TraceContext>) -> Sender<'a> {
        let Self { client, connection, transport, tls, worker, .. } = *self;
        Sender { transport, tls, client, connection, identity, worker, trace }
    }

    /// Ends when nothing more may be asked on this connection: the engine drains, or the
    /// certificate of the client has ended.
    pub(super) fn over<S: Serve>(
        &self,
        worker: &Worker<S>,
    ) -> impl Future<Output = ()> + Send + use<S> {
        let (drained, ends) = (worker.drained(), self.ends);
        async move {
            match ends {
                None => drained.await,
                Some(at) => tokio::select! {
                    () = drained => {}
                    () = tokio::time::sleep_until(at.into()) => {}
                },
            }
        }
    }
}

/// When a certificate ends by the clock of this process. One that had ended before has a policy of
/// its own, for as long as the connection is used.
fn end_of(svid: &Svid) -> Option<Instant> {
    if svid.expired {
        return None;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_secs(u64::try_from(svid.not_after).ok()?).saturating_sub(now);
    (left < FAR).then(|| Instant::now() + left)
}
