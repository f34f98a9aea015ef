//! Connecting: TCP, TLS with the proof of who is there, and the protocol on top.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http::Uri;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::{Carrier, Connection};
use super::counters::UpstreamCounters;
use super::doh::{DohConnection, USUAL_STREAMS};
use super::error::{ErrorKind, UpstreamError};
use super::exchange::{Liveness, MAX_IN_FLIGHT};
use super::identity::{Identities, Identity};
use super::lives::Lives;
use super::server_name::{check_cleartext, cleartext_uris, server_name, uri};
use super::stream::StreamConnection;
use super::trust;
use crate::Error;
use crate::close_notify::Announced;
use crate::document::{UpstreamDocument, UpstreamProtocol};
use crate::tls_version::TlsVersion;

/// The next address is tried as well when one stays silent for so long (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(200);
/// TCP, TLS and HTTP/2 preface together, over all addresses.
const MAX_CONNECTING: Duration = Duration::from_secs(3);

/// Everything that is needed to reach one upstream.
pub(super) struct Connector {
    addresses: Vec<SocketAddr>,
    /// Tried first: where the last connection succeeded, or what comes after one that led nowhere.
    preferred: AtomicUsize,
    protocol: Protocol,
    identity: Option<Arc<Identity>>,
    counters: Arc<UpstreamCounters>,
    /// How long its connections live.
    pub(super) lives: Arc<Lives>,
}

/// Protocol and proof. Without TLS there is only what the document calls insecure.
enum Protocol {
    Doh {
        tls: TlsConnector,
        name: ServerName<'static>,
        uri: Uri,
    },
    /// HTTP/2 by prior knowledge (RFC 9113 section 3.3): the mesh around this machine encrypts it.
    /// One URI for each address.
    DohCleartext {
        uris: Vec<Uri>,
    },
    Dot {
        tls: TlsConnector,
        name: ServerName<'static>,
    },
    Tcp,
}

/// A connection that works, over what.
struct Reached {
    /// The place of the address.
    address: usize,
    liveness: Arc<Liveness>,
    carrier: Carrier,
    tls: Option<TlsVersion>,
}

impl Connector {
    /// Checks the document, which is at `place`.
    pub(super) fn new(
        place: &str,
        document: &UpstreamDocument,
        identities: &Identities,
        counters: &Arc<UpstreamCounters>,
    ) -> Result<Self, Error> {
        if document.addresses.is_empty() {
            let why = "give at least one address; finding DNS must not need DNS";
            return Err(Error::invalid(format!("{place}.addresses"), why));
        }
        let identity = document.client_identity.as_deref().map(|name| identities.named(name));
        let protocol = match document.protocol {
            UpstreamProtocol::Tcp => {
                check_cleartext(place, document, "tcp")?;
                Protocol::Tcp
            }
            UpstreamProtocol::DohCleartext => {
                check_cleartext(place, document, "doh_cleartext")?;
                Protocol::DohCleartext { uris: cleartext_uris(place, document)? }
            }
            protocol => {
                let config = trust::client_config(place, document, identity.clone())?;
                let (tls, name) = (TlsConnector::from(config), server_name(place, document)?);
                match protocol {
                    UpstreamProtocol::Doh => {
                        Protocol::Doh { tls, name, uri: uri(place, document)? }
                    }
                    _ => Protocol::Dot { tls, name },
                }
            }
        };
        let (addresses, preferred) = (document.addresses.clone(), AtomicUsize::new(0));
        let (counters, lives) = (Arc::clone(counters), Arc::default());
        Ok(Self { addresses, preferred, protocol, identity, counters, lives })
    }

    /// Questions that one connection takes at once, as long as the upstream has not said more.
    pub(super) fn usual_capacity(&self) -> usize {
        match self.protocol {
            Protocol::Doh { .. } | Protocol::DohCleartext { .. } => USUAL_STREAMS,
            Protocol::Dot { .. } | Protocol::Tcp => MAX_IN_FLIGHT,
        }
    }

    /// Which certificate of ours new connections show.
    pub(super) fn issue(&self) -> u64 {
        self.identity.as_ref().map_or(0, |identity| identity.issue())
    }

    /// Whether connections show this identity.
    pub(super) fn shows(&self, identity: &str) -> bool {
        self.identity.as_ref().is_some_and(|own| own.name() == identity)
    }

    /// Opens a connection at the first address where that works.
    pub(super) async fn open(self: &Arc<Self>, id: u64) -> Result<Connection, UpstreamError> {
        let issue = self.issue();
        if let Some(identity) = self.identity.as_ref().filter(|_| issue == 0) {
            let words = format!("identity {} is not installed", identity.name());
            return Err(UpstreamError::new(ErrorKind::Unreachable, words));
        }
        let Reached { address, liveness, carrier, tls } =
            timeout(MAX_CONNECTING, self.race()).await.unwrap_or_else(|_| {
                let words = format!("no connection to {} within 3 s", self.addresses[0]);
                Err(UpstreamError::new(ErrorKind::Unreachable, words))
            })?;
        let lives = Arc::clone(&self.lives);
        Ok(Connection { id, issue, address, liveness, carrier, tls, lives })
    }

    /// Tries one address after the other; the next at once when one fails, and after a while when
    /// it stays silent. Dropping the set ends what is still under way.
    async fn race(self: &Arc<Self>) -> Result<Reached, UpstreamError> {
        let first = self.preferred.load(Relaxed);
        let count = self.addresses.len();
        let mut left = (0..count).map(|step| (first + step) % count);
        let mut attempts = JoinSet::new();
        let mut worst: Option<UpstreamError> = None;
        let mut more = true;
        loop {
            match left.next() {
                Some(index) => {
                    let connector = Arc::clone(self);
                    attempts.spawn(async move { connector.attempt(index).await });
                }
                None => more = false,
            }
            let next = Instant::now() + STAGGER;
            let ended = tokio::select! {
                ended = attempts.join_next() => ended,
                () = sleep_until(next), if more => continue,
            };
            match ended {
                Some(Ok(Ok(reached))) => {
                    self.preferred.store(reached.address, Relaxed);
                    return Ok(reached);
                }
                Some(Ok(Err(error))) => {
                    if worst.as_ref().is_none_or(|old| old.kind < error.kind) {
                        worst = Some(error);
                    }
                }
                Some(Err(_)) => {}
                None if more => {}
                None => {
                    let none = || UpstreamError::new(ErrorKind::Unreachable, "connecting failed");
                    return Err(worst.unwrap_or_else(none));
                }
            }
        }
    }

    /// A connection to this address led nowhere, although it could be made: the next one comes
    /// first, unless another one does already.
    pub(super) fn pass_over(&self, address: usize) {
        let next = (address + 1) % self.addresses.len();
        let _ = self.preferred.compare_exchange(address, next, Relaxed, Relaxed);
    }

    async fn attempt(&self, index: usize) -> Result<Reached, UpstreamError> {
        let liveness = Liveness::new();
        let address = self.addresses[index];
        let connecting = |error| UpstreamError::connecting(address, &error);
        let stream = TcpStream::connect(address).await.map_err(connecting)?;
        // Queries are small and must leave at once.
        stream.set_nodelay(true).map_err(connecting)?;
        let (carrier, tls) = match &self.protocol {
            Protocol::Doh { tls, name, uri } => {
                let stream = self.secure(tls, name, address, stream).await?;
                if stream.tls().get_ref().1.alpn_protocol() != Some(b"h2") {
                    let words = format!("{address} does not speak HTTP/2");
                    return Err(UpstreamError::new(ErrorKind::Unreachable, words));
                }
                let version = version(&stream);
                let started = DohConnection::start(stream, uri.clone(), &liveness).await?;
                (Carrier::Doh(started), version)
            }
            Protocol::DohCleartext { uris } => {
                let uri = uris[index].clone();
                let started = DohConnection::start(stream, uri, &liveness).await?;
                (Carrier::Doh(started), None)
            }
            Protocol::Dot { tls, name } => {
                let stream = self.secure(tls, name, address, stream).await?;
                let version = version(&stream);
                (self.start_stream(stream, true, &liveness), version)
            }
            Protocol::Tcp => (self.start_stream(stream, false, &liveness), None),
        };
        Ok(Reached { address: index, liveness, carrier, tls })
    }

    fn start_stream<S>(
        &self,
        stream: S,
        is_authenticated: bool,
        liveness: &Arc<Liveness>,
    ) -> Carrier
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Carrier::Stream(StreamConnection::start(stream, is_authenticated, liveness, &self.counters))
    }

    async fn secure(
        &self,
        tls: &TlsConnector,
        name: &ServerName<'static>,
        address: SocketAddr,
        stream: TcpStream,
    ) -> Result<Announced<TlsStream<TcpStream>>, UpstreamError> {
        UpstreamCounters::count(&self.counters.handshakes);
        // For an address as name rustls sends no SNI, as RFC 6066 section 3 demands.
        let secured = tls.connect(name.clone(), stream).await;
        let chain = secured.as_ref().ok().and_then(|stream| stream.get_ref().1.peer_certificates());
        if let Some(leaf) = chain.and_then(<[_]>::first) {
            self.counters.showed(leaf);
        }
        secured.map(Announced::new).map_err(|error| UpstreamError::securing(address, &error))
    }
}

fn version(stream: &Announced<TlsStream<TcpStream>>) -> Option<TlsVersion> {
    TlsVersion::of(stream.tls().get_ref().1.protocol_version())
}
