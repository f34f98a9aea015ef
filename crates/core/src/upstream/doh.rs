//! DNS over HTTPS with HTTP/2 (RFC 8484).

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong, Reason as H2Reason, RecvStream};
use http::header::{ACCEPT, AGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Uri};
use keyhole_wire::Answer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::UpstreamError;
use super::exchange::{ClosedAtEnd, Liveness, Question};
use super::http_head::{DNS_MESSAGE, check_head};
use super::quote::quote;

/// W3C Trace Context section 3.2.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The largest DNS message.
const MAX_MESSAGE: usize = 65_535;
/// Streams that are opened before the upstream has said how many it admits: so many are the least
/// that RFC 9113 section 6.5.2 recommends, and what it does not admit it would refuse.
pub(super) const USUAL_STREAMS: usize = 100;
/// Octets that an upstream may send unread on one connection; the bound of its memory here.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Octets of header list that are read.
const MAX_HEADERS: u32 = 16 * 1024;
/// How often a connection is checked. A ping without an answer for so long ends it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A quiet connection is pinged after so many checks, so that NAT and upstream keep it.
const QUIET_LOOKS: u32 = 3;

/// The sending half of one HTTP/2 connection.
pub(super) struct DohConnection {
    sender: SendRequest<Bytes>,
    uri: Uri,
    liveness: Arc<Liveness>,
}

impl DohConnection {
    /// Starts HTTP/2 on a stream that has agreed on it, and a task that drives it.
    pub(super) async fn start<S>(
        stream: S,
        uri: Uri,
        liveness: &Arc<Liveness>,
    ) -> Result<Self, UpstreamError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(MAX_MESSAGE as u32)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .initial_max_send_streams(USUAL_STREAMS)
            .handshake(stream)
            .await
            .map_err(|error| from_h2(&error))?;
        tokio::spawn(drive(connection, ClosedAtEnd(Arc::clone(liveness))));
        Ok(Self { sender, uri, liveness: Arc::clone(liveness) })
    }

    /// Streams that the upstream admits at once.
    pub(super) fn capacity(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Asks one question: the answer, and the seconds that it has spent in HTTP caches (RFC 8484
    /// section 5.1). Dropping the future resets the stream.
    pub(super) async fn exchange(
        &self,
        question: &Question,
    ) -> Result<(Answer, u32), UpstreamError> {
        let ended = |error: h2::Error| self.ended(&error);
        let mut sender = self.sender.clone().ready().await.map_err(ended)?;
        let mut message = Vec::with_capacity(256);
        question.write_for_http(&mut message);
        let mut request = self.request(message.len());
        if let Some(trace) = question.trace.and_then(|trace| trace.header().parse().ok()) {
            request.headers_mut().insert(TRACEPARENT, trace);
        }
        let (response, mut body) = sender.send_request(request, false).map_err(ended)?;
        body.send_data(message.into(), true).map_err(ended)?;
        let (head, body) = response.await.map_err(ended)?.into_parts();
        check_head(head.status, &head.headers, SystemTime::now())?;
        let message = self.read_body(body).await?;
        let age = head.headers.get(AGE).and_then(|age| age.to_str().ok()?.parse().ok());
        Ok((question.read(&message, 0)?, age.unwrap_or(0)))
    }

    async fn read_body(&self, mut body: RecvStream) -> Result<Bytes, UpstreamError> {
        let mut whole = BytesMut::new();
        while let Some(part) = body.data().await {
            let part = part.map_err(|error| self.ended(&error))?;
            // Without this the upstream may not send any more.
            let released = body.flow_control().release_capacity(part.len());
            released.map_err(|error| self.ended(&error))?;
            if whole.len() + part.len() > MAX_MESSAGE {
                return Err(UpstreamError::invalid(
                    "sent more than the 65,535 octets of a DNS message",
                ));
            }
            if whole.is_empty() && body.is_end_stream() {
                return Ok(part);
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.freeze())
    }

    /// Takes an error in. What ends the connection closes it for new queries; a stream that was
    /// reset does not, the others on it go on.
    fn ended(&self, error: &h2::Error) -> UpstreamError {
        if error.is_reset() {
            return from_h2(error);
        }
        self.liveness.close();
        from_h2(error).ending_connection()
    }

    fn request(&self, length: usize) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(DNS_MESSAGE));
        headers.insert(ACCEPT, HeaderValue::from_static(DNS_MESSAGE));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        request
    }
}

/// What ends the connection or refuses the stream may be asked elsewhere; the rest is nonsense.
fn from_h2(error: &h2::Error) -> UpstreamError {
    let words = format!("HTTP/2: {}", quote(&error.to_string()));
    if is_unprocessed(error) {
        return UpstreamError::unprocessed(words);
    }
    let protocol_broken = error.reason().is_some_and(|reason| {
        matches!(
            reason,
            H2Reason::PROTOCOL_ERROR
                | H2Reason::FRAME_SIZE_ERROR
                | H2Reason::COMPRESSION_ERROR
                | H2Reason::FLOW_CONTROL_ERROR
        )
    });
    if protocol_broken && !error.is_remote() {
        UpstreamError::invalid(words)
    } else {
        UpstreamError::lost(words)
    }
}

/// Whether the server says that it has not acted on the request. RFC 9113 section 6.8: that is so
/// for streams above the last one of a GOAWAY, the only ones that h2 ends with it, and for those
/// that could not be opened after it. Section 8.7: and for a stream that was refused.
fn is_unprocessed(error: &h2::Error) -> bool {
    let asks_for_less =
        [H2Reason::REFUSED_STREAM, H2Reason::ENHANCE_YOUR_CALM].map(Some).contains(&error.reason());
    error.is_remote() && (error.is_go_away() || asks_for_less)
}

/// Moves the frames of one connection, and ends it when it is idle or dead.
async fn drive<S>(mut connection: Connection<S, Bytes>, end: ClosedAtEnd)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(mut pings) = connection.ping_pong() else { return };
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    looks.tick().await;
    let mut watch = Watch { pinged: false, quiet: 0, looked: Instant::now() };
    loop {
        tokio::select! {
            _ = &mut connection => return,
            pong = poll_fn(|context| pings.poll_pong(context)), if watch.pinged => {
                if pong.is_err() { return }
                // The connection is alive; of what answers behind it this says nothing.
                watch.pinged = false;
            }
            _ = looks.tick() => if !watch.look(&end.0, &mut pings) { return },
        }
    }
}

struct Watch {
    pinged: bool,
    quiet: u32,
    looked: Instant,
}

impl Watch {
    /// Pings where that is due; false when the connection is to end.
    fn look(&mut self, liveness: &Liveness, pings: &mut PingPong) -> bool {
        let now = Instant::now();
        let active = liveness.active_after(self.looked);
        self.looked = now;
        if liveness.is_idle(now) || (self.pinged && !active) {
            return false;
        }
        self.quiet = if active { 0 } else { self.quiet + 1 };
        let waiting = liveness.in_flight.load(std::sync::atomic::Ordering::Relaxed) > 0;
        let due = self.quiet >= QUIET_LOOKS || (waiting && self.quiet >= 1);
        if due && !self.pinged {
            self.quiet = 0;
            self.pinged = pings.send_ping(Ping::opaque()).is_ok();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn until_the_upstream_has_said_how_many_streams_it_admits_there_are_a_hundred() {
        let (ours, _silent) = tokio::io::duplex(4096);
        let uri = Uri::from_static("https://dns.example.org/dns-query");
        let liveness = Liveness::new();
        let connection = DohConnection::start(ours, uri, &liveness).await.unwrap();
        assert_eq!(connection.capacity(), 100);
    }
}
