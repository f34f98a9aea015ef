//! Taking events: reading the rings from time to time, and writing lines.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Events;
use super::batch::Batch;
use super::entry::ARRIVED;
use super::line::Writer;
use super::repeats::{Window, write_repeats};
use super::ring::Ring;
use super::taking::Taking;
use super::turned_away::{Kind, Sum};
use crate::snapshot::Snapshot;

/// How often the rings are looked at: workers pay nothing for waking anybody.
const LOOK: Duration = Duration::from_millis(50);
/// Room for lines that is kept: more than usual lines of a batch take.
const MAX_ROOM: usize = 8 << 20;
/// A ring that is so full is emptied at once.
const URGENT: f64 = 0.25;

impl Events {
    /// Takes at most `most` events as JSON lines, in the order in which their queries arrived, and
    /// a last line `{"lost": n}` where `n` were dropped since the last call. Waits at most
    /// `timeout` for the first one; empty where none came.
    ///
    /// Many events at a time cost less than one by one, so that this gathers for a moment before it
    /// returns, unless it may not wait or a ring fills up.
    pub fn take(&self, most: usize, timeout: Duration) -> Batch {
        let mut taking = self.taking.lock();
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() && !self.rings.iter().any(|ring| ring.fullness() >= URGENT) {
                thread::sleep(LOOK.min(left));
            }
            let batch = self.take_now(&mut taking, most, timeout.is_zero());
            if !batch.is_empty() || left.is_zero() {
                return batch;
            }
        }
    }

    /// With `all`, sums of what was turned away are taken before their time is over.
    fn take_now(&self, taking: &mut Taking, most: usize, all: bool) -> Batch {
        let Taking { memo, room, entries, words, windows, spare } = taking;
        // Before the rings are read: a snapshot without other owners adds no more events.
        let (known, finished) = self.snapshots();
        let room = std::mem::take(room);
        let mut writer = Writer::new(&known, memo, self.wall_of_beginning(), room);
        // An entry of a snapshot that is given up must be written now.
        let all_repeats = all || !finished.is_empty();
        let second = self.began.elapsed().as_secs();
        for repeats in &self.repeats {
            repeats.take(second, all_repeats, windows, spare);
        }
        write_repeats(&mut writer, windows, words);
        spare.extend(windows.drain(..).map(Window::emptied));
        entries.clear();
        let mut left = most;
        let mut ends = Vec::with_capacity(self.rings.len());
        for (index, ring) in self.rings.iter().enumerate() {
            let arrived = |at| (ring.word_at(at, ARRIVED), index, at);
            ends.push(ring.waiting(left, |at| entries.push(arrived(at))));
            left = most - entries.len();
        }
        // Before they are written, as numbers are moved faster than lines. Stable, so that what
        // one worker ended first stays first.
        entries.sort_by_key(|(nanos, ..)| *nanos);
        for &(_, ring, at) in &*entries {
            self.rings[ring].read(at, words);
            writer.write(words, 1);
        }
        for (ring, end) in self.rings.iter().zip(ends) {
            ring.free(end);
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

    /// Takes back the room of lines that are written, for the next ones: new memory would cost more
    /// than what is written into it.
    pub fn give_back(&self, mut room: Vec<u8>) {
        if room.capacity() <= MAX_ROOM {
            room.clear();
            self.taking.lock().room = room;
        }
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
    fn wall_of_beginning(&self) -> i64 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        nanos(wall) - nanos(self.began.elapsed())
    }
}
