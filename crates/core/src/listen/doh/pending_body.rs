//! An answer over HTTP/2 that the client does not take yet: its window has no room (RFC 9113 section
//! 5.2), or its connection takes nothing.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use h2::{Reason, SendStream};

use crate::shares::Place;

/// What is left of an answer.
pub(super) struct PendingBody {
    stream: SendStream<Bytes>,
    rest: Bytes,
    /// When the answer was made.
    pub(super) since: Instant,
    _place: Place,
}

impl PendingBody {
    /// Nothing of the answer is sent yet; capacity for it was reserved.
    pub(super) fn new(
        stream: SendStream<Bytes>,
        answer: Bytes,
        since: Instant,
        place: Place,
    ) -> Self {
        Self { stream, rest: answer, since, _place: place }
    }

    /// Octets that are not sent yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Sends what the window admits. Ready when all is sent or the client has given the stream up.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let room = self.stream.capacity().min(self.rest.len());
            let is_last = room == self.rest.len();
            if room > 0 && self.stream.send_data(self.rest.split_to(room), is_last).is_err() {
                return Poll::Ready(());
            }
            if is_last {
                return Poll::Ready(());
            }
            if !matches!(ready!(self.stream.poll_capacity(cx)), Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
    }

    /// Tells the client that the rest is not coming.
    pub(super) fn give_up(&mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }
}
