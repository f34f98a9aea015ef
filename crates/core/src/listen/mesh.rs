//! The mesh listener: DNS over TCP behind a sidecar that has authenticated the client.
//!
//! The sidecar says who that is in a header of PROXY protocol v2 before the first octet. Only
//! sidecars that are listed may say so, and only of trust domains that are listed. A connection
//! that is closed before it has said anything is normal: a sidecar opens one as soon as its own
//! client connects, whether or not that gets through the handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::connection_limits::ConnectionSlot;
use super::listener::Listener;
use super::peer::Peer;
use super::proxy_protocol::{self, FIXED, Header, MAX_REST, SIGNATURE};
use super::service::Serve;
use super::stream;
use super::worker::Worker;
use crate::client_identity::{ClientIdentity, Credential};
use crate::connections::MeshHandshake;
use crate::options::MeshOptions;
use crate::spiffe_id::SpiffeId;
use crate::transport::Transport;

/// Serves a connection of a sidecar; one of anybody else, or with another beginning, is closed.
pub(super) async fn serve<S: Serve>(
    worker: Worker<S>,
    listener: Listener,
    mut tcp: TcpStream,
    sidecar: SocketAddr,
    slot: &mut ConnectionSlot,
) {
    let mut header = Box::new([0; FIXED + MAX_REST]);
    let read = tokio::select! {
        read = read_header(&worker, &mut tcp, sidecar, &mut header) => read,
        // Nothing was asked yet, so that there is nothing to finish.
        () = worker.drained() => return,
    };
    let peer = Peer::new(sidecar, Transport::Mesh, worker.index, listener.anonymous);
    let (handshake, peer) = match read {
        Err(handshake) => (handshake, None),
        Ok(Header::Local) => (MeshHandshake::Local, Some(peer)),
        Ok(Header::Proxied { source, identity }) => {
            let shown = identity.map(|text| credential(text, &worker.service.options().mesh));
            let handshake = match shown {
                None => MeshHandshake::Unidentified,
                Some(Credential::Mesh(_)) => MeshHandshake::Identified,
                Some(_) => MeshHandshake::Unreadable,
            };
            let peer = Peer { client: source, ..peer };
            let peer = match shown {
                Some(shown) => Peer { identity: Arc::new(ClientIdentity::showing(shown)), ..peer },
                None => peer,
            };
            (handshake, Some(peer))
        }
    };
    drop(header);
    worker.service.connections().count_mesh_handshake(handshake);
    if let Some(reason) = handshake.reason() {
        worker.record_refusal(Transport::Mesh, sidecar.ip(), reason, handshake.word());
    }
    let may_go_on =
        |peer: &Peer| worker.identify(slot, &peer.identity, peer.transport, peer.connection);
    if let Some(peer) = peer.filter(may_go_on) {
        Box::pin(stream::serve(worker, tcp, peer)).await;
    }
}

/// What a sidecar says of its client. An identity that it may not name is unreadable.
pub(super) fn credential(identity: &[u8], mesh: &MeshOptions) -> Credential {
    let id = std::str::from_utf8(identity).ok().and_then(SpiffeId::read);
    id.filter(|id| may_name(mesh, id)).map_or(Credential::Unreadable, Credential::Mesh)
}

/// Whether sidecars may name this identity.
pub(super) fn may_name(mesh: &MeshOptions, id: &SpiffeId) -> bool {
    mesh.trust_domains.iter().any(|domain| domain == id.trust_domain())
}

/// Whether an address is that of a sidecar.
pub(super) fn is_sidecar(mesh: &MeshOptions, address: SocketAddr) -> bool {
    mesh.lists(address.ip())
}

/// Reads the header, or says how else the connection began.
async fn read_header<'h, S: Serve>(
    worker: &Worker<S>,
    tcp: &mut TcpStream,
    sidecar: SocketAddr,
    header: &'h mut [u8; FIXED + MAX_REST],
) -> Result<Header<'h>, MeshHandshake> {
    if !is_sidecar(&worker.service.options().mesh, sidecar) {
        return Err(MeshHandshake::UntrustedPeer);
    }
    let limit = Duration::from_millis(worker.limits().read_ms);
    let mut count = 0;
    let read = tokio::time::timeout(limit, read(tcp, header, &mut count)).await;
    match read {
        _ if count == 0 => Err(MeshHandshake::Silent),
        Err(_) => Err(MeshHandshake::LateHeader),
        Ok(None) => Err(MeshHandshake::MalformedHeader),
        Ok(Some(())) => {
            let (fixed, follows) =
                header.split_first_chunk().ok_or(MeshHandshake::MalformedHeader)?;
            let follows = &follows[..count - FIXED];
            proxy_protocol::read(fixed, follows).map_err(|_| MeshHandshake::MalformedHeader)
        }
    }
}

/// Reads as many octets as the header has and not one more: they are not ours to keep. None when it
/// cannot become a header any more.
async fn read(
    tcp: &mut TcpStream,
    header: &mut [u8; FIXED + MAX_REST],
    count: &mut usize,
) -> Option<()> {
    let mut wanted = FIXED;
    while *count < wanted {
        match tcp.read(&mut header[*count..wanted]).await {
            Ok(0) | Err(_) => return None,
            Ok(more) => *count += more,
        }
        // Told at once: version 1 may be shorter than the fixed part of version 2.
        let begun = (*count).min(SIGNATURE.len());
        if header[..begun] != SIGNATURE[..begun] {
            return None;
        }
        if wanted == FIXED && *count == FIXED {
            wanted += proxy_protocol::rest(header.first_chunk()?).ok()?;
        }
    }
    Some(())
}
