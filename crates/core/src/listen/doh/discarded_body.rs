//! A body over HTTP/2 that nobody needs: its request was refused by its head.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use h2::RecvStream;

use super::request::MESSAGE;
use crate::shares::Place;

/// Octets that are read and thrown away at most.
const MOST: usize = 4 * MESSAGE;

/// A body that is read to its end, so that its client reads the response. A stream that is reset
/// after an early response is right (RFC 9113 section 8.1), and clients that are widespread lose the
/// response with it.
pub(super) struct DiscardedBody {
    body: RecvStream,
    read: usize,
    /// When its request was refused.
    pub(super) since: Instant,
    /// What it holds while it stays open.
    pub(super) place: Option<Place>,
}

impl DiscardedBody {
    /// Nothing of the body is read yet.
    pub(super) fn new(body: RecvStream, since: Instant, place: Option<Place>) -> Self {
        Self { body, read: 0, since, place }
    }

    /// Reads what is there. Ready when the body has ended, is given up, or is too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(Ok(part)) = ready!(self.body.poll_data(cx)) {
            self.read += part.len();
            if self.read > MOST {
                break;
            }
            // The window is opened again (RFC 9113 section 5.2); an error comes with the next part.
            let _ = self.body.flow_control().release_capacity(part.len());
        }
        Poll::Ready(())
    }
}
