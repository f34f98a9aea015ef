//! The TLS handshake: its terms follow from listener and server name, its end is counted.

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
use crate::connections::Handshake;
use crate::options::ClientCertificates;
use crate::tls::{Service, Terms};

/// The TLS handshake, and the client with the certificate that it has proved to own. None when the
/// client fails it or takes too long: the reason went to the client as an alert.
pub(super) async fn handshake<S: Serve, Io: AsyncRead + AsyncWrite + Unpin>(
    worker: &Worker<S>,
    listener: &Listener,
    io: Io,
    service: Service,
    peer: Peer,
) -> Option<(TlsStream<Io>, Peer)> {
    let limit = Duration::from_millis(worker.limits().read_ms);
    let mut agreed = None;
    let finish = finish(worker, listener, io, service, &mut agreed);
    let finished = tokio::select! {
        finished = tokio::time::timeout(limit, finish) => finished.ok().and_then(Result::ok),
        // Nothing was asked yet, so that there is nothing to finish.
        () = worker.drained() => return None,
    };
    let peer = Peer { certificates: agreed.as_ref().map(|agreed| agreed.certificates), ..peer };
    let shown = agreed.as_ref().and_then(|agreed| agreed.terms.shown());
    let (ended, accepted) = match (finished, shown) {
        (_, Some(Err(refusal))) => (Handshake::Refused(*refusal), None),
        (None, _) => (Handshake::Failed, None),
        (Some(tls), None) => (Handshake::WithoutCertificate, Some((tls, peer))),
        (Some(tls), Some(Ok(svid))) => {
            (Handshake::WithCertificate, Some((tls, peer.with_certificate(svid))))
        }
    };
    worker.service.connections().count_handshake(ended);
    accepted
}

/// What holds for one handshake, once its client has said which server it wants.
struct Agreed {
    terms: Terms,
    certificates: ClientCertificates,
}

/// Reads what the client wants, sets the terms by it and goes through with the handshake.
async fn finish<S: Serve, Io: AsyncRead + AsyncWrite + Unpin>(
    worker: &Worker<S>,
    listener: &Listener,
    io: Io,
    service: Service,
    agreed: &mut Option<Agreed>,
) -> io::Result<TlsStream<Io>> {
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
        Ok(tls) => Ok(tls),
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
