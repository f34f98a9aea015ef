//! The listeners: UDP, TCP, DNS over TLS, DNS over HTTPS, and TCP behind a sidecar.
//!
//! Each worker has its own runtime and its own sockets for every address; nothing is handed from
//! one worker to another. A listener reads all there is, answers in place what can be answered and
//! writes once. What has to wait goes on in a task and is written when it comes.
//!
//! | standard | where |
//! |---|---|
//! | RFC 1035 section 4.2 (UDP, TCP) | [`udp`], [`frames`] |
//! | RFC 7766 (DNS over TCP), RFC 7858 (over TLS) | [`stream`] |
//! | RFC 8484 (DNS over HTTPS) | [`doh`] |
//! | RFC 9715 (no fragments) | [`udp_batch`] |
//! | PROXY protocol version 2 | [`proxy_protocol`] |

mod accept;
mod bind;
mod bind_hints;
mod connection_limits;
pub mod doh;
mod frames;
mod handshake;
mod listener;
mod mesh;
mod peer;
pub mod proxy_protocol;
mod reset;
mod service;
mod stream;
mod timeouts;
mod token;
mod udp;
mod udp_batch;
mod worker;
mod write_buffer;
mod xfcc;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use bind::{Bound, WorkerSockets};
pub use connection_limits::ConnectionLimits;
pub use service::Serve;

use bind::StreamSocket;
use listener::{Listener, Protocol};
use worker::Worker;

use crate::options::ClientCertificates;

/// Serves the sockets of one worker on the current runtime, which must have one thread.
///
/// Ends some time after `drain` has turned true: nothing new is accepted then, and what is under
/// way is finished. The caller sets the deadline by dropping the future.
pub async fn serve<S: Serve>(
    service: Arc<S>,
    sockets: WorkerSockets,
    connection_limits: Arc<ConnectionLimits>,
    index: usize,
    drain: watch::Receiver<bool>,
) {
    let (alive, mut ended) = mpsc::channel(1);
    let worker = Worker { service, connection_limits, index, drain, alive };
    let listener = |protocol, certificates, address: std::io::Result<SocketAddr>| {
        // Without an address, what is demanded is what is demanded of strangers.
        let address = address.map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        let options = worker.service.options();
        Listener { certificates, ..Listener::new(protocol, address, options) }
    };
    for socket in sockets.udp {
        let listener = listener(Protocol::Udp, ClientCertificates::Never, socket.local_addr());
        tokio::spawn(udp::serve(worker.clone(), listener, socket));
    }
    for StreamSocket { protocol, certificates, socket } in sockets.streams {
        let listener = listener(protocol, certificates, socket.local_addr());
        tokio::spawn(accept::serve(worker.clone(), listener, socket));
    }
    drop(worker);
    // Nothing is ever sent: the channel closes when the last task has dropped its end.
    let _ = ended.recv().await;
}

#[cfg(test)]
mod tests;
