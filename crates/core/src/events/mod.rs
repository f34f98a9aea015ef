//! Events: what became of each query, for the query log.
//!
//! A worker writes an entry into a ring of its own, which costs a few dozen stores: no lock, no
//! allocation, no clock, no text. Whoever takes events (one thread, far from the packets) looks now
//! and then, and puts in words what the entries say in numbers. A ring that is full drops the
//! newest entry and counts it; an answer never waits for the log.
//!
//! How much of a query may be written down is what its policy says (`log`), and it is obeyed before
//! anything reaches a ring.

mod entry;
mod line;
mod ring;
mod take;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::Reason;
use crate::policy::Cause;
use crate::reason::Stage;
use crate::snapshot::Snapshot;
use crate::snapshot::document::LogLevel;
use crate::stages::Question;
use crate::stages::receive::Arrival;
use ring::Ring;

/// Snapshots whose words are kept for events that are still to be taken. More are needed only when
/// nobody takes events; what an older one decided is then logged without names.
const MAX_SNAPSHOTS: usize = 8;

/// Snapshot and policy that were in force when a query ended.
#[derive(Clone, Copy, Default)]
pub struct EventContext<'a> {
    /// The snapshot that was pinned.
    pub snapshot: Option<&'a Snapshot>,
    /// The index of the policy of its client, where it came to that.
    pub policy: Option<usize>,
}

/// A query that ended.
pub struct Event<'a> {
    /// The message; its time is that of the end, where it waited.
    pub arrival: &'a Arrival<'a>,
    /// The question; none where the message was none.
    pub question: Option<&'a Question>,
    /// Snapshot and policy.
    pub context: EventContext<'a>,
    /// Why it ended.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule or list would have done.
    pub would_block: Option<Cause>,
    /// The place in its set of the upstream that gave the answer.
    pub upstream: Option<u16>,
    /// How long it waited for an upstream, if it did.
    pub waited: Option<Duration>,
}

impl Event<'_> {
    /// How much of it may be written down.
    ///
    /// Whoever is turned away before a policy speaks for them is named: no policy promised them
    /// anything. Of a message that never came to that, nobody knows whose it was, so the strictest
    /// policy counts.
    #[inline]
    fn level(&self) -> LogLevel {
        match (self.context.snapshot, self.context.policy) {
            (Some(snapshot), Some(policy)) => {
                snapshot.policies.get(policy).map_or(LogLevel::None, |policy| policy.log)
            }
            (snapshot, _) => match (self.reason.stage(), snapshot) {
                (Stage::Admit | Stage::Identify, _) => LogLevel::Full,
                (_, Some(snapshot)) => snapshot.strictest_log(),
                (_, None) => LogLevel::Anonymous,
            },
        }
    }
}

/// The events of all workers that nobody has taken yet.
pub struct Events {
    /// One for each worker; none where events are off.
    rings: Box<[Ring]>,
    began: Instant,
    known: Mutex<Vec<Arc<Snapshot>>>,
    /// Held by whoever takes.
    taking: Mutex<()>,
}

impl Events {
    /// Rings with room for `capacity` entries of usual length each; 0 turns events off.
    pub fn new(workers: usize, capacity: usize) -> Self {
        let rings = if capacity == 0 { 0 } else { workers };
        Self {
            rings: (0..rings).map(|_| Ring::new(capacity * entry::USUAL)).collect(),
            began: Instant::now(),
            known: Mutex::default(),
            taking: Mutex::default(),
        }
    }

    /// Whether events are written at all.
    #[inline]
    pub fn are_on(&self) -> bool {
        !self.rings.is_empty()
    }

    /// Writes down one query that ended. Never waits.
    #[inline]
    pub fn record(&self, event: &Event<'_>) {
        // Without rings there is none for any worker: this branch is all that turned-off events cost.
        let Some(ring) = self.rings.get(event.arrival.worker) else { return };
        match event.level() {
            LogLevel::Full => entry::write(ring, event, self.began, true),
            LogLevel::Anonymous => entry::write(ring, event, self.began, false),
            LogLevel::None => {}
        }
    }

    /// Keeps a snapshot until every event that it decided is taken. Call it before queries can see
    /// the snapshot.
    pub fn remember(&self, snapshot: &Arc<Snapshot>) {
        if !self.are_on() {
            return;
        }
        let mut known = self.known.lock();
        if known.iter().all(|other| other.id != snapshot.id) {
            known.push(Arc::clone(snapshot));
        }
        if known.len() > MAX_SNAPSHOTS {
            known.remove(0);
        }
    }
}
