//! Events: what became of each query, for the query log.
//!
//! A worker writes an entry into a ring of its own, which costs a few dozen stores: no lock, no
//! allocation, no clock, no text. One other thread reads the rings from
//! time to time and turns the numbers of the entries into text. A ring that is full drops the
//! newest entry and counts it; an answer never waits for the log.
//!
//! The policy says how much of a query may be logged (`log`). What may not be logged never reaches
//! a ring.

mod entry;
mod event;
mod handshakes;
mod line;
mod ring;
mod snapshot_names;
mod take;
mod turned_away;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

pub use event::{Event, EventContext};
pub use handshakes::RefusedHandshake;

use crate::document::LogLevel;
use crate::shares::prefix;
use crate::snapshot::Snapshot;
use handshakes::Handshakes;
use ring::Ring;
use turned_away::{Kind, TurnedAway};

/// Snapshots that are kept for events which were not taken yet. More are needed only when no
/// events are taken; what an older one decided is then logged without names.
const MAX_SNAPSHOTS: usize = 8;

/// The events of all workers that were not taken yet.
pub struct Events {
    /// One for each worker; none where events are off.
    rings: Box<[Ring]>,
    /// One for each worker, beside its ring.
    turned_away: Box<[TurnedAway]>,
    began: Instant,
    known: Mutex<Vec<Arc<Snapshot>>>,
    /// Held while events are taken.
    taking: Mutex<()>,
    handshakes: Handshakes,
}

impl Events {
    /// Rings with room for `capacity` entries of usual length each; 0 turns events off.
    pub fn new(workers: usize, capacity: usize) -> Self {
        let rings = if capacity == 0 { 0 } else { workers };
        let began = Instant::now();
        Self {
            turned_away: (0..rings).map(|_| TurnedAway::new(began)).collect(),
            rings: (0..rings).map(|_| Ring::new(capacity * entry::USUAL)).collect(),
            began,
            known: Mutex::default(),
            taking: Mutex::default(),
            handshakes: Handshakes::default(),
        }
    }

    /// Whether events are written at all.
    #[inline]
    pub fn are_on(&self) -> bool {
        !self.rings.is_empty()
    }

    /// Writes down one query that ended; whether it may be logged at all. Never waits.
    #[inline]
    pub fn record(&self, event: &Event<'_>) -> bool {
        // Without rings there is none for any worker: this branch is all that turned-off events
        // cost.
        let Some(ring) = self.rings.get(event.sender.worker) else { return true };
        let level = event.level();
        let is_turned_away = event.reason.is_turned_away() && !event.is_own;
        if is_turned_away && !self.is_written_whole(event, level) {
            // It is part of a sum, which its line counts, unless its policy logs nothing.
            return level != LogLevel::None;
        }
        match level {
            LogLevel::Full => entry::write(ring, event, self.began, true),
            LogLevel::Anonymous => entry::write(ring, event, self.began, false),
            LogLevel::None => {}
        }
        level != LogLevel::None
    }

    /// Writes down one refused handshake. Never waits.
    pub fn record_handshake(&self, refused: &RefusedHandshake<'_>) {
        if self.are_on() {
            self.handshakes.add(refused, Instant::now());
        }
    }

    /// Whether a query that was turned away has an entry of its own; else it is summed up.
    #[cold]
    fn is_written_whole(&self, event: &Event<'_>, level: LogLevel) -> bool {
        let network = match level {
            LogLevel::Full => Some(prefix(event.sender.client.ip())),
            LogLevel::Anonymous => None,
            LogLevel::None => return false,
        };
        let kind = Kind { transport: event.sender.transport, reason: event.reason, network };
        let table = self.turned_away.get(event.sender.worker);
        table.is_none_or(|table| table.add(kind, event.ended))
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
