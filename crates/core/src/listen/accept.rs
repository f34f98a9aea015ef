//! Connections: each gets a place, its handshake, and a task that speaks its protocol.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::bind::Door;
use super::doh;
use super::service::Serve;
use super::stream;
use super::worker::{Peer, Worker};
use crate::stages::receive::Transport;
use crate::tls::Service;

/// How long to wait when the system has no room for another connection: until some have closed.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Accepts connections at one socket until the engine drains.
pub(super) async fn serve<S: Serve>(worker: Worker<S>, door: Door, listener: StdListener) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return worker.complain("serve a TCP socket", &error),
    };
    let drained = worker.drained();
    tokio::select! {
        () = accept(&worker, door, &listener) => {}
        () = drained => {}
    }
}

async fn accept<S: Serve>(worker: &Worker<S>, door: Door, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, client)) => {
                // No place is refused by closing: a connection has no other way to say no before
                // its protocol begins. The client tries again later or elsewhere.
                let Some(place) = worker.shared.take(client.ip()) else { continue };
                let worker = worker.clone();
                tokio::spawn(async move {
                    connection(worker, door, tcp, client).await;
                    drop(place);
                });
            }
            Err(error) if is_about_one(&error) => {}
            Err(error) => {
                worker.complain(&format!("accept a connection ({})", door.word()), &error);
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

/// Errors of the connection that would have been accepted, not of the listener (accept(2)).
fn is_about_one(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

async fn connection<S: Serve>(
    worker: Worker<S>,
    door: Door,
    tcp: TcpStream,
    client: std::net::SocketAddr,
) {
    let peer = |transport| Peer { client, transport, worker: worker.index };
    // Boxed, so that a connection takes the memory of its own protocol and not of the largest one.
    match door {
        Door::Tcp => {
            let peer = peer(Transport::Tcp);
            Box::pin(stream::serve(worker, tcp, peer)).await;
        }
        Door::Dot => {
            let peer = peer(Transport::Dot);
            let handshake = Box::pin(handshake(&worker, tcp, Service::Dot));
            let Some(tls) = handshake.await else { return };
            Box::pin(stream::serve(worker, tls, peer)).await;
        }
        Door::Doh => {
            let peer = peer(Transport::Doh);
            let link = doh::Link::new(tcp, worker.limits());
            let handshake = Box::pin(handshake(&worker, link, Service::Doh));
            let Some(tls) = handshake.await else { return };
            Box::pin(doh::serve_encrypted(worker, tls, peer)).await;
        }
        Door::DohCleartext => {
            let peer = peer(Transport::Doh);
            Box::pin(doh::serve_cleartext(worker, tcp, peer)).await;
        }
        // A UDP socket is never accepted from.
        Door::Udp => {}
    }
}

/// The TLS handshake, or none when the client fails it or takes too long. The reason went to the
/// client as an alert; nobody else is concerned.
async fn handshake<S: Serve, Io: AsyncRead + AsyncWrite + Unpin>(
    worker: &Worker<S>,
    io: Io,
    service: Service,
) -> Option<TlsStream<Io>> {
    let limit = Duration::from_millis(worker.limits().read_ms);
    let acceptor = TlsAcceptor::from(worker.service.tls().config(service));
    tokio::select! {
        finished = tokio::time::timeout(limit, acceptor.accept(io)) => finished.ok()?.ok(),
        // Nothing was asked yet, so that there is nothing to finish.
        () = worker.drained() => None,
    }
}
