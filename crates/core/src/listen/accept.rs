//! Connections: each gets a slot, its handshake, and a task that speaks its protocol.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

use super::connection_limits::ConnectionSlot;
use super::handshake::handshake;
use super::listener::Listener;
use super::listener::Protocol;
use super::peer::Peer;
use super::service::Serve;
use super::worker::Worker;
use super::{doh, mesh, stream, token};
use crate::client_identity::{ClientIdentity, Credential};
use crate::tls::Service;
use crate::transport::Transport;

/// How long to wait when the system has no room for another connection: until some have closed.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Accepts connections at one socket until the engine drains.
pub(super) async fn serve<S: Serve>(worker: Worker<S>, listener: Listener, socket: StdListener) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return worker.complain("serve a TCP socket", &error),
    };
    let drained = worker.drained();
    tokio::select! {
        () = accept(&worker, &listener, &socket) => {}
        () = drained => {}
    }
}

async fn accept<S: Serve>(worker: &Worker<S>, listener: &Listener, socket: &TcpListener) {
    loop {
        match socket.accept().await {
            Ok((tcp, client)) => {
                // Without a free slot the connection is closed: it has no other way to say no
                // before its protocol begins. The client tries again later or elsewhere.
                let options = worker.service.options();
                match worker.connection_limits.take(options, listener.protocol, client) {
                    Ok(slot) => {
                        let (worker, listener) = (worker.clone(), listener.clone());
                        tokio::spawn(connection(worker, listener, tcp, client, slot));
                    }
                    Err(closed) => {
                        worker.count_closed(listener.protocol.transport(), client.ip(), closed);
                    }
                }
            }
            Err(error) if is_about_one(&error) => {}
            Err(error) => {
                worker.complain(
                    &format!("accept a connection ({})", listener.protocol.word()),
                    &error,
                );
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
    listener: Listener,
    tcp: TcpStream,
    client: SocketAddr,
    mut slot: ConnectionSlot,
) {
    let peer =
        |transport| Peer::new(client, transport, worker.index, Arc::clone(&listener.anonymous));
    // Boxed, so that a connection takes the memory of its own protocol and not of the largest one.
    match listener.protocol {
        Protocol::Tcp => {
            let peer = peer(Transport::Tcp);
            Box::pin(stream::serve(worker, tcp, peer)).await;
        }
        Protocol::Dot => {
            let peer = peer(Transport::Dot);
            let handshake = Box::pin(handshake(&worker, &listener, tcp, Service::Dot, peer));
            let Some((tls, peer)) = handshake.await else { return };
            let peer = with_token(peer, tls.tls(), &worker.service.options().names);
            if !worker.identify(&mut slot, &peer.identity, peer.transport, peer.connection) {
                return;
            }
            Box::pin(stream::serve(worker, tls, peer)).await;
        }
        Protocol::Doh => {
            let peer = peer(Transport::Doh);
            let stream = doh::BufferedStream::new(tcp, worker.limits());
            let handshake = Box::pin(handshake(&worker, &listener, stream, Service::Doh, peer));
            let Some((tls, peer)) = handshake.await else { return };
            if !worker.identify(&mut slot, &peer.identity, peer.transport, peer.connection) {
                return;
            }
            Box::pin(doh::serve_encrypted(worker, tls, peer, slot)).await;
        }
        Protocol::DohCleartext => {
            let sidecar = Some(mesh::is_sidecar(&worker.service.options().mesh, client));
            let peer = Peer { sidecar, ..peer(Transport::Doh) };
            Box::pin(doh::serve_cleartext(worker, tcp, peer, slot)).await;
        }
        Protocol::Mesh => Box::pin(mesh::serve(worker, listener, tcp, client, &mut slot)).await,
        // A UDP socket is never accepted from.
        Protocol::Udp => {}
    }
}

/// The client with the token that it shows in the name of the server. A certificate comes first: it
/// is the better proof, and one connection speaks for one client.
fn with_token<Io>(peer: Peer, tls: &TlsStream<Io>, names: &[String]) -> Peer {
    if !matches!(peer.identity.credential, Credential::Nothing) {
        return peer;
    }
    match token::of_server_name(tls.get_ref().1.server_name(), names) {
        Credential::Nothing => peer,
        shown => Peer { identity: Arc::new(ClientIdentity::showing(shown)), ..peer },
    }
}
