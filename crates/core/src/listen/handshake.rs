//! The TLS handshake: its terms follow from listener and server name; its end is counted, and
//! written into the query log where it was refused.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::Listener;
use super::peer::Peer;
use super::service::Serve;
use super::worker::Worker;
use crate::close_notify::{Announced, SendNow};
use crate::connections::{Handshake, HandshakeFailure, reason_of};
use crate::events::RefusedHandshake;
use crate::options::ClientCertificates;
use crate::spiffe_id::SpiffeId;
use crate::tls::{Service, Terms};
use crate::tls_version::TlsVersion;

/// The TLS handshake, and the client with the certificate that it has proved to own. None when the
/// client fails it or takes too long: the reason went to the client as an alert.
pub(super) async fn handshake<S: Serve, Io: AsyncRead + AsyncWrite + SendNow + Unpin>(
    worker: &Worker<S>,
    listener: &Listener,
    io: Io,
    service: Service,
    peer: Peer,
) -> Option<(Announced<TlsStream<Io>>, Peer)> {
    let limit = Duration::from_millis(worker.limits().read_ms);
    let mut agreed = None;
    let finish = finish(worker, listener, io, service, &mut agreed);
    let finished = tokio::select! {
        finished = tokio::time::timeout(limit, finish) => finished,
        // Nothing was asked yet, so that there is nothing to finish.
        () = worker.drained() => return None,
    };
    let shown = agreed.as_ref().and_then(|agreed| agreed.terms.shown());
    let refusal = shown.and_then(|shown| shown.as_ref().err().copied());
    let finished = match (finished, refusal) {
        (_, Some(refusal)) => Err(Handshake::Refused(refusal)),
        (Ok(Ok(tls)), None) => Ok(tls),
        (Ok(Err(error)), None) => {
            let is_ready = worker.service.tls().is_ready();
            Err(Handshake::Failed(failure(&error, agreed.is_some(), is_ready)))
        }
        (Err(_), None) => Err(Handshake::Failed(HandshakeFailure::Late)),
    };
    let connections = worker.service.connections();
    let tls = match finished {
        Ok(tls) => tls,
        Err(ended) => {
            connections.count_handshake(ended);
            let claimed = agreed.as_ref().and_then(|agreed| agreed.terms.claimed());
            record(worker, &peer, ended, claimed);
            return None;
        }
    };
    let certificates = agreed.as_ref().map(|agreed| agreed.certificates);
    let version = TlsVersion::of(tls.tls().get_ref().1.protocol_version());
    let peer = Peer { certificates, tls: version, ..peer };
    let Some(Ok(svid)) = shown else {
        connections.count_handshake(Handshake::WithoutCertificate);
        return Some((tls, peer));
    };
    connections.count_handshake(Handshake::WithCertificate);
    Some((tls, peer.with_certificate(svid)))
}

fn failure(error: &io::Error, has_begun: bool, is_ready: bool) -> HandshakeFailure {
    match HandshakeFailure::of(error, has_begun) {
        HandshakeFailure::Other if !is_ready => HandshakeFailure::NotReady,
        failure => failure,
    }
}

/// Writes a refused handshake into the query log.
fn record<S: Serve>(worker: &Worker<S>, peer: &Peer, ended: Handshake, claimed: Option<&SpiffeId>) {
    let (reason, detail) = match ended {
        Handshake::Refused(refusal) => (Some(reason_of(refusal)), refusal.word()),
        Handshake::Failed(failure) => (failure.reason(), failure.word()),
        Handshake::WithCertificate | Handshake::WithoutCertificate => return,
    };
    let Some(reason) = reason else { return };
    let (transport, client) = (peer.transport, peer.connection);
    let refused = RefusedHandshake { transport, client, reason, detail, claimed };
    worker.service.record_handshake(&refused);
}

/// What holds for one handshake, once its client has said which server it wants.
struct Agreed {
    terms: Terms,
    certificates: ClientCertificates,
}

/// Reads what the client wants, sets the terms by it and goes through with the handshake.
async fn finish<S: Serve, Io: AsyncRead + AsyncWrite + SendNow + Unpin>(
    worker: &Worker<S>,
    listener: &Listener,
    io: Io,
    service: Service,
    agreed: &mut Option<Agreed>,
) -> io::Result<Announced<TlsStream<Io>>> {
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), io);
    let start = match (&mut acceptor).await {
        Ok(start) => start,
        Err(error) => {
            if let Some(io) = acceptor.take_io() {
                send_alert(io).await;
            }
            return Err(error);
        }
    };
    let options = worker.service.options();
    let asked = start.client_hello().server_name().map(str::to_owned);
    let by_name = options.client_certificates.of_name(asked.as_deref(), &options.names);
    let certificates = by_name.unwrap_or(listener.certificates);
    let terms = worker.service.tls().terms(service, certificates);
    let config = Arc::clone(&terms.config);
    *agreed = Some(Agreed { terms, certificates });
    match start.into_stream(config).into_fallible().await {
        Ok(tls) => Ok(Announced::new(tls)),
        Err((error, io)) => {
            send_alert(io).await;
            Err(error)
        }
    }
}

/// The alert is written but may not be sent yet. If it cannot be, the client has gone.
async fn send_alert<Io: AsyncWrite + Unpin>(mut io: Io) {
    let _ = io.flush().await;
}
