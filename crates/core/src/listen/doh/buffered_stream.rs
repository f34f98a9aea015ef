//! The connection under TLS and HTTP: gathers what is written until it is flushed, and watches the
//! time.
//!
//! The HTTP/2 library flushes after each response, which closes a TLS record. While the stream is
//! corked that costs no system call; the flush after a burst of requests writes all their responses
//! at once. Each response still has a record of its own, because some clients take no more than one
//! out of a record (dnsperf 2.10).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::super::reset::Reset;
use crate::close_notify::SendNow;
use crate::options::Limits;

/// Octets that are gathered at most before they are written, corked or not.
const WRITE_AT: usize = 64 << 10;

/// Signals from the owner of the connection to the stream, which lies inside of the HTTP library.
#[derive(Clone, Default)]
pub(super) struct Control(Arc<Signals>);

#[derive(Default)]
struct Signals {
    corked: AtomicBool,
    request_ended: AtomicBool,
    blocked: AtomicBool,
}

impl Control {
    /// Whether flushes have to wait.
    pub(super) fn cork(&self, corked: bool) {
        self.0.corked.store(corked, Relaxed);
    }

    /// Whether the client's side takes nothing at the moment.
    pub(super) fn is_blocked(&self) -> bool {
        self.0.blocked.load(Relaxed)
    }

    /// A request has arrived whole: the time for reading it stops.
    pub(super) fn request_ended(&self) {
        self.0.request_ended.store(true, Relaxed);
    }
}

/// A connection with its gathered output and its limits.
pub(in super::super) struct BufferedStream {
    tcp: TcpStream,
    control: Control,
    /// What was read before the stream was made, and how much of it was given out.
    begun: Vec<u8>,
    given: usize,
    output: Vec<u8>,
    unflushed: bool,
    write_limit: Duration,
    blocked: Option<Pin<Box<Sleep>>>,
    linger: Option<Pin<Box<Sleep>>>,
    read_limit: Duration,
    request: Option<Pin<Box<Sleep>>>,
}

impl BufferedStream {
    /// A stream of which nothing was read yet.
    pub(in super::super) fn new(tcp: TcpStream, limits: &Limits) -> Self {
        Self::resumed(tcp, Vec::new(), limits)
    }

    /// A stream whose first octets were read already; they are given out again.
    pub(super) fn resumed(tcp: TcpStream, begun: Vec<u8>, limits: &Limits) -> Self {
        Self {
            tcp,
            control: Control::default(),
            begun,
            given: 0,
            output: Vec::new(),
            unflushed: false,
            write_limit: Duration::from_millis(limits.write_ms),
            blocked: None,
            linger: None,
            read_limit: Duration::from_millis(limits.read_ms),
            request: None,
        }
    }

    /// A handle that controls this stream from outside.
    pub(super) fn control(&self) -> Control {
        self.control.clone()
    }

    /// From now on each request has to arrive whole within the limit, the first one counted from
    /// here; [`Control::request_ended`] says when one has.
    pub(super) fn watch_requests(&mut self) {
        self.request = Some(Box::pin(tokio::time::sleep(self.read_limit)));
    }

    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.try_write_out(cx);
        self.control.0.blocked.store(written.is_pending(), Relaxed);
        match written {
            Poll::Ready(done) => {
                self.blocked = None;
                Poll::Ready(done)
            }
            Poll::Pending => {
                let limit = self.write_limit;
                let blocked =
                    self.blocked.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
                ready!(blocked.as_mut().poll(cx));
                self.tcp.reset();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn try_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut tcp = Pin::new(&mut self.tcp);
        let mut written = 0;
        while written < self.output.len() {
            match tcp.as_mut().poll_write(cx, &self.output[written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.output.drain(..written);
                    return Poll::Pending;
                }
            }
        }
        self.output.clear();
        self.unflushed = false;
        // An idle connection keeps no buffer of a large response.
        self.output.shrink_to(4096);
        Poll::Ready(Ok(()))
    }

    /// An error when a request has taken too long to arrive. The clock is asked, not the timer
    /// alone: a client that never stops sending uses up the turn of the task before the timer gets
    /// its own (tokio's cooperative budget), and would never be late.
    fn watch(&mut self, cx: &mut Context<'_>, came: bool) -> io::Result<()> {
        let Some(request) = &mut self.request else { return Ok(()) };
        let now = Instant::now();
        if came && request.deadline() > now + self.read_limit {
            request.as_mut().reset(now + self.read_limit);
        }
        if now >= request.deadline() || (!came && request.as_mut().poll(cx).is_ready()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl SendNow for BufferedStream {
    fn send_now(&mut self, octets: &[u8]) {
        self.output.extend_from_slice(octets);
        let output = std::mem::take(&mut self.output);
        self.tcp.send_now(&output);
    }
}

impl AsyncRead for BufferedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = &mut *self;
        if stream.given < stream.begun.len() {
            let count = room.remaining().min(stream.begun.len() - stream.given);
            room.put_slice(&stream.begun[stream.given..stream.given + count]);
            stream.given += count;
            return Poll::Ready(Ok(()));
        }
        let ended = stream.control.0.request_ended.swap(false, Relaxed);
        if ended {
            park(&mut stream.request);
        }
        let before = room.filled().len();
        let read = Pin::new(&mut stream.tcp).poll_read(cx, room);
        stream.watch(cx, room.filled().len() > before)?;
        read
    }
}

/// So far away that it never comes (tokio's own choice is 30 years).
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 10);

fn park(timer: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(timer) = timer {
        timer.as_mut().reset(Instant::now() + NEVER);
    }
}

impl AsyncWrite for BufferedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.output.len() >= WRITE_AT {
            ready!(self.write_out(cx))?;
        }
        self.output.extend_from_slice(octets);
        self.unflushed = true;
        Poll::Ready(Ok(octets.len()))
    }

    /// Takes all there is: when a handshake fails, the library writes once and never again, and the
    /// alert is the last piece.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.output.len() >= WRITE_AT {
            ready!(self.write_out(cx))?;
        }
        for piece in pieces {
            self.output.extend_from_slice(piece);
        }
        self.unflushed = true;
        Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed || self.control.0.corked.load(Relaxed) {
            return Poll::Ready(Ok(()));
        }
        self.write_out(cx)
    }

    /// Ends our side, then reads what the client still sends until it ends its own: a connection
    /// closed with unread input is reset, and the reset may overtake the last response (RFC 9112
    /// section 9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = &mut *self;
        if stream.unflushed {
            ready!(stream.write_out(cx))?;
        }
        if stream.linger.is_none() {
            ready!(Pin::new(&mut stream.tcp).poll_shutdown(cx))?;
        }
        let limit = stream.write_limit;
        let linger = stream.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        // As in `watch`: a client that never stops sending is late by the clock alone.
        if Instant::now() >= linger.deadline() {
            return Poll::Ready(Ok(()));
        }
        let mut room = [0; 4096];
        loop {
            let mut room = ReadBuf::new(&mut room);
            match Pin::new(&mut stream.tcp).poll_read(cx, &mut room) {
                Poll::Ready(Ok(())) if !room.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.as_mut().poll(cx).map(Ok),
            }
        }
    }
}
