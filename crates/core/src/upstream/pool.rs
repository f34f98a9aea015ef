//! The few connections to one upstream, opened on demand and reused.

use std::sync::Arc;

use aws_lc_rs::rand;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::connect::Connector;
use super::connection::{Connection, Lease};
use super::counters::UpstreamCounters;
use super::error::{ErrorKind, UpstreamError};
use super::health::Health;
use super::open::{Opening, State, Wanted};
use super::silence::Silence;
use crate::shares::FairRoom;

/// How often a query waits for a connection that has no room once it is open.
const WAITS: u32 = 8;

/// Silent connections beside the others.
const MAX_SILENT: usize = 2;

/// The connections of one upstream, shared by all runtimes of the process.
pub(super) struct Pool {
    connector: Arc<Connector>,
    pub(super) health: Mutex<Health>,
    pub(super) counters: Arc<UpstreamCounters>,
    /// Places for questions under way, with a share for each client.
    pub(super) room: Arc<FairRoom>,
    /// How long answers take, and what follows from silence.
    pub(super) silence: Mutex<Silence>,
    state: Mutex<State>,
}

enum Choice {
    Take(Lease),
    Wait(Opening),
}

impl Pool {
    pub(super) fn new(connector: Connector, counters: Arc<UpstreamCounters>) -> Arc<Self> {
        let room = FairRoom::new(connector.lives.room().open * connector.usual_capacity());
        Arc::new(Self {
            room,
            connector: Arc::new(connector),
            health: Mutex::new(Health::new()),
            counters,
            silence: Mutex::new(Silence::new()),
            state: Mutex::default(),
        })
    }

    /// A connection for one query. Waits for one to open where none has room; leaving does not end
    /// the opening, which serves others too.
    pub(super) async fn take(self: &Arc<Self>, wanted: &Wanted) -> Result<Lease, UpstreamError> {
        for _ in 0..WAITS {
            let mut opening = match self.choose(wanted)? {
                Choice::Take(lease) => {
                    let room = self.connector.lives.room();
                    self.room.resize(room.open * room.capacity(lease.connection.capacity(), 0));
                    return Ok(lease);
                }
                Choice::Wait(opening) => opening,
            };
            let ended = opening.ended.wait_for(Option::is_some).await.map(|ended| ended.clone());
            match ended {
                Ok(Some(Err(error))) => return self.crowded(wanted).ok_or(error),
                Ok(_) => {}
                Err(_) => return Err(UpstreamError::lost("connecting was given up")),
            }
        }
        match self.choose(wanted)? {
            Choice::Take(lease) => Ok(lease),
            Choice::Wait(_) => self
                .crowded(wanted)
                .ok_or_else(|| UpstreamError::lost("connections end as soon as they are open")),
        }
    }

    /// The open connection with the fewest queries, although it admits no more: they wait there.
    fn crowded(&self, wanted: &Wanted) -> Option<Lease> {
        self.state.lock().any(wanted).as_ref().map(Lease::new)
    }

    fn choose(self: &Arc<Self>, wanted: &Wanted) -> Result<Choice, UpstreamError> {
        let mut state = self.state.lock();
        self.prune(&mut state);
        let room = self.connector.lives.room();
        // Where all are silent, only a new one can show whether it is they.
        let is_beside = |one: &Connection| {
            let is_repeated = wanted.alive_since.is_some();
            one.liveness.is_overtaken() || (is_repeated && one.liveness.is_suspected())
        };
        let silent = state.open.iter().filter(|one| is_beside(one)).count();
        let beside = silent.min(MAX_SILENT);
        let may_open = state.open.len() < room.open + beside;
        // What is put to a connection that is full waits there for it, and not for the next one.
        let best = state.least_loaded(wanted, |one| room.capacity(one.capacity(), one.answers()));
        let best = if may_open { best } else { best.or_else(|| state.any(wanted)) };
        let is_due = best.as_ref().is_none_or(|connection| connection.load() >= room.busy);
        if !is_due || (!may_open && best.is_some()) {
            return best.as_ref().map(|best| Choice::Take(Lease::new(best))).ok_or_else(full);
        }
        if state.opening.is_empty() && !may_open {
            return Err(full());
        }
        let may_start = (room.open + beside).saturating_sub(state.open.len());
        if state.opening.len() < room.openings(state.waiting() + 1).min(may_start) {
            let refused = self.health.lock().backoff_error(Instant::now()).cloned();
            match (refused, &best) {
                (None, _) => self.start_opening(&mut state),
                (Some(error), None) if state.opening.is_empty() => {
                    let crowded = state.any(wanted);
                    return crowded.map(|one| Choice::Take(Lease::new(&one))).ok_or(error);
                }
                (Some(_), _) => {}
            }
        }
        match (best, state.opening.last()) {
            (Some(best), _) => Ok(Choice::Take(Lease::new(&best))),
            (None, Some(opening)) => Ok(Choice::Wait(opening.clone())),
            (None, None) => Err(full()),
        }
    }

    /// Opens a connection in a task of its own, which does not keep the pool alive.
    fn start_opening(self: &Arc<Self>, state: &mut State) {
        state.last_id += 1;
        let (id, connector) = (state.last_id, Arc::clone(&self.connector));
        let pool = Arc::downgrade(self);
        let (ended, opening) = watch::channel(None);
        let end = OpeningEnds { pool: pool.clone(), id };
        state.opening.push(Opening { id, ended: opening, waiting: Arc::default() });
        tokio::spawn(async move {
            let opened = connector.open(id).await;
            if let Some(pool) = pool.upgrade() {
                let outcome = pool.opened(opened);
                drop(end);
                ended.send_replace(Some(outcome));
            }
        });
    }

    fn opened(&self, opened: Result<Connection, UpstreamError>) -> Result<(), UpstreamError> {
        match opened {
            Ok(connection) => {
                self.health.lock().connected();
                self.state.lock().open.push(Arc::new(connection));
                Ok(())
            }
            Err(error) => {
                self.health.lock().refused(&error, Instant::now(), jitter());
                Err(error)
            }
        }
    }

    /// Lets go of connections that ended or show a certificate that is no longer ours. Queries on
    /// them go on until they are answered.
    fn prune(&self, state: &mut State) {
        // No query tells of a connection that ended before one was put on it, and without a pause
        // each query would open several. Those that ended together count once.
        let unused = state.open.iter().filter(|one| one.liveness.ended_unused()).count();
        if unused > 0 {
            let error = UpstreamError::lost("the connection ended before it was used");
            self.health.lock().was_useless(&error, Instant::now(), jitter());
        }
        let issue = self.connector.issue();
        // Where nobody waits, nothing comes that could show that it answers again.
        let is_given_up = |one: &Connection| one.liveness.is_overtaken() && one.load() == 0;
        state
            .open
            .retain(|one| !one.liveness.is_closed() && one.issue == issue && !is_given_up(one));
    }

    /// A question that was asked then was answered now.
    pub(super) fn answered(&self, asked_at: Instant) {
        let now = Instant::now();
        self.silence.lock().answered(asked_at, now);
        self.counters.round_trip(now.saturating_duration_since(asked_at));
    }

    /// This connection stays open and brings nothing any more: as far as questions know it has
    /// ended.
    pub(super) fn lose(&self, connection: &Connection) {
        if connection.liveness.lose() {
            if connection.liveness.has_answered() {
                connection.lives.ended_early(connection.answers());
            }
            self.retire(connection.id);
        }
    }

    /// No new query may use this connection, and the next one goes to another address.
    pub(super) fn retire(&self, id: u64) {
        let mut state = self.state.lock();
        // Every query that was silent on it says so; the first one decides.
        for retired in state.open.extract_if(.., |connection| connection.id == id) {
            self.pass_over(&retired);
        }
    }

    /// The next connection goes to another address than this one, which led nowhere.
    pub(super) fn pass_over(&self, connection: &Connection) {
        self.connector.pass_over(connection.address);
    }

    /// Lets go of connections that show an older certificate of this identity.
    pub(super) fn renew(&self, identity: &str) {
        if self.connector.shows(identity) {
            self.prune(&mut self.state.lock());
            // What was refused may have been refused for the old certificate.
            self.health.lock().connected();
        }
    }

    /// Connections that are open.
    pub(super) fn open_connections(&self) -> usize {
        let mut state = self.state.lock();
        self.prune(&mut state);
        state.open.len()
    }
}

/// Makes room for the next opening, even if the task is dropped with its runtime.
struct OpeningEnds {
    pool: std::sync::Weak<Pool>,
    id: u64,
}

impl Drop for OpeningEnds {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.state.lock().opening.retain(|one| one.id != self.id);
        }
    }
}

fn full() -> UpstreamError {
    UpstreamError::new(ErrorKind::Busy, "all connections have 1,000 queries under way")
}

/// A random number from 0 to 1.
pub(super) fn jitter() -> f32 {
    let mut octet = [128];
    // Without randomness the middle will do: it only spreads retries.
    let _ = rand::fill(&mut octet);
    f32::from(octet[0]) / 255.0
}
