//! The body of a POST over HTTP/2, until it is whole.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;

use super::request::{self, HttpError, MESSAGE};
use super::responder::Responder;

/// A body that is being read.
pub(super) struct RequestBody {
    body: RecvStream,
    octets: BytesMut,
    pub(super) responder: Responder,
    /// When its request arrived.
    pub(super) began: Instant,
}

impl RequestBody {
    /// Nothing of the body is read yet.
    pub(super) fn new(body: RecvStream, responder: Responder, began: Instant) -> Self {
        Self { body, octets: BytesMut::new(), responder, began }
    }

    /// Who waits for the response, and what is left of a body that is not needed any more.
    pub(super) fn into_parts(self) -> (Responder, RecvStream) {
        (self.responder, self.body)
    }

    /// Reads what is there. Ready with the whole message, with what is wrong with it, or with none
    /// when the client has given the stream up.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HttpError>>> {
        loop {
            let Some(part) = ready!(self.body.poll_data(cx)) else {
                return Poll::Ready(Some(whole(self.octets.split().freeze())));
            };
            let Ok(part) = part else { return Poll::Ready(None) };
            if self.octets.len() + part.len() > MESSAGE {
                return Poll::Ready(Some(Err(HttpError::TooLarge)));
            }
            // The window is opened again for what was taken (RFC 9113 section 5.2). An error says
            // that the stream is gone, which the next look at it says as well.
            let _ = self.body.flow_control().release_capacity(part.len());
            if self.octets.is_empty() && self.body.is_end_stream() {
                // Nearly always: the message came in one piece and need not be copied.
                return Poll::Ready(Some(whole(part)));
            }
            self.octets.extend_from_slice(&part);
        }
    }
}

fn whole(message: Bytes) -> Result<Bytes, HttpError> {
    request::check(&message).map(|()| message)
}
