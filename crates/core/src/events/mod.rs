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
mod take;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

pub use event::{Event, EventContext};
pub use handshakes::RefusedHandshake;

use crate::document::LogLevel;
use crate::snapshot::Snapshot;
use handshakes::Handshakes;
use ring::Ring;

/// Snapshots that are kept for events which were not taken yet. More are needed only when no
/// events are taken; what an older one decided is then logged without names.
const MAX_SNAPSHOTS: usize = 8;

/// The events of all workers that were not taken yet.
pub struct Events {
    /// One for each worker; none where events are off.
    rings: Box<[Ring]>,
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
        Self {
            rings: (0..rings).map(|_| Ring::new(capacity * entry::USUAL)).collect(),
            began: Instant::now(),
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
