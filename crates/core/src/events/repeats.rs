//! Queries that repeat one another on a busy worker: counted, and written once a second.
//!
//! Answers from memory are so cheap that a line for each would cost more than the answers. While a
//! worker is busy, it counts queries that differ in their time alone, in a small table of its own;
//! whoever takes events writes one line for each kind, with its count. What is not alike, what
//! waited for an upstream, and all that a worker with little to do ends has a line of its own.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::entry::ARRIVED;
use super::line::Writer;
use super::new_entry::NewEntry;

/// Queries of one second after which a worker is busy, in that second and in the next one.
const BUSY: u32 = 512;
/// A power of two.
const SLOTS: usize = 4_096;
/// Slots that are looked at for one query.
const PROBES: usize = 8;
/// Words of all kinds of one window: half a megabyte.
const MAX_WORDS: usize = 1 << 16;
/// Words of a kind before those of its entry: how many queries, and when the first arrived.
const COUNT: usize = 0;
const FIRST: usize = 1;
const BEFORE: usize = 2;
const NANOS: u64 = 1_000_000_000;

/// What one worker counts; apart from its neighbors, so that no two share a cache line.
#[repr(align(128))]
#[derive(Default)]
pub(super) struct Repeats(Mutex<Windows>);

#[derive(Default)]
struct Windows {
    /// The present second, and the queries in it.
    second: u64,
    seen: u32,
    is_busy: bool,
    present: Window,
    /// What was counted before, until it is taken.
    previous: Window,
}

/// Kinds of queries, of about one second.
#[derive(Default)]
pub(super) struct Window {
    /// The second of the first query.
    second: u64,
    /// Part of a hash above, and the end of a kind in `words` below; 0 where there is none.
    slots: Vec<u64>,
    words: Vec<u64>,
}

impl Repeats {
    /// Counts a query, given by its words and the hash of its name. False where it is to be written
    /// itself. Never waits.
    #[inline]
    pub(super) fn count(&self, entry: &NewEntry<'_>, hash: u64) -> bool {
        let Some(mut windows) = self.0.try_lock() else { return false };
        let second = entry.head[ARRIVED] / NANOS;
        if second > windows.second {
            windows.turn(second);
        }
        windows.seen = windows.seen.saturating_add(1);
        (windows.is_busy || windows.seen > BUSY) && windows.present.count(entry, hash, second)
    }

    /// Moves what was counted before a second to `taken`, with `all` everything, and puts windows
    /// out of `spare` in its place.
    pub(super) fn take(
        &self,
        second: u64,
        all: bool,
        taken: &mut Vec<Window>,
        spare: &mut Vec<Window>,
    ) {
        let mut windows = self.0.lock();
        let Windows { present, previous, .. } = &mut *windows;
        for window in [previous, present] {
            if !window.words.is_empty() && (all || window.second < second) {
                let empty = spare.pop().unwrap_or_default();
                taken.push(std::mem::replace(window, empty));
            }
        }
    }
}

impl Windows {
    #[cold]
    fn turn(&mut self, second: u64) {
        self.is_busy = self.seen > BUSY && second == self.second + 1;
        (self.second, self.seen) = (second, 0);
        // Whoever takes events may be late: then the present one lasts longer.
        if self.previous.words.is_empty() {
            std::mem::swap(&mut self.present, &mut self.previous);
        }
    }
}

impl Window {
    /// False where there is no room for another kind.
    #[inline]
    fn count(&mut self, entry: &NewEntry<'_>, hash: u64, second: u64) -> bool {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, 0);
        }
        let hash = entry.hash(hash);
        let (mark, start) = (hash >> 32 << 32, hash as usize);
        for probe in 0..PROBES {
            let Some(slot) = self.slots.get_mut((start + probe) % SLOTS) else { return false };
            if *slot == 0 {
                if self.words.len() + BEFORE + entry.len() > MAX_WORDS {
                    return false;
                }
                if self.words.is_empty() {
                    self.second = second;
                }
                let at = self.words.len();
                self.words.extend([1, entry.head[ARRIVED]]);
                entry.extend(&mut self.words);
                self.words[at + BEFORE + ARRIVED] = 0;
                *slot = mark | (at as u64 + 1);
                return true;
            }
            if *slot >> 32 << 32 == mark {
                let at = (*slot as u32) as usize - 1;
                let kind = &mut self.words[at..];
                if entry.is_like(&kind[BEFORE..]) {
                    kind[COUNT] += 1;
                    return true;
                }
            }
        }
        false
    }

    /// The kinds: how many queries, when the first arrived, and the words of its entry.
    fn kinds(&self) -> impl Iterator<Item = (u64, u64, &[u64])> {
        let mut rest = self.words.as_slice();
        std::iter::from_fn(move || {
            let (count, first) = (*rest.get(COUNT)?, *rest.get(FIRST)?);
            let length = (*rest.get(BEFORE)? & 0xffff) as usize;
            let (words, behind) = rest.get(BEFORE..)?.split_at_checked(length)?;
            rest = behind;
            Some((count, first, words))
        })
    }

    /// The window without its kinds; it keeps its memory.
    pub(super) fn emptied(mut self) -> Self {
        self.slots.fill(0);
        self.words.clear();
        self
    }
}

/// Writes a line for each kind in windows of all workers, in the order of their first queries.
/// `words` is room for an entry.
pub(super) fn write_repeats(writer: &mut Writer<'_>, windows: &[Window], words: &mut Vec<u64>) {
    let mut kinds: HashMap<&[u64], (u64, u64), RandomState> = HashMap::default();
    for (count, first, words) in windows.iter().flat_map(Window::kinds) {
        let kind = kinds.entry(words).or_insert((first, 0));
        *kind = (kind.0.min(first), kind.1 + count);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_unstable();
    kinds.sort_by_key(|(_, (first, _))| *first);
    for (kind, (first, count)) in kinds {
        words.clear();
        words.extend_from_slice(kind);
        words[ARRIVED] = first;
        writer.write(words, count);
    }
}
