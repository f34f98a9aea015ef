//! Taking events: reading the rings from time to time, and writing lines.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Events;
use super::entry::StoredEvent;
use super::line::Writer;
use super::ring::Ring;
use super::turned_away::{Kind, Sum};
use crate::snapshot::Snapshot;

/// How often the rings are looked at: workers pay nothing for waking anybody.
const LOOK: Duration = Duration::from_millis(50);
/// A ring that is so full is emptied at once.
const URGENT: f64 = 0.25;

impl Events {
    /// Takes at most `most` events as JSON lines, in the order in which their queries arrived, and
    /// a last line `{"lost": n}` where `n` were dropped since the last call. Waits at most
    /// `timeout` for the first one; empty where none came.
    ///
    /// Many events at a time cost less than one by one, so that this gathers for a moment before it
    /// returns, unless it may not wait or a ring fills up.
    pub fn take(&self, most: usize, timeout: Duration) -> Vec<u8> {
        let _alone = self.taking.lock();
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() && !self.rings.iter().any(|ring| ring.fullness() >= URGENT) {
                thread::sleep(LOOK.min(left));
            }
            let lines = self.take_now(most, timeout.is_zero());
            if !lines.is_empty() || left.is_zero() {
                return lines;
            }
        }
    }

    /// With `all`, sums of what was turned away are taken before their time is over.
    fn take_now(&self, most: usize, all: bool) -> Vec<u8> {
        // Before the rings are read: a snapshot without other owners adds no more events.
        let (known, finished) = self.snapshots();
        let mut writer = Writer::new(&known, self.wall_of_beginning());
        let mut left = most;
        let mut octets = Vec::new();
        for ring in &self.rings {
            left -= ring.take(left, |words| match StoredEvent::read(words, &mut octets) {
                Some(entry) => writer.write(&entry),
                None => writer.lost += 1,
            });
        }
        for line in self.handshakes.due(Instant::now(), false) {
            let nanos = line.last.saturating_duration_since(self.began).as_nanos();
            writer.write_handshake(&line, u64::try_from(nanos).unwrap_or(u64::MAX));
        }
        if left > 0 {
            self.take_sums(&mut writer, all);
        }
        writer.lost += self.rings.iter().map(Ring::take_lost).sum::<u64>();
        // What a full hand left in the rings may still need them.
        if left > 0 {
            self.known.lock().retain(|snapshot| !finished.contains(&snapshot.id));
        }
        writer.finish()
    }

    /// Writes the sums of what all workers turned away.
    fn take_sums(&self, writer: &mut Writer<'_>, all: bool) {
        let now = Instant::now();
        let mut sums: HashMap<Kind, Sum> = HashMap::new();
        for sum in self.turned_away.iter().flat_map(|table| table.take(now, all)) {
            let found = sums.entry(sum.kind).or_insert(Sum { count: 0, ..sum });
            found.count += sum.count;
            found.first = found.first.min(sum.first);
        }
        for sum in sums.values() {
            let nanos = sum.first.saturating_duration_since(self.began).as_nanos();
            writer.write_sum(sum, u64::try_from(nanos).unwrap_or(u64::MAX));
        }
    }

    /// The snapshots that events may name, and which of them will decide nothing any more.
    fn snapshots(&self) -> (Vec<Arc<Snapshot>>, HashSet<u64>) {
        let mut known = self.known.lock();
        let alone = |snapshot: &mut Arc<Snapshot>| Arc::get_mut(snapshot).map(|last| last.id);
        let finished = known.iter_mut().filter_map(alone).collect();
        (known.clone(), finished)
    }

    /// When the engine began, in nanoseconds of Unix time, by the clock as it is set now.
    fn wall_of_beginning(&self) -> i128 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let elapsed = self.began.elapsed();
        i128::try_from(wall.as_nanos()).unwrap_or_default()
            - i128::try_from(elapsed.as_nanos()).unwrap_or_default()
    }
}
