//! Listeners on loopback with a service behind them that does what the query says.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::client::WantsClientCert;
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::sync::{oneshot, watch};

use super::super::{Bound, ConnectionLimits, Serve, serve};
use crate::Reason;
use crate::arrival::Arrival;
use crate::client_identity::Credential;
use crate::connections::Connections;
use crate::document::{TrustDocument, TrustDomainDocument};
use crate::events::RefusedHandshake;
use crate::faults::Faults;
use crate::options::{
    AuthenticationOptions, CacheOptions, ClientCertificateOptions, ClientCertificates, Limits,
    Listen, MeshOptions, OPTIONS_VERSION, Options, Role,
};
use crate::pipeline::{Progress, ReplyInfo};
use crate::shares::Full;
use crate::tls::ServerTls;
use crate::trust::Trust;
use crate::trust::authority::{Authority, Shown};

/// How long a test waits for what has to happen before it fails.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Does what the octets after the header of a query say: `hold` waits until it is released, `drop`
/// gets no answer, `burst` panics while it waits, `big N` gets an answer of N octets, `who` is told
/// who asks, `revoked` closes the connection. All others, and those that were held, come back with
/// their response bit set.
pub(super) struct Obedient {
    options: Options,
    pub(super) tls: ServerTls,
    pub(super) connections: Connections,
    /// Reason, detail and claimed identity of each refused handshake.
    pub(super) refused: Mutex<Vec<(Reason, &'static str, Option<String>)>>,
    /// Whose shares were used up when something was turned away.
    pub(super) over_shares: Mutex<Vec<Full>>,
    held: Mutex<HashMap<u16, oneshot::Sender<()>>>,
    changed: Condvar,
}

impl Obedient {
    pub(super) fn new(options: Options) -> Self {
        let tls = ServerTls::new().unwrap();
        let connections = Connections::default();
        let (held, refused, changed) = (Mutex::default(), Mutex::default(), Condvar::new());
        let over_shares = Mutex::default();
        Self { options, tls, connections, refused, over_shares, held, changed }
    }

    /// Waits until so many queries are held.
    pub(super) fn until_held(&self, count: usize) {
        let held = self.held.lock().unwrap();
        let waited =
            self.changed.wait_timeout_while(held, READ_TIMEOUT, |held| held.len() != count);
        let (held, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "{} queries are held, not {count}", held.len());
    }

    /// Lets a held query be answered.
    pub(super) fn release(&self, id: u16) {
        self.held.lock().unwrap().remove(&id).unwrap().send(()).unwrap();
    }
}

pub(super) struct Held {
    released: oneshot::Receiver<()>,
    answer: Vec<u8>,
}

impl Serve for Obedient {
    type Waiting = Held;

    fn options(&self) -> &Options {
        &self.options
    }

    fn tls(&self) -> &ServerTls {
        &self.tls
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn record_handshake(&self, refused: &RefusedHandshake<'_>) {
        let claimed = refused.claimed.map(ToString::to_string);
        self.refused.lock().unwrap().push((refused.reason, refused.detail, claimed));
    }

    fn over_share(&self, _worker: usize, full: Full) {
        self.over_shares.lock().unwrap().push(full);
    }

    fn begin(&self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress<Held> {
        let mut answer = arrival.packet.to_vec();
        answer[2] |= 0x80;
        let said = std::str::from_utf8(&arrival.packet[12..]).unwrap_or_default();
        if said == "drop" {
            return Progress::Dropped;
        }
        if said == "hold" || said == "burst" {
            let (sender, released) = oneshot::channel();
            self.held.lock().unwrap().insert(id_of(arrival.packet), sender);
            self.changed.notify_all();
            return Progress::Waiting(Held { released, answer });
        }
        if let Some(octets) = said.strip_prefix("big ") {
            answer.resize(octets.parse().unwrap(), 0);
        }
        if said == "who" {
            answer.extend_from_slice(who(arrival).as_bytes());
        }
        out.extend_from_slice(&answer);
        Progress::Replied(ReplyInfo { ttl: 60, closes: said == "revoked", is_private: false })
    }

    async fn complete(&self, held: Held, out: &mut Vec<u8>) -> Option<ReplyInfo> {
        held.released.await.ok()?;
        assert!(!held.answer.ends_with(b"burst"), "this query is made to panic");
        out.extend_from_slice(&held.answer);
        Some(ReplyInfo { ttl: 7, closes: false, is_private: false })
    }
}

/// Who asks, as the listener found out.
fn who(arrival: &Arrival<'_>) -> String {
    let shown = match &arrival.sender.identity.credential {
        Credential::Nothing if arrival.sender.identity.by_network => "network".to_owned(),
        Credential::Nothing => "nobody".to_owned(),
        Credential::Certificate(svid) if svid.expired => format!("expired {}", svid.id),
        Credential::Certificate(svid) => format!("certificate {}", svid.id),
        Credential::Mesh(id) => format!("mesh {id}"),
        Credential::Token(hash) => format!("token {:02x}{:02x}", hash[0], hash[1]),
        Credential::Unreadable => "unreadable".to_owned(),
    };
    let (transport, client, connection) =
        (arrival.sender.transport, arrival.sender.client, arrival.sender.connection);
    format!("{transport:?} {} via {connection}: {shown}", client.ip())
}

/// A query with this id that says this.
pub(super) fn query(id: u16, said: &str) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet[..2].copy_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(said.as_bytes());
    packet
}

/// The answer to [`query`].
pub(super) fn answer(id: u16, said: &str) -> Vec<u8> {
    let mut packet = query(id, said);
    packet[2] |= 0x80;
    packet
}

pub(super) fn id_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[0], packet[1]])
}

/// A message with its length before it.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

/// Limits so wide that no test meets one by chance.
pub(super) fn limits() -> Limits {
    Limits {
        connections: 1000,
        connections_per_client: 1000,
        connections_per_identity: 1000,
        connections_unserved: 1000,
        new_connections_per_network: 100000,
        new_connections_per_identity: 100000,
        queries_per_connection: 1000,
        waiting: 1000,
        waiting_per_identity: 1000,
        waiting_per_network: 1000,
        streams_per_connection: 100,
        open_requests: 20_000,
        open_requests_per_identity: 1_000,
        open_requests_per_network: 2_000,
        idle_ms: 60_000,
        read_ms: 60_000,
        write_ms: 60_000,
        header_octets: 8192,
        query_ms: 60_000,
        udp_octets: 1232,
        udp_allowance: 64 * 1_024,
    }
}

/// One free port of 127.0.0.1 for each transport.
pub(super) fn options() -> Options {
    let free = || vec!["127.0.0.1:0".parse().unwrap()];
    Options {
        version: OPTIONS_VERSION,
        role: Role::Resolver,
        workers: 1,
        listen: Listen {
            udp: free(),
            tcp: free(),
            dot: free(),
            doh: free(),
            doh_cleartext: free(),
            mesh: free(),
            doh_path: "/dns-query".to_owned(),
        },
        clients: crate::network::Network::all().into(),
        authentication: AuthenticationOptions::default(),
        client_certificates: ClientCertificateOptions {
            doh: ClientCertificates::Ask,
            ..ClientCertificateOptions::default()
        },
        mesh: MeshOptions {
            peers: vec!["127.0.0.0/8".parse().unwrap()],
            trust_domains: vec!["keyhole.lab".to_owned()],
        },
        names: Vec::new(),
        events: 0,
        limits: limits(),
        own_mark: String::new(),
        counts: None,
        traces: None,
        cache: CacheOptions {
            octets: 0,
            min_ttl: 0,
            max_ttl: 0,
            max_negative_ttl: 0,
            failure_ttl: 1,
            stale: 0,
            prefetch: false,
        },
    }
}

/// Running listeners.
pub(super) struct World {
    pub(super) service: Arc<Obedient>,
    pub(super) limits: Arc<ConnectionLimits>,
    /// The certificate installed last, which clients trust.
    pub(super) certificate: CertificateDer<'static>,
    addresses: serde_json::Value,
    drain: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

impl World {
    /// Listeners with wide limits.
    pub(super) fn start() -> Self {
        Self::with(|_| ())
    }

    /// Listeners with limits as set.
    pub(super) fn with_limits(set: impl FnOnce(&mut Limits)) -> Self {
        Self::with(|options| set(&mut options.limits))
    }

    /// Listeners with options as set.
    pub(super) fn with(set: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        set(&mut options);
        let mut bound = Bound::bind(&options).unwrap();
        let limits = Arc::new(ConnectionLimits::new(&options.limits));
        let (drain, drained) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Obedient::new(options));
        let start = |index| {
            let sockets = bound.take(index);
            let (service, limits) = (Arc::clone(&service), Arc::clone(&limits));
            let (drained, mut stopped) = (drained.clone(), stopped.clone());
            std::thread::spawn(move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                runtime.enable_all().build().unwrap().block_on(async {
                    tokio::select! {
                        () = serve(service, sockets, limits, index, drained) => {}
                        _ = stopped.wait_for(|stop| *stop) => {}
                    }
                });
            })
        };
        let workers = (0..service.options.workers).map(start).collect();
        let addresses = bound.addresses();
        let certificate = CertificateDer::from(Vec::new());
        let mut world = Self { service, limits, certificate, addresses, drain, stop, workers };
        world.renew_certificate();
        world
    }

    /// Installs a new certificate.
    pub(super) fn renew_certificate(&mut self) {
        let names = ["localhost", "dns.example.org", "*.dns.example.org"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        self.service.tls.install(certificate.as_bytes(), key.as_bytes()).unwrap();
        self.certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    }

    /// Believes this authority about `keyhole.lab`.
    pub(super) fn trusted_sidecar(&self, root: &Authority) {
        let (name, origin) = ("keyhole.lab".to_owned(), "test".to_owned());
        let domain = TrustDomainDocument { name, bundle: root.pem(), crls: String::new(), origin };
        let document = TrustDocument { domains: vec![domain], ..Default::default() };
        self.service.tls.trust(Arc::new(Trust::compile(document, &mut Faults::default())));
    }

    /// What was counted of connections.
    pub(super) fn counted(&self) -> serde_json::Value {
        self.service.connections.document()
    }

    /// The first address of a transport.
    pub(super) fn address(&self, transport: &str) -> SocketAddr {
        self.addresses[transport][0].as_str().unwrap().parse().unwrap()
    }

    /// A connection whose reads and writes fail when they take too long.
    pub(super) fn connect(&self, transport: &str) -> TcpStream {
        let stream = TcpStream::connect(self.address(transport)).unwrap();
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(READ_TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// What a client needs that trusts the certificate installed last.
    pub(super) fn client(&self, protocols: &[&str]) -> ClientConfig {
        let mut config = self.trusting(rustls::ALL_VERSIONS).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// The same for a client that shows a certificate.
    pub(super) fn client_showing(&self, shown: &Shown, protocols: &[&str]) -> ClientConfig {
        let mut config = self
            .trusting(rustls::ALL_VERSIONS)
            .with_client_auth_cert(shown.chain.clone(), shown.key.clone_key())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// A client that trusts the certificate installed last, without a certificate of its own yet.
    pub(super) fn trusting(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
    }

    /// A TLS connection; the handshake happens with the first read or write.
    pub(super) fn connect_tls(
        &self,
        transport: &str,
        config: ClientConfig,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        self.connect_named(transport, config, "localhost")
    }

    /// The same to a server of this name.
    pub(super) fn connect_named(
        &self,
        transport: &str,
        config: ClientConfig,
        name: &str,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(session, self.connect(transport))
    }

    /// Tells the listeners to end.
    pub(super) fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until all workers have ended by themselves.
    pub(super) fn until_ended(&mut self) {
        for worker in self.workers.drain(..) {
            until(|| worker.is_finished());
            worker.join().unwrap();
        }
    }

    /// Waits until so many connections are open.
    pub(super) fn until_open(&self, count: usize) {
        until(|| self.limits.open() == count);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

/// Waits for something that no socket tells.
pub(super) fn until(mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < READ_TIMEOUT, "this never happened");
        std::thread::yield_now();
    }
}

/// Reads one framed message.
pub(super) fn read_message(stream: &mut impl Read) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    message
}

/// Asks over a stream and waits for the answer.
pub(super) fn exchange(stream: &mut (impl Read + Write), message: &[u8]) -> Vec<u8> {
    stream.write_all(&framed(message)).unwrap();
    read_message(stream)
}

/// Asserts that the other side has closed, and sends nothing more.
pub(super) fn assert_closed(stream: &mut impl Read) {
    let mut octets = [0; 1024];
    match stream.read(&mut octets) {
        Ok(count) => assert_eq!(count, 0, "{:?}", &octets[..count]),
        Err(error) => assert!(is_close(&error), "{error}"),
    }
}

/// Whether an error says that the other side has closed, and not that it took too long.
pub(super) fn is_close(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
