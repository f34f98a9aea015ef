//! DoH over HTTP/2 (RFC 9113): one task for each connection, none for each request.
//!
//! A turn of the task takes all requests that have arrived, answers in place what can be answered
//! and flushes once. Bodies that are not whole, queries that wait for an upstream and answers that
//! the client's window does not admit are kept beside the connection.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::{Builder, Connection};
use h2::{Reason, RecvStream};
use http::{Method, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::super::connection_limits::ConnectionSlot;
use super::super::peer::Peer;
use super::super::service::Serve;
use super::super::timeouts::DeadlineTimer;
use super::super::worker::Worker;
use super::buffered_stream::Control;
use super::client_identity;
use super::discarded_body::DiscardedBody;
use super::misdirected::is_misdirected;
use super::pending_body::PendingBody;
use super::request::{self, HttpError, MessageLocation};
use super::request_body::RequestBody;
use super::request_head;
use super::responder::Responder;
use super::response;
use super::traceparent::trace_of;
use crate::client_identity::ClientIdentity;
use crate::options::Limits;
use crate::pipeline::{Progress, ReplyInfo};
use crate::shares::Place;

/// Streams reset by either side that are remembered or wait at most. One more ends the connection
/// with ENHANCE_YOUR_CALM: opening and resetting streams costs a client nothing (CVE-2023-44487).
const RESETS: usize = 32;

/// Octets of answers that are given to the library before it has to bring them out.
const GIVEN: usize = 64 << 10;

thread_local! {
    /// The message of a GET and the answer to any request, reused.
    static MESSAGE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static ANSWER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Serves a connection until one side ends it.
pub(super) async fn serve<S: Serve, Io>(
    worker: Worker<S>,
    io: Io,
    control: Control,
    peer: Peer,
    slot: ConnectionSlot,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let opened = Instant::now();
    let first = Duration::from_millis(worker.limits().read_ms);
    let greeting = builder(worker.limits()).handshake(io);
    let Ok(Ok(connection)) = tokio::time::timeout(first, greeting).await else { return };
    let mut over = pin!(peer.over(&worker));
    let mut timer = DeadlineTimer::new(opened + first);
    let mut http2 = Http2 {
        worker,
        peer,
        slot,
        is_identified: false,
        is_turned_away: false,
        control,
        connection,
        bodies: Vec::new(),
        discarded: Vec::new(),
        waiting: JoinSet::new(),
        blocked: Vec::new(),
        given: 0,
        phase: Phase::First,
        active: opened,
    };
    std::future::poll_fn(|cx| {
        loop {
            let now = Instant::now();
            if http2.phase != Phase::Closing && over.as_mut().poll(cx).is_ready() {
                http2.close(now);
            }
            if http2.poll(cx, now).is_ready() {
                return Poll::Ready(());
            }
            if timer.poll(cx, now, http2.due()).is_pending() {
                return Poll::Pending;
            }
            if http2.expire(Instant::now()).is_ready() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(limits.header_octets)
        .max_concurrent_reset_streams(RESETS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(Some(RESETS));
    builder
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was asked yet.
    First,
    Serving,
    /// GOAWAY was sent (RFC 9113 section 6.8): what was asked is answered, nothing more.
    Closing,
}

struct Http2<S: Serve, Io> {
    worker: Worker<S>,
    peer: Peer,
    slot: ConnectionSlot,
    /// Whether the connection counts for the client that a request has named.
    is_identified: bool,
    /// Whether that client has as many connections as it may.
    is_turned_away: bool,
    control: Control,
    connection: Connection<Io, Bytes>,
    /// Requests whose bodies are not whole, oldest first.
    bodies: Vec<RequestBody>,
    /// Bodies of requests that are refused already, oldest first.
    discarded: Vec<DiscardedBody>,
    waiting: JoinSet<LateAnswer>,
    /// Answers that the client does not take yet, oldest first.
    blocked: Vec<PendingBody>,
    /// Octets of answers that the library has not begun to bring out.
    given: usize,
    phase: Phase,
    /// When something was asked or answered.
    active: Instant,
}

/// An answer that was waited for.
struct LateAnswer {
    responder: Responder,
    sent: Option<ReplyInfo>,
    answer: Vec<u8>,
}

impl<S: Serve, Io: AsyncRead + AsyncWrite + Unpin> Http2<S, Io> {
    /// Takes one turn. Ready when the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        loop {
            // Each look for the next request would flush the response to the one before.
            self.control.cork(true);
            while let Poll::Ready(request) = self.next(cx) {
                let Some(request) = request else { return Poll::Ready(()) };
                self.take(request, cx, now);
            }
            self.read_bodies(cx, now);
            self.collect(cx, now);
            self.discarded.retain_mut(|body| body.poll(cx).is_pending());
            let is_held_back = self.unblock(cx);
            self.control.cork(false);
            match self.next(cx) {
                Poll::Ready(Some(request)) => self.take(request, cx, now),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending if is_held_back && !self.control.is_blocked() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The next request; none when the connection is over. Also drives the connection.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Request<RecvStream>, Responder)>> {
        self.given = 0;
        if self.under_way() >= self.worker.limits().queries_per_connection {
            // The requests stay inside the library, which holds no more than streams are allowed.
            return self.connection.poll_closed(cx).map(|_| None);
        }
        self.connection.poll_accept(cx).map(|next| {
            let (request, respond) = next?.ok()?;
            let head_only = *request.method() == Method::HEAD;
            let (identity, place, trace) = (None, None, None);
            Some((request, Responder { respond, head_only, identity, place, trace }))
        })
    }

    fn under_way(&self) -> usize {
        self.bodies.len() + self.discarded.len() + self.waiting.len() + self.blocked.len()
    }

    fn take(
        &mut self,
        request: (Request<RecvStream>, Responder),
        cx: &mut Context<'_>,
        now: Instant,
    ) {
        let (request, mut responder) = request;
        if self.peer.ends.is_some_and(|at| now >= at) {
            // GOAWAY was sent, and a client need not obey it. Nothing was done with the request, so
            // that it may be sent again over a new connection (RFC 9113 section 8.7).
            return responder.respond.send_reset(Reason::REFUSED_STREAM);
        }
        self.active = now;
        if self.phase == Phase::First {
            self.phase = Phase::Serving;
        }
        let mut message = MESSAGE.take();
        message.clear();
        let options = self.worker.service.options();
        let location = request_head::check(&request, options.limits.header_octets).and_then(|()| {
            if is_misdirected(&request, &self.peer, options) {
                return Err(HttpError::Misdirected);
            }
            request::read(&request, &options.listen.doh_path, &mut message)
        });
        responder.identity = client_identity::of_request(&request, &self.peer, options);
        responder.trace = trace_of(&request, options);
        self.count_connection(responder.identity.as_deref(), now);
        if self.is_turned_away {
            MESSAGE.set(message);
            return responder.respond.send_reset(Reason::REFUSED_STREAM);
        }
        match location {
            Ok(MessageLocation::Line) => self.answer(&message, responder, now),
            Ok(MessageLocation::Body) => {
                self.read_body(RequestBody::new(request.into_body(), responder, now), cx, now);
            }
            Err(error) => {
                let identity = responder.identity.clone();
                self.refuse(responder, error, now);
                let body = DiscardedBody::new(request.into_body(), now, None);
                self.discard(body, identity.as_deref(), cx);
            }
        }
        MESSAGE.set(message);
    }

    /// Counts the connection for the client that its first request names. A sidecar's connections
    /// are of many, whose requests count one by one.
    fn count_connection(&mut self, identity: Option<&ClientIdentity>, now: Instant) {
        let Some(identity) = identity.filter(|_| self.peer.sidecar != Some(true)) else { return };
        if self.is_identified {
            return;
        }
        self.is_identified = true;
        let (transport, client) = (self.peer.transport, self.peer.connection);
        if !self.worker.identify(&mut self.slot, identity, transport, client) {
            self.is_turned_away = true;
            self.close(now);
        }
    }

    /// A place for a request that stays open; none where its client has as many as it may.
    fn open(&self, identity: Option<&ClientIdentity>) -> Option<Place> {
        let owner = self.peer.owner(identity.unwrap_or(&self.peer.identity));
        self.worker.open_request(owner, self.peer.transport, self.peer.connection)
    }

    /// Reads a body on that nobody needs. Without a place it is given up, which resets its stream.
    fn discard(
        &mut self,
        mut body: DiscardedBody,
        identity: Option<&ClientIdentity>,
        cx: &mut Context<'_>,
    ) {
        if body.poll(cx).is_ready() {
            return;
        }
        body.place = body.place.take().or_else(|| self.open(identity));
        if body.place.is_some() {
            self.discarded.push(body);
        }
    }

    /// Reads on in every body that is not whole.
    fn read_bodies(&mut self, cx: &mut Context<'_>, now: Instant) {
        for body in std::mem::take(&mut self.bodies) {
            self.read_body(body, cx, now);
        }
    }

    fn read_body(&mut self, mut body: RequestBody, cx: &mut Context<'_>, now: Instant) {
        match body.poll(cx) {
            Poll::Pending => {
                let Responder { place, identity, respond, .. } = &mut body.responder;
                *place = place.take().or_else(|| self.open(identity.as_deref()));
                if place.is_none() {
                    // Nothing was done with the request (RFC 9113 section 8.7).
                    return respond.send_reset(Reason::REFUSED_STREAM);
                }
                self.bodies.push(body);
            }
            // The client gave the stream up.
            Poll::Ready(None) => {}
            Poll::Ready(Some(Err(error))) => {
                let (mut responder, body) = body.into_parts();
                let (place, identity) = (responder.place.take(), responder.identity.clone());
                self.refuse(responder, error, now);
                self.discard(DiscardedBody::new(body, now, place), identity.as_deref(), cx);
            }
            Poll::Ready(Some(Ok(message))) => self.answer(&message, body.responder, now),
        }
    }

    fn answer(&mut self, message: &[u8], responder: Responder, now: Instant) {
        let mut out = ANSWER.take();
        out.clear();
        let identity = responder.identity.as_deref().unwrap_or(&self.peer.identity);
        let arrival = self.peer.arrival_for(identity, responder.trace, message, now);
        match self.worker.service.begin(&arrival, &mut out) {
            Progress::Replied(sent) => {
                let closes = sent.closes && responder.identity.is_none();
                self.reply(responder, sent, &out, now);
                if closes && self.phase != Phase::Closing {
                    self.close(now);
                }
            }
            Progress::Waiting(waiting) => self.wait(responder, waiting),
            Progress::Dropped => self.refuse(responder, HttpError::Message, now),
        }
        ANSWER.set(out);
    }

    fn wait(&mut self, responder: Responder, waiting: S::Waiting) {
        let service = Arc::clone(&self.worker.service);
        self.waiting.spawn(async move {
            let mut answer = Vec::new();
            let sent = service.complete(waiting, &mut answer).await;
            LateAnswer { responder, sent, answer }
        });
    }

    /// Answers what has been waited for. A query that panicked takes its stream along, which the
    /// client sees reset.
    fn collect(&mut self, cx: &mut Context<'_>, now: Instant) {
        while let Poll::Ready(Some(ended)) = self.waiting.poll_join_next(cx) {
            self.active = now;
            match ended {
                Ok(LateAnswer { responder, sent: Some(sent), answer }) => {
                    self.reply(responder, sent, &answer, now);
                }
                Ok(LateAnswer { responder, sent: None, .. }) => {
                    self.refuse(responder, HttpError::NoAnswer, now)
                }
                Err(_) => {}
            }
        }
    }

    fn reply(&mut self, responder: Responder, sent: ReplyInfo, answer: &[u8], now: Instant) {
        self.send(
            responder,
            response::answer(sent, answer.len()),
            Bytes::copy_from_slice(answer),
            now,
        );
    }

    fn refuse(&mut self, responder: Responder, error: HttpError, now: Instant) {
        let text = Bytes::from_static(error.text().as_bytes());
        self.send(responder, response::refusal(error), text, now);
    }

    fn send(&mut self, mut responder: Responder, head: Response<()>, body: Bytes, now: Instant) {
        // An error here means that the client has reset the stream.
        let Ok(mut stream) = responder.respond.send_response(head, responder.head_only) else {
            return;
        };
        if responder.head_only {
            return;
        }
        stream.reserve_capacity(body.len());
        if stream.capacity() >= body.len() && !self.is_held_back() {
            self.given += body.len();
            let _ = stream.send_data(body, true);
            return;
        }
        // Given to the library, it would lie there for as long as the client likes.
        match responder.place.take().or_else(|| self.open(responder.identity.as_deref())) {
            Some(place) => self.blocked.push(PendingBody::new(stream, body, now, place)),
            None => stream.send_reset(Reason::ENHANCE_YOUR_CALM),
        }
    }

    /// Whether answers wait until the client has taken those before. However large a window it
    /// opens, they lie here and are counted, and not in the library.
    fn is_held_back(&self) -> bool {
        self.control.is_blocked() || self.given >= GIVEN
    }

    /// Sends what the client takes by now. True where some had to wait for those before.
    fn unblock(&mut self, cx: &mut Context<'_>) -> bool {
        let mut blocked = std::mem::take(&mut self.blocked);
        let mut was_held_back = false;
        blocked.retain_mut(|answer| {
            if self.is_held_back() {
                was_held_back = true;
                return true;
            }
            let before = answer.left();
            let is_pending = answer.poll(cx).is_pending();
            self.given += before - answer.left();
            is_pending
        });
        self.blocked = blocked;
        was_held_back
    }

    fn close(&mut self, now: Instant) {
        self.phase = Phase::Closing;
        self.active = now;
        self.connection.graceful_shutdown();
    }

    /// When something has to be given up unless it goes on.
    fn due(&self) -> Option<Instant> {
        let limits = self.worker.limits();
        let after = |since: Instant, limit: u64| since + Duration::from_millis(limit);
        let body = self.bodies.first().map(|body| after(body.began, limits.read_ms));
        let discarded = self.discarded.first().map(|body| after(body.since, limits.read_ms));
        let blocked = self.blocked.first().map(|blocked| after(blocked.since, limits.write_ms));
        let own = (self.under_way() == 0).then(|| match self.phase {
            Phase::First => after(self.active, limits.read_ms),
            Phase::Serving => after(self.active, limits.idle_ms),
            Phase::Closing => after(self.active, limits.write_ms),
        });
        [body, discarded, blocked, own].into_iter().flatten().min()
    }

    /// Gives up what has taken too long. Ready when that is the connection.
    fn expire(&mut self, now: Instant) -> Poll<()> {
        let limits = self.worker.limits();
        let late = |since: Instant, limit: u64| now >= since + Duration::from_millis(limit);
        let (read, write) = (limits.read_ms, limits.write_ms);
        if self.under_way() == 0 {
            if self.phase != Phase::Serving {
                return Poll::Ready(());
            }
            self.close(now);
        }
        let late_bodies = self.bodies.iter().take_while(|body| late(body.began, read)).count();
        for body in self.bodies.drain(..late_bodies).collect::<Vec<_>>() {
            self.refuse(body.responder, HttpError::Timeout, now);
        }
        self.discarded.retain(|body| !late(body.since, read));
        self.blocked.retain_mut(|blocked| {
            let expired = late(blocked.since, write);
            if expired {
                blocked.give_up();
            }
            !expired
        });
        Poll::Pending
    }
}
