//! DNS over HTTPS (RFC 8484).
//!
//! | standard | where |
//! |---|---|
//! | RFC 8484 section 4.1 (request) | [`request`] |
//! | RFC 9112 section 3.2 (Host) | [`request_head`] |
//! | RFC 8484 sections 4.2.1, 5.1 (response, freshness) | [`response`] |
//! | RFC 9113 (HTTP/2) | [`http2`] |
//! | RFC 9112 (HTTP/1.1) | [`http1`] |
//! | W3C Trace Context section 3.2 | [`traceparent`] |

mod base64url;
mod buffered_stream;
mod client_identity;
mod date;
mod detect_version;
mod discarded_body;
mod http1;
mod http2;
mod misdirected;
mod pending_body;
pub mod request;
mod request_body;
mod request_head;
mod responder;
mod response;
mod traceparent;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::connection_limits::ConnectionSlot;
use super::peer::Peer;
use super::service::Serve;
use super::worker::Worker;
use crate::close_notify::Announced;
pub(super) use buffered_stream::BufferedStream;

/// Serves a connection in the protocol that the handshake agreed on; without ALPN that is
/// HTTP/1.1, because RFC 9113 section 3.2 asks for `h2` to be named.
pub(super) async fn serve_encrypted<S: Serve>(
    worker: Worker<S>,
    mut tls: Announced<TlsStream<BufferedStream>>,
    peer: Peer,
    slot: ConnectionSlot,
) {
    let (stream, session) = tls.tls_mut().get_mut();
    let control = stream.control();
    if session.alpn_protocol() == Some(b"h2") {
        http2::serve(worker, tls, control, peer, slot).await;
    } else {
        stream.watch_requests();
        http1::serve(worker, tls, control, peer, slot).await;
    }
}

/// Serves a connection of a sidecar on this machine. The client's first octets say whether it is
/// HTTP/2 with prior knowledge (RFC 9113 section 3.3) or HTTP/1.1. An HTTP/1.1 request to upgrade
/// to `h2c` is answered as if it did not ask (RFC 9113 section 3.1 withdrew the upgrade).
pub(super) async fn serve_cleartext<S: Serve>(
    worker: Worker<S>,
    tcp: TcpStream,
    peer: Peer,
    slot: ConnectionSlot,
) {
    let Some((is_http2, begun)) = detect_version::detect(&worker, &tcp).await else { return };
    let mut stream = BufferedStream::resumed(tcp, begun, worker.limits());
    let control = stream.control();
    if is_http2 {
        http2::serve(worker, stream, control, peer, slot).await;
    } else {
        stream.watch_requests();
        http1::serve(worker, stream, control, peer, slot).await;
    }
}
