//! The connections of one upstream that are open or being opened, and which of them a query takes.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::connection::Connection;
use super::error::UpstreamError;
use super::exchange::MAX_IN_FLIGHT;

/// How opening a connection ended; none while it goes on.
pub(super) type Ended = watch::Receiver<Option<Result<(), UpstreamError>>>;

/// A connection that is being opened.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) id: u64,
    pub(super) ended: Ended,
    /// One for itself, and one for each query that waits for it.
    pub(super) waiting: Arc<()>,
}

/// Which connection a query may take.
#[derive(Default)]
pub(super) struct Wanted {
    /// Not those with these numbers.
    pub(super) avoid: Vec<u64>,
    /// Rather a new one than one that brought nothing since then.
    pub(super) alive_since: Option<Instant>,
}

impl Wanted {
    /// Any, but not the one with this number; 0 is that of none.
    pub(super) fn but(id: u64) -> Self {
        let avoid = if id == 0 { Vec::new() } else { vec![id] };
        Self { avoid, alive_since: None }
    }
}

/// The connections of one upstream.
#[derive(Default)]
pub(super) struct State {
    pub(super) open: Vec<Arc<Connection>>,
    pub(super) opening: Vec<Opening>,
    pub(super) last_id: u64,
}

impl State {
    /// The connection with the fewest queries, of those that are wanted, not overtaken, and have
    /// fewer than `limit` says.
    pub(super) fn least_loaded(
        &self,
        wanted: &Wanted,
        limit: impl Fn(&Connection) -> usize,
    ) -> Option<Arc<Connection>> {
        let is_alive =
            |one: &Connection| wanted.alive_since.is_none_or(|at| one.liveness.lives_since(at));
        let is_fit = |one: &&Arc<Connection>| {
            !one.liveness.is_overtaken()
                && one.load() < limit(one)
                && !wanted.avoid.contains(&one.id)
                && is_alive(one)
        };
        self.open.iter().filter(is_fit).min_by_key(|one| one.load()).cloned()
    }

    /// The same where no other one may be opened: full ones, then those that were overtaken.
    pub(super) fn any(&self, wanted: &Wanted) -> Option<Arc<Connection>> {
        let fits =
            |one: &&Arc<Connection>| one.load() < MAX_IN_FLIGHT && !wanted.avoid.contains(&one.id);
        let rank = |one: &&Arc<Connection>| (one.liveness.is_overtaken(), one.load());
        self.open.iter().filter(fits).min_by_key(rank).cloned()
    }

    /// Queries that wait for a connection to open.
    pub(super) fn waiting(&self) -> usize {
        self.opening.iter().map(|one| Arc::strong_count(&one.waiting) - 1).sum()
    }
}
