//! Giving a connection up so that nothing of it is left.

use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::close_notify::{Announced, SendNow};

/// A connection that can be reset.
///
/// Closing leaves what was not taken with the system, which goes on offering it to a client that
/// does not read: megabytes for each connection, for minutes. A reset frees it at once, and tells
/// the client that something is missing.
pub(super) trait Reset {
    /// Makes closing a reset (RFC 9293 section 3.10.5).
    fn reset(&self);
}

impl Reset for TcpStream {
    fn reset(&self) {
        // It fails only for a connection that is gone, which is as good.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl<Io: Reset + SendNow> Reset for Announced<TlsStream<Io>> {
    fn reset(&self) {
        self.tls().get_ref().0.reset();
    }
}
