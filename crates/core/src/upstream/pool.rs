//! The few connections to one upstream, opened on demand and reused.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::connect::Connector;
use super::connection::{Connection, Lease};
use super::counters::UpstreamCounters;
use super::error::{ErrorKind, UpstreamError};
use super::exchange::MAX_IN_FLIGHT;
use super::health::Health;
use super::lives::Room;
use crate::shares::FairRoom;

/// How many openings a query waits for that leave it without room.
const WAITS: u32 = 64;
/// How often a query that waits for a connection looks whether another one has room by now.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Mute connections beside the others, while the upstream answers on some.
const MAX_MUTE: usize = 8;
/// The same while it answers on none.
const FEW_MUTE: usize = 3;

/// An opening that takes longer keeps no other one from beginning, while the upstream answers.
const SLOW_OPENING: Duration = Duration::from_millis(300);
/// Openings at once, however slow they are.
const MAX_OPENINGS: usize = 8;

/// How the last opening ended.
type Ended = Result<(), UpstreamError>;

/// The connections of one upstream, shared by all runtimes of the process.
pub(super) struct Pool {
    connector: Arc<Connector>,
    pub(super) health: Mutex<Health>,
    pub(super) counters: Arc<UpstreamCounters>,
    /// Places for questions under way, with a share for each client.
    pub(super) room: Arc<FairRoom>,
    state: Mutex<State>,
    /// Tells queries that wait that an opening has ended, and how.
    ended: watch::Sender<Ended>,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Connection>>,
    /// The numbers of connections that are being opened, and since when.
    opening: Vec<(u64, Instant)>,
    /// One for itself, and one for each query that waits for a connection to open.
    waiting: Arc<()>,
    last_id: u64,
}

impl State {
    /// The connection with the fewest queries, of those that are not mute and have fewer than
    /// `limit` says.
    fn least_loaded(
        &self,
        avoid: u64,
        limit: impl Fn(&Connection) -> usize,
    ) -> Option<Arc<Connection>> {
        let is_fit = |one: &&Arc<Connection>| {
            one.id != avoid && !one.liveness.is_mute() && one.load() < limit(one)
        };
        self.open.iter().filter(is_fit).min_by_key(|one| one.load()).cloned()
    }

    /// Any connection that takes one more, best one that is not mute.
    fn any(&self, avoid: u64) -> Option<Arc<Connection>> {
        self.least_loaded(avoid, |_| MAX_IN_FLIGHT).or_else(|| {
            let others = self.open.iter().filter(|one| one.id != avoid);
            others.filter(|one| one.load() < MAX_IN_FLIGHT).min_by_key(|one| one.load()).cloned()
        })
    }

    /// Queries that wait for a connection to open.
    fn waiting(&self) -> usize {
        Arc::strong_count(&self.waiting) - 1
    }
}

enum Choice {
    Take(Lease),
    /// Until an opening ends. What is held meanwhile counts the query as one that waits.
    Wait(watch::Receiver<Ended>, Arc<()>),
}

impl Pool {
    pub(super) fn new(connector: Connector, counters: Arc<UpstreamCounters>) -> Arc<Self> {
        let room = FairRoom::new(connector.lives.room().open * connector.usual_capacity());
        Arc::new(Self {
            room,
            connector: Arc::new(connector),
            health: Mutex::new(Health::new()),
            counters,
            state: Mutex::default(),
            ended: watch::Sender::new(Ok(())),
        })
    }

    /// A connection for one query, but not the one with the number `avoid`. Waits for any to open
    /// where none has room; leaving does not end the opening, which serves others too.
    pub(super) async fn take(self: &Arc<Self>, avoid: u64) -> Result<Lease, UpstreamError> {
        let mut waits = 0;
        while waits < WAITS {
            let (mut opening, _waits) = match self.choose(avoid)? {
                Choice::Take(lease) => {
                    let room = self.connector.lives.room();
                    self.room.resize(room.open * room.capacity(lease.connection.capacity(), 0));
                    return Ok(lease);
                }
                Choice::Wait(opening, waits) => (opening, waits),
            };
            // Meanwhile a connection that is open may get room.
            if timeout(LOOK_EVERY, opening.changed()).await.is_err() {
                continue;
            }
            waits += 1;
            let ended = opening.borrow().clone();
            if let Err(error) = ended
                && self.state.lock().opening.is_empty()
            {
                return self.crowded(avoid).ok_or(error);
            }
        }
        match self.choose(avoid)? {
            Choice::Take(lease) => Ok(lease),
            Choice::Wait(..) => self
                .crowded(avoid)
                .ok_or_else(|| UpstreamError::lost("connections end as soon as they are open")),
        }
    }

    /// The open connection with the fewest queries, although it admits no more: they wait there.
    fn crowded(&self, avoid: u64) -> Option<Lease> {
        self.state.lock().any(avoid).as_ref().map(Lease::new)
    }

    fn choose(self: &Arc<Self>, avoid: u64) -> Result<Choice, UpstreamError> {
        let mut state = self.state.lock();
        self.prune(&mut state);
        let room = self.connector.lives.room();
        let useless = self.useless(&mut state, room);
        let others = state.open.len().saturating_sub(useless);
        let may_open = others < room.open && useless < MAX_MUTE;
        // What is put to a connection that is full waits there for it, and not for the next one.
        let best = state.least_loaded(avoid, |one| room.capacity(one.capacity(), one.answers()));
        let best = if may_open { best } else { best.or_else(|| state.any(avoid)) };
        let wanted = best.as_ref().is_none_or(|connection| connection.load() >= room.busy);
        if !wanted || (!may_open && best.is_some()) {
            return best.as_ref().map(|best| Choice::Take(Lease::new(best))).ok_or_else(full);
        }
        if state.opening.is_empty() && !may_open {
            return Err(full());
        }
        let may_start = room.open.saturating_sub(others);
        let due = room.openings(state.waiting() + 1).min(may_start);
        if self.openings_that_count(&state) < due {
            // At its address there may be nobody who answers.
            if let Some(mute) = state.open.iter().find(|one| one.id == avoid)
                && !mute.liveness.has_answered()
            {
                self.pass_over(mute);
            }
            let refused = self.health.lock().backoff_error(Instant::now()).cloned();
            match (refused, &best) {
                (None, _) => self.start_opening(&mut state),
                (Some(error), None) if state.opening.is_empty() => {
                    let crowded = state.any(avoid);
                    return crowded.map(|one| Choice::Take(Lease::new(&one))).ok_or(error);
                }
                (Some(_), _) => {}
            }
        }
        match best {
            Some(best) => Ok(Choice::Take(Lease::new(&best))),
            None if state.opening.is_empty() => Err(full()),
            // Subscribed under the lock: no end is missed.
            None => Ok(Choice::Wait(self.ended.subscribe(), Arc::clone(&state.waiting))),
        }
    }

    /// How many connections are mute, or have brought all that they bring and have a question that
    /// shows whether they bring more. While the upstream answers on others, the oldest of many is
    /// given up; what waits there goes on. While it answers on none, a few count as all.
    fn useless(&self, state: &mut State, room: Room) -> usize {
        let is_useless = |one: &Arc<Connection>| {
            one.liveness.is_mute() || room.is_spent(one.answers(), one.load())
        };
        let count = state.open.iter().filter(|one| is_useless(one)).count();
        if count < FEW_MUTE {
            return count;
        }
        if !self.health.lock().answers_now(Instant::now()) {
            return MAX_MUTE;
        }
        if count == MAX_MUTE
            && let Some(oldest) = state.open.iter().position(is_useless)
        {
            state.open.remove(oldest);
            return count - 1;
        }
        count
    }

    /// Openings under way that may be expected to end soon.
    fn openings_that_count(&self, state: &State) -> usize {
        let now = Instant::now();
        let count = state.opening.len();
        if count >= MAX_OPENINGS {
            return usize::MAX;
        }
        if count == 0 || !self.health.lock().answers_now(now) {
            return count;
        }
        state.opening.iter().filter(|(_, since)| now < *since + SLOW_OPENING).count()
    }

    /// Opens a connection in a task of its own, which does not keep the pool alive.
    fn start_opening(self: &Arc<Self>, state: &mut State) {
        state.last_id += 1;
        let (id, connector) = (state.last_id, Arc::clone(&self.connector));
        let pool = Arc::downgrade(self);
        let end = OpeningEnds { pool: pool.clone(), id, how: given_up() };
        state.opening.push((id, Instant::now()));
        tokio::spawn(async move {
            let opened = connector.open(id).await;
            if let Some(pool) = pool.upgrade() {
                end.tell(pool.opened(opened));
            }
        });
    }

    fn opened(&self, opened: Result<Connection, UpstreamError>) -> Ended {
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
        state
            .open
            .retain(|connection| !connection.liveness.is_closed() && connection.issue == issue);
    }

    /// No new query may use this connection, and the next one goes to another address.
    pub(super) fn retire(&self, id: u64) {
        let mut state = self.state.lock();
        // Every query that was silent on it says so; the first one decides.
        for retired in state.open.extract_if(.., |connection| connection.id == id) {
            self.pass_over(&retired);
        }
    }

    /// A question was put to this connection then and is not answered. Where nothing else came
    /// within `silence` either, no further one goes there until something comes. Whether that is so.
    pub(super) fn look_at(&self, id: u64, asked_at: Instant, silence: Duration) -> bool {
        let state = self.state.lock();
        let Some(connection) = state.open.iter().find(|one| one.id == id) else { return true };
        let since = Instant::now().checked_sub(silence).unwrap_or(asked_at);
        if connection.liveness.active_after(since) {
            return false;
        }
        connection.fall_mute();
        true
    }

    /// Whether questions that were put to this connection later were answered, or it is gone.
    pub(super) fn has_overtaken(&self, id: u64, asked_at: Instant) -> bool {
        let state = self.state.lock();
        let connection = state.open.iter().find(|one| one.id == id);
        connection.is_none_or(|one| one.liveness.has_overtaken(asked_at))
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
    how: Ended,
}

impl OpeningEnds {
    fn tell(mut self, how: Ended) {
        self.how = how;
    }
}

impl Drop for OpeningEnds {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.state.lock().opening.retain(|(id, _)| *id != self.id);
            // The one before is of no use to anybody.
            let _ = pool.ended.send_replace(std::mem::replace(&mut self.how, Ok(())));
        }
    }
}

fn given_up() -> Ended {
    Err(UpstreamError::lost("connecting was given up"))
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
