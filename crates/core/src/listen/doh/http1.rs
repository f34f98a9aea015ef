//! DoH over HTTP/1.1 (RFC 9112), for clients that have nothing better.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::connection_limits::ConnectionSlot;
use super::super::peer::Peer;
use super::super::service::Serve;
use super::super::worker::Worker;
use super::buffered_stream::Control;
use super::client_identity;
use super::misdirected::is_misdirected;
use super::request::{self, HttpError, MESSAGE, MessageLocation};
use super::request_head;
use super::response;
use super::traceparent::trace_of;
use crate::client_identity::ClientIdentity;
use crate::pipeline::Progress;
use crate::shares::Place;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The smallest buffer that the library accepts, in octets.
const MIN_BUFFER: usize = 8192;

/// Serves a connection until one side ends it.
pub(super) async fn serve<S: Serve, Io>(
    worker: Worker<S>,
    io: Io,
    control: Control,
    peer: Peer,
    slot: ConnectionSlot,
) where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = worker.limits().clone();
    let over = peer.over(&worker);
    let slot = Arc::new(Mutex::new(Slot { slot, is_identified: false }));
    let exchange = Exchange { worker, peer: Arc::new(peer), control, slot };
    let connection = Builder::new()
        .timer(TokioTimer::new())
        // This clock also runs while nothing is asked; a request that has begun is watched by the
        // stream, which is the stricter of the two.
        .header_read_timeout(Duration::from_millis(limits.idle_ms))
        .max_buf_size(MIN_BUFFER.max(limits.header_octets as usize))
        // As they arrive, blanks included, and the trailers of a body as well.
        .max_header_size(limits.header_octets as usize)
        .half_close(true)
        .serve_connection(
            TokioIo::new(io),
            service_fn(move |request| {
                let exchange = exchange.clone();
                async move { Ok::<_, Infallible>(exchange.respond(request).await) }
            }),
        );
    let mut connection = pin!(connection);
    // How it ended concerns its client alone, who knows.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = over => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The slot of the connection, and whether it counts for the client that a request has named.
struct Slot {
    slot: ConnectionSlot,
    is_identified: bool,
}

/// What one request needs.
struct Exchange<S: Serve> {
    worker: Worker<S>,
    peer: Arc<Peer>,
    control: Control,
    slot: Arc<Mutex<Slot>>,
}

impl<S: Serve> Clone for Exchange<S> {
    fn clone(&self) -> Self {
        let (peer, slot) = (Arc::clone(&self.peer), Arc::clone(&self.slot));
        Self { worker: self.worker.clone(), peer, control: self.control.clone(), slot }
    }
}

impl<S: Serve> Exchange<S> {
    async fn respond(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.answer(request).await {
            Ok(response) => response,
            Err(error) => {
                self.control.request_ended();
                let text = Bytes::from_static(error.text().as_bytes());
                let mut response = response::refusal(error).map(|()| Full::new(text));
                if error == HttpError::Busy {
                    response.headers_mut().insert(CONNECTION, CLOSE);
                }
                response
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HttpError> {
        let mut message = Vec::new();
        let service = &self.worker.service;
        let options = service.options();
        request_head::check(&request, options.limits.header_octets)?;
        if is_misdirected(&request, &self.peer, options) {
            return Err(HttpError::Misdirected);
        }
        let location = request::read(&request, &options.listen.doh_path, &mut message)?;
        let own = client_identity::of_request(&request, &self.peer, options);
        let trace = trace_of(&request, options);
        let _open = self.open(own.as_deref())?;
        if location == MessageLocation::Body {
            message = collect(request.into_body()).await?;
        }
        self.control.request_ended();
        let mut out = Vec::new();
        let identity = own.as_deref().unwrap_or(&self.peer.identity);
        let arrival = self.peer.arrival_for(identity, trace, &message, Instant::now());
        let sent = match service.begin(&arrival, &mut out) {
            Progress::Replied(sent) => sent,
            Progress::Dropped => return Err(HttpError::Message),
            Progress::Waiting(waiting) => {
                let sent = service.complete(waiting, &mut out).await;
                sent.ok_or(HttpError::NoAnswer)?
            }
        };
        let mut response = response::answer(sent, out.len());
        if sent.closes && own.is_none() {
            // The library ends the connection after it.
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        Ok(response.map(|()| Full::new(Bytes::from(out))))
    }

    /// Counts the request for its client: the connection of a client that names itself, and at a
    /// sidecar, whose connections are of many, each request for as long as it is open.
    fn open(&self, own: Option<&ClientIdentity>) -> Result<Option<Place>, HttpError> {
        let Peer { ref identity, transport, connection, sidecar, .. } = *self.peer;
        let identity = own.unwrap_or(identity);
        if sidecar == Some(true) {
            let place = self.worker.open_request(self.peer.owner(identity), transport, connection);
            return place.map(Some).ok_or(HttpError::Busy);
        }
        let Slot { slot, is_identified } = &mut *self.slot.lock();
        if own.is_some() && !std::mem::replace(is_identified, true) {
            let may_stay = self.worker.identify(slot, identity, transport, connection);
            return if may_stay { Ok(None) } else { Err(HttpError::Busy) };
        }
        Ok(None)
    }
}

/// The whole body. One that takes too long ends the connection: the stream watches it.
async fn collect(body: Incoming) -> Result<Vec<u8>, HttpError> {
    match Limited::new(body, MESSAGE).collect().await {
        Ok(body) => {
            let message = body.to_bytes().to_vec();
            request::check(&message)?;
            Ok(message)
        }
        Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge),
        // The client broke off or wrote chunks that are none; hyper closes the connection.
        Err(_) => Err(HttpError::Message),
    }
}
