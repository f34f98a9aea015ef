//! Events: what became of each query, for the query log.
//!
//! A worker writes an entry into a ring of its own, which costs a few dozen stores: no lock, no
//! allocation, no clock, no text. One other thread reads the rings from
//! time to time and turns the numbers of the entries into text. A ring that is full drops the
//! newest entry and counts it; an answer never waits for the log. What a busy worker answers again
//! and again is counted beside its ring, so that its cost is bounded.
//!
//! The policy says how much of a query may be logged (`log`). What may not be logged never reaches
//! a ring.

mod batch;
mod entry;
mod event;
mod fields;
mod handshakes;
mod line;
mod memo;
mod new_entry;
mod repeats;
mod ring;
mod snapshot_names;
mod take;
mod taking;
mod turned_away;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

pub use batch::Batch;
pub use event::{Event, EventContext};
pub use handshakes::RefusedHandshake;

use crate::document::LogLevel;
use crate::shares::prefix;
use crate::snapshot::Snapshot;
use handshakes::Handshakes;
use new_entry::NewEntry;
use repeats::Repeats;
use ring::Ring;
use taking::Taking;
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
    /// One for each worker, beside its ring.
    repeats: Box<[Repeats]>,
    began: Instant,
    known: Mutex<Vec<Arc<Snapshot>>>,
    /// Held while events are taken.
    taking: Mutex<Taking>,
    handshakes: Handshakes,
}

impl Events {
    /// Rings with room for `capacity` entries of usual length each; 0 turns events off.
    pub fn new(workers: usize, capacity: usize) -> Self {
        let rings = if capacity == 0 { 0 } else { workers };
        let began = Instant::now();
        Self {
            turned_away: (0..rings).map(|_| TurnedAway::new(began)).collect(),
            repeats: (0..rings).map(|_| Repeats::default()).collect(),
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
        if level == LogLevel::None {
            return false;
        }
        let entry = NewEntry::new(event, self.began, level == LogLevel::Full);
        let repeats = self.repeats.get(event.sender.worker).filter(|_| entry.may_repeat());
        let hash = event.question.map_or(0, |question| question.hashed.hash());
        if !repeats.is_some_and(|repeats| repeats.count(&entry, hash)) {
            entry.write(ring);
        }
        true
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
