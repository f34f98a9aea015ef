//! A query that waits for an upstream.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::arrival::{Arrival, Sender};
use crate::client_identity::ClientIdentity;
use crate::question::Question;
use crate::shares::Place;
use crate::snapshot::Snapshot;
use crate::stages::fetch::UpstreamLookup;
use crate::tls_version::TlsVersion;
use crate::traces::Recording;
use crate::transport::Transport;

/// A query that waits for an upstream.
pub struct Pending {
    pub(super) question: Question,
    /// The snapshot pinned when the query was parsed: a change never mixes two policies.
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) lookup: Box<UpstreamLookup>,
    pub(super) sender: WaitingSender,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    pub(super) waiting: Place,
    /// What is recorded of it for traces, while these are on.
    pub(super) recording: Option<Box<Recording>>,
}

/// A [`Sender`] with memory of its own.
pub(super) struct WaitingSender {
    transport: Transport,
    tls: Option<TlsVersion>,
    client: SocketAddr,
    connection: IpAddr,
    identity: ClientIdentity,
    worker: usize,
}

impl WaitingSender {
    pub(super) fn of(arrival: &Arrival<'_>) -> Self {
        let Sender { transport, tls, client, connection, identity, worker, .. } = arrival.sender;
        Self { transport, tls, client, connection, identity: identity.clone(), worker }
    }

    pub(super) fn borrow(&self) -> Sender<'_> {
        let Self { transport, tls, client, connection, ref identity, worker } = *self;
        // Its trace is in the recording.
        Sender { transport, tls, client, connection, identity, worker, trace: None }
    }
}
