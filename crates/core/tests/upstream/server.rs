//! Upstreams of the tests: real sockets, real TLS, and a script that says what they do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use keyhole_core::document::{UpstreamDocument, UpstreamProtocol};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;
use super::message::ReceivedQuery;

/// What an upstream does with one query.
#[derive(Clone, Debug)]
pub enum Does {
    /// Answers with these octets.
    Says(Vec<u8>),
    /// Answers with these messages, one after the other (streams only).
    SaysAll(Vec<Vec<u8>>),
    /// Answers with this HTTP head (DoH only).
    SaysHttp(u16, Vec<(&'static str, &'static str)>, Vec<u8>),
    /// Never answers.
    KeepsSilent,
    /// Starts an answer and then resets the connection.
    Resets,
    /// Refuses the stream (DoH only).
    Refuses,
    /// Answers with these octets and then ends the connection in order (streams only).
    SaysLast(Vec<u8>),
    /// Sends GOAWAY and then answers (DoH only).
    SaysGoodbye(Vec<u8>),
    /// Answers once the gate is open.
    Waits(watch::Receiver<bool>, Vec<u8>),
}

type Script = Arc<dyn Fn(&ReceivedQuery) -> Does + Send + Sync>;

/// A running upstream; it ends with the test's runtime.
pub struct Server {
    pub address: SocketAddr,
    pub protocol: UpstreamProtocol,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    queries: Mutex<Vec<ReceivedQuery>>,
    connections: AtomicUsize,
    /// Client certificates, one per connection that showed one.
    clients: Mutex<Vec<CertificateDer<'static>>>,
    changes: watch::Sender<usize>,
    resets: AtomicUsize,
}

/// How a server is to be made.
pub struct Setup<'a> {
    pub protocol: UpstreamProtocol,
    pub authority: &'a Authority,
    pub names: &'a [&'a str],
    pub asks_client: bool,
    /// What it agrees to by ALPN, instead of what its protocol has; empty for none.
    pub alpn: Option<&'a [u8]>,
    /// Streams that it admits at once (DoH only).
    pub streams: u32,
}

impl<'a> Setup<'a> {
    pub fn new(protocol: UpstreamProtocol, authority: &'a Authority) -> Self {
        Self {
            protocol,
            authority,
            names: &["dns.example.org"],
            asks_client: false,
            alpn: None,
            streams: 100,
        }
    }

    pub async fn run(
        self,
        script: impl Fn(&ReceivedQuery) -> Does + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.run_on(listener, script)
    }

    pub fn run_on(
        self,
        listener: TcpListener,
        script: impl Fn(&ReceivedQuery) -> Does + Send + Sync + 'static,
    ) -> Server {
        let signed = self.authority.sign(self.names);
        self.run_as(listener, &signed, script)
    }

    pub fn run_as(
        self,
        listener: TcpListener,
        signed: &super::authority::Signed,
        script: impl Fn(&ReceivedQuery) -> Does + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().unwrap();
        let usual: &[u8] = if self.protocol == UpstreamProtocol::Doh { b"h2" } else { b"dot" };
        let alpn = self.alpn.unwrap_or(usual);
        let tls = TlsAcceptor::from(self.authority.server(signed, alpn, self.asks_client));
        let (seen, script): (_, Script) = (Arc::new(Seen::default()), Arc::new(script));
        let server = Server { address, protocol: self.protocol, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = Connection {
                    number: seen.connections.fetch_add(1, SeqCst),
                    queries: AtomicUsize::new(0),
                    seen: Arc::clone(&seen),
                    script: Arc::clone(&script),
                    streams: self.streams,
                };
                tokio::spawn(connection.serve(self.protocol, tls.clone(), stream));
            }
        });
        server
    }
}

impl Server {
    /// An upstream of this kind that gives every name the address 192.0.2.`last`.
    pub async fn answering(protocol: UpstreamProtocol, authority: &Authority, last: u8) -> Self {
        let script = move |asked: &ReceivedQuery| Does::Says(asked.address(last, 300));
        Setup::new(protocol, authority).run(script).await
    }

    pub fn document(&self, authority: &Authority) -> UpstreamDocument {
        super::document(self.protocol, self.address, authority)
    }

    pub fn queries(&self) -> Vec<ReceivedQuery> {
        self.seen.queries.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    pub fn clients(&self) -> Vec<CertificateDer<'static>> {
        self.seen.clients.lock().unwrap().clone()
    }

    /// Streams that the other side reset.
    pub fn resets(&self) -> usize {
        self.seen.resets.load(SeqCst)
    }

    /// Waits until the server has seen enough.
    pub async fn until(&self, enough: impl Fn(&Self) -> bool) {
        let mut changes = self.seen.changes.subscribe();
        while !enough(self) {
            changes.changed().await.unwrap();
        }
    }
}

struct Connection {
    number: usize,
    queries: AtomicUsize,
    seen: Arc<Seen>,
    script: Script,
    streams: u32,
}

impl Connection {
    async fn serve(self, protocol: UpstreamProtocol, tls: TlsAcceptor, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        if protocol == UpstreamProtocol::Tcp {
            return self.serve_stream(stream, |stream| stream).await;
        }
        if protocol == UpstreamProtocol::DohCleartext {
            return self.serve_http(stream).await;
        }
        let Ok(stream) = tls.accept(stream).await else { return };
        if let Some(shown) = stream.get_ref().1.peer_certificates() {
            self.seen.clients.lock().unwrap().push(shown[0].clone().into_owned());
        }
        match protocol {
            UpstreamProtocol::Doh => self.serve_http(stream).await,
            _ => self.serve_stream(stream, |stream| stream.get_ref().0).await,
        }
    }

    fn note(&self, octets: Vec<u8>) -> Does {
        let mut queries = self.seen.queries.lock().unwrap();
        let (number, connection) = (queries.len(), self.number);
        let on_connection = self.queries.fetch_add(1, SeqCst);
        let asked = ReceivedQuery { octets, number, connection, on_connection };
        queries.push(asked.clone());
        drop(queries);
        self.seen.changes.send_modify(|count| *count += 1);
        (self.script)(&asked)
    }

    async fn serve_stream<S>(self, mut stream: S, socket: impl Fn(&S) -> &TcpStream)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (waiting, mut ready) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
        let mut buffer = Vec::new();
        loop {
            while let Some(message) = take_message(&mut buffer) {
                match self.note(message) {
                    Does::Says(message) => write(&mut stream, &message).await,
                    Does::SaysAll(messages) => {
                        for message in messages {
                            write(&mut stream, &message).await;
                        }
                    }
                    Does::KeepsSilent => {}
                    Does::SaysLast(message) => {
                        write(&mut stream, &message).await;
                        // The other side may have left.
                        let _ = stream.shutdown().await;
                        return;
                    }
                    Does::Resets => {
                        let _ = stream.write_all(&[0, 200, 1, 2]).await;
                        let _ = stream.flush().await;
                        let socket = socket2::SockRef::from(socket(&stream));
                        return socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
                    }
                    Does::Waits(mut gate, message) => {
                        let waiting = waiting.clone();
                        tokio::spawn(async move {
                            if gate.wait_for(|open| *open).await.is_ok() {
                                let _ = waiting.send(message);
                            }
                        });
                    }
                    other => panic!("{other:?} is not for streams"),
                }
            }
            let mut part = [0; 4096];
            tokio::select! {
                read = stream.read(&mut part) => match read {
                    Ok(count) if count > 0 => buffer.extend(&part[..count]),
                    _ => return,
                },
                Some(message) = ready.recv() => write(&mut stream, &message).await,
            }
        }
    }

    async fn serve_http<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(self.streams);
        let Ok(mut http) = builder.handshake(stream).await else { return };
        while let Some(Ok((request, mut respond))) = http.accept().await {
            assert_eq!(request.method(), http::Method::POST);
            assert_eq!(request.uri().path(), "/dns-query");
            assert_eq!(request.headers()["content-type"], "application/dns-message");
            let mut body = request.into_body();
            let mut octets = Vec::new();
            // The connection moves only while it is polled, so the body must not be awaited alone.
            loop {
                let part = tokio::select! {
                    part = body.data() => part,
                    _ = std::future::poll_fn(|context| http.poll_closed(context)) => return,
                };
                match part {
                    Some(part) => octets.extend(part.unwrap()),
                    None => break,
                }
            }
            let does = self.note(octets);
            let plain = vec![("content-type", "application/dns-message")];
            match does {
                Does::Says(message) => send(&mut respond, 200, plain, message),
                Does::SaysHttp(status, headers, body) => send(&mut respond, status, headers, body),
                Does::SaysGoodbye(message) => {
                    http.graceful_shutdown();
                    send(&mut respond, 200, plain, message);
                }
                Does::KeepsSilent => {
                    let seen = Arc::clone(&self.seen);
                    tokio::spawn(async move {
                        std::future::poll_fn(|context| respond.poll_reset(context)).await.ok();
                        seen.resets.fetch_add(1, SeqCst);
                        seen.changes.send_modify(|count| *count += 1);
                    });
                }
                Does::Resets => {
                    respond.send_reset(h2::Reason::INTERNAL_ERROR);
                    http.abrupt_shutdown(h2::Reason::INTERNAL_ERROR);
                }
                Does::Waits(mut gate, message) => {
                    tokio::spawn(async move {
                        if gate.wait_for(|open| *open).await.is_ok() {
                            send(&mut respond, 200, plain, message);
                        }
                    });
                }
                Does::Refuses => respond.send_reset(h2::Reason::REFUSED_STREAM),
                other @ (Does::SaysAll(_) | Does::SaysLast(_)) => {
                    panic!("{other:?} is not for HTTP")
                }
            }
        }
    }
}

fn send(
    respond: &mut h2::server::SendResponse<Bytes>,
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
) {
    let mut response = Response::builder().status(status);
    for (header, value) in headers {
        response = response.header(header, value);
    }
    // The other side may have reset the stream.
    if let Ok(mut stream) = respond.send_response(response.body(()).unwrap(), false) {
        let _ = stream.send_data(body.into(), true);
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, message: &[u8]) {
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend(message);
    // The other side may have left.
    let _ = stream.write_all(&framed).await;
    let _ = stream.flush().await;
}

fn take_message(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = 2 + usize::from(u16::from_be_bytes(*buffer.first_chunk()?));
    (buffer.len() >= length).then(|| buffer.drain(..length).skip(2).collect())
}
