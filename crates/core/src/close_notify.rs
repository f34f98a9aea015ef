//! TLS connections that end with close_notify, however they are let go of.
//!
//! RFC 8446 section 6.1: without it the other side cannot tell an end from a cut, and many report a
//! truncation attack. A connection may end in many places: idle, late, drained, replaced. Hence the
//! alert goes out when the connection is dropped, where nothing else has sent it before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

/// A transport that takes octets without waiting.
pub(crate) trait SendNow {
    /// Sends what there is room for, behind all that was written before.
    fn send_now(&mut self, octets: &[u8]);
}

impl SendNow for TcpStream {
    fn send_now(&mut self, octets: &[u8]) {
        // Who has gone, or does not read, gets no alert.
        let _ = self.try_write(octets);
    }
}

/// One end of a TLS connection.
pub(crate) trait TlsEnd {
    /// Sends close_notify, unless an end was announced before.
    fn close_now(&mut self);
}

macro_rules! tls_end {
    ($($stream:ty),*) => {$(
        impl<Io: SendNow> TlsEnd for $stream {
            fn close_now(&mut self) {
                let (io, session) = self.get_mut();
                session.send_close_notify();
                let mut octets = Vec::new();
                while session.wants_write() && session.write_tls(&mut octets).is_ok() {}
                if !octets.is_empty() {
                    io.send_now(&octets);
                }
            }
        }
    )*};
}

tls_end!(client::TlsStream<Io>, server::TlsStream<Io>);

/// A TLS connection that says so when it ends.
pub(crate) struct Announced<T: TlsEnd>(T);

impl<T: TlsEnd> Announced<T> {
    /// Takes a connection whose handshake is over.
    pub(crate) fn new(tls: T) -> Self {
        Self(tls)
    }

    /// The connection itself.
    pub(crate) fn tls(&self) -> &T {
        &self.0
    }

    /// The connection itself, to be changed.
    pub(crate) fn tls_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: TlsEnd> Drop for Announced<T> {
    fn drop(&mut self) {
        self.0.close_now();
    }
}

impl<T: TlsEnd + AsyncRead + Unpin> AsyncRead for Announced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, room)
    }
}

impl<T: TlsEnd + AsyncWrite + Unpin> AsyncWrite for Announced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
