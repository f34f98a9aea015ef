//! What every task of one worker carries with it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::connection_limits::{ConnectionLimits, ConnectionSlot, closed};
use super::service::Serve;
use crate::Reason;
use crate::client_identity::ClientIdentity;
use crate::connections::ClosedConnection;
use crate::events::RefusedHandshake;
use crate::options::Limits;
use crate::shares::{Owner, Place};
use crate::transport::Transport;

/// What a task needs: the service, the limits, and the signal to stop.
pub(super) struct Worker<S: Serve> {
    pub(super) service: Arc<S>,
    pub(super) connection_limits: Arc<ConnectionLimits>,
    pub(super) index: usize,
    /// Turns true when the engine drains: take nothing new, finish what is under way.
    pub(super) drain: watch::Receiver<bool>,
    /// Held by every task; when all are dropped, the worker is done.
    pub(super) alive: mpsc::Sender<()>,
}

impl<S: Serve> Worker<S> {
    pub(super) fn limits(&self) -> &Limits {
        &self.service.options().limits
    }

    /// Ends when the engine drains. The sender lives as long as the engine; when it is gone there
    /// is nothing left to serve, so that is taken for the same.
    pub(super) fn drained(&self) -> impl Future<Output = ()> + Send + use<S> {
        let mut drain = self.drain.clone();
        async move {
            let _ = drain.wait_for(|drain| *drain).await;
        }
    }

    /// Counts a connection for the client that it turned out to be of; false when that has as many
    /// as it may.
    pub(super) fn identify(
        &self,
        slot: &mut ConnectionSlot,
        identity: &ClientIdentity,
        transport: Transport,
        client: IpAddr,
    ) -> bool {
        let identified = self.connection_limits.identify(slot, identity);
        identified.map_err(|closed| self.count_closed(transport, client, closed)).is_ok()
    }

    /// Counts a connection that is closed because of a limit, and has the query log say so.
    pub(super) fn count_closed(
        &self,
        transport: Transport,
        client: IpAddr,
        closed: ClosedConnection,
    ) {
        self.service.connections().count_closed(closed);
        self.record_refusal(transport, client, Reason::ConnectionOverLimit, closed.word());
    }

    /// A place for a request that stays open; none where the share of its client is used up, which
    /// is counted and stands in the query log.
    pub(super) fn open_request(
        &self,
        owner: Owner,
        transport: Transport,
        client: IpAddr,
    ) -> Option<Place> {
        let opened = self.connection_limits.open_request(owner);
        let turned_away = |full| {
            self.service.over_share(self.index, full);
            self.record_refusal(
                transport,
                client,
                Reason::ConnectionOverLimit,
                closed(full).word(),
            );
        };
        opened.map_err(turned_away).ok()
    }

    /// Writes a connection that was refused before its first query into the query log.
    pub(super) fn record_refusal(
        &self,
        transport: Transport,
        client: IpAddr,
        reason: Reason,
        detail: &'static str,
    ) {
        let claimed = None;
        let refused = RefusedHandshake { transport, client, reason, detail, claimed };
        self.service.record_handshake(&refused);
    }

    /// Tells the operator about an error that no client sees.
    pub(super) fn complain(&self, what: &str, error: &dyn fmt::Display) {
        eprintln!("keyhole: worker {} cannot {what}: {error}", self.index);
    }
}

impl<S: Serve> Clone for Worker<S> {
    fn clone(&self) -> Self {
        Self {
            service: Arc::clone(&self.service),
            connection_limits: Arc::clone(&self.connection_limits),
            index: self.index,
            drain: self.drain.clone(),
            alive: self.alive.clone(),
        }
    }
}
