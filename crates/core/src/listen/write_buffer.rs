//! What a stream has to send and its client has not taken yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Nearly always empty: it holds what one write could not bring out.
#[derive(Default)]
pub(super) struct WriteBuffer {
    unwritten: Vec<u8>,
    unflushed: bool,
}

impl WriteBuffer {
    /// Whether nothing is left to send.
    pub(super) fn is_flushed(&self) -> bool {
        !self.unflushed
    }

    /// Starts one write of all these octets and keeps what was not taken. Everything before has to
    /// be flushed.
    pub(super) fn write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> io::Result<()> {
        if octets.is_empty() {
            return Ok(());
        }
        self.unflushed = true;
        let written = match Pin::new(io).poll_write(cx, octets)? {
            Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => written,
            Poll::Pending => 0,
        };
        self.unwritten.extend_from_slice(&octets[written..]);
        Ok(())
    }

    /// Ready when all has been taken, by TLS and by the system.
    pub(super) fn flush(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut io = Pin::new(io);
        while !self.unwritten.is_empty() {
            let written = ready!(io.as_mut().poll_write(cx, &self.unwritten))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unwritten.drain(..written);
        }
        ready!(io.poll_flush(cx))?;
        // Its capacity goes as well: an idle connection holds nothing.
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}
