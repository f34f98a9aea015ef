//! How many queries ended, by transport and reason, in memory that may outlive this process.
//!
//! A process that is killed loses what it has in memory of its own. `keyhole up` has a piece of
//! memory (a `memfd`, which nobody can cut short) that each of its engines maps in turn: what the
//! one before had counted is there when the next one starts.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::Reason;
use crate::transport::Transport;

const REASONS: usize = Reason::ALL.len();
const TRANSPORTS: usize = Transport::ALL.len();

/// Counts by transport and reason.
pub(super) type Table = [[AtomicU64; REASONS]; TRANSPORTS];

/// What one worker counted. Aligned so that two workers never share a cache line.
#[repr(C, align(128))]
pub(super) struct Ended {
    pub(super) all: Table,
    /// Those of `all` whose policy keeps them out of the query log.
    pub(super) unlogged: Table,
}

impl Ended {
    fn new() -> Self {
        let table = || std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)));
        Self { all: table(), unlogged: table() }
    }

    fn cells(&self) -> impl Iterator<Item = &AtomicU64> {
        self.all.iter().chain(&self.unlogged).flatten()
    }
}

/// The first octets of shared memory.
#[repr(C, align(128))]
struct Header {
    /// [`layout`] of the engine that wrote it; 0 in new memory.
    layout: AtomicU64,
    /// Tells this memory from every other one.
    id: AtomicU64,
    /// How many workers have a place behind `earlier`.
    workers: AtomicU64,
    /// What engines before this one counted.
    earlier: Ended,
}

/// The counts of all workers.
pub(super) enum EndedByWorker {
    /// They end with this process.
    Own(Box<[Ended]>),
    /// They stay.
    Shared(SharedCounts),
}

impl EndedByWorker {
    pub(super) fn own(workers: usize) -> Self {
        Self::Own((0..workers).map(|_| Ended::new()).collect())
    }

    /// In the memory behind a descriptor, which stays open. `id` is for new memory.
    pub(super) fn shared(descriptor: RawFd, workers: usize, id: u64) -> io::Result<Self> {
        SharedCounts::open(descriptor, workers, id).map(Self::Shared)
    }

    #[inline]
    pub(super) fn all(&self) -> &[Ended] {
        match self {
            Self::Own(all) => all,
            Self::Shared(shared) => shared.workers(),
        }
    }

    /// What engines before this one counted in the same memory, and the number of that memory.
    pub(super) fn earlier(&self) -> Option<(u64, &Ended)> {
        match self {
            Self::Own(_) => None,
            Self::Shared(shared) => {
                let header = shared.header();
                Some((header.id.load(Ordering::Relaxed), &header.earlier))
            }
        }
    }
}

/// Mapped memory that holds a [`Header`] and an [`Ended`] for each worker.
pub(super) struct SharedCounts {
    memory: MmapRaw,
    workers: usize,
}

impl SharedCounts {
    fn open(descriptor: RawFd, workers: usize, id: u64) -> io::Result<Self> {
        if descriptor < 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: it is only borrowed to be duplicated; a number that is no descriptor is an error.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let file = File::from(borrowed.try_clone_to_owned()?);
        let octets = size_of::<Header>() + workers * size_of::<Ended>();
        if file.metadata()?.len() < octets as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let found = Self { memory: MmapOptions::new().map_raw(&file)?, workers };
        found.begin(workers, id);
        Ok(found)
    }

    /// Adds what the engine before had counted to `earlier`, and begins at zero.
    fn begin(&self, workers: usize, id: u64) {
        let header = self.header();
        if header.layout.load(Ordering::Acquire) == layout() {
            let before = header.workers.load(Ordering::Relaxed) as usize;
            for worker in self.places(before) {
                for (sum, count) in header.earlier.cells().zip(worker.cells()) {
                    sum.fetch_add(count.swap(0, Ordering::Relaxed), Ordering::Relaxed);
                }
            }
        } else {
            let all = self.places(usize::MAX).iter().chain([&header.earlier]);
            all.flat_map(Ended::cells).for_each(|cell| cell.store(0, Ordering::Relaxed));
            header.id.store(id, Ordering::Relaxed);
        }
        header.workers.store(workers as u64, Ordering::Relaxed);
        header.layout.store(layout(), Ordering::Release);
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than a header (checked in `open`), begins at a page and
        // lives as long as `self`. A header is made of atomics alone, of which any octets are valid.
        unsafe { &*self.memory.as_ptr().cast::<Header>() }
    }

    #[inline]
    fn workers(&self) -> &[Ended] {
        self.places(self.workers)
    }

    /// The first places for workers, at most as many as there is memory for.
    #[inline]
    fn places(&self, most: usize) -> &[Ended] {
        let room = (self.memory.len() - size_of::<Header>()) / size_of::<Ended>();
        // SAFETY: as for the header, whose size is a multiple of the alignment of what follows; the
        // length is no more than what the mapping has.
        unsafe {
            let first = self.memory.as_ptr().add(size_of::<Header>()).cast::<Ended>();
            std::slice::from_raw_parts(first, most.min(room))
        }
    }
}

/// A number that changes whenever a place in the memory would mean something else: FNV-1a of all
/// words. Never 0.
fn layout() -> u64 {
    let words = Transport::ALL.iter().map(|one| one.word());
    let words = words.chain(Reason::ALL.iter().map(|one| one.word()));
    let octets = words.flat_map(|word| word.bytes().chain([0]));
    octets.fold(0xcbf2_9ce4_8422_2325, |sum: u64, octet| {
        (sum ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3)
    }) | 1
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, FromRawFd};

    use super::*;

    fn memory(octets: u64) -> File {
        // SAFETY: the name is a C string, and the descriptor is new and owned by nobody else.
        let file = unsafe { File::from_raw_fd(libc::memfd_create(c"counts".as_ptr(), 0)) };
        file.set_len(octets).unwrap();
        file
    }

    fn total(one: &Ended) -> u64 {
        one.cells().map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    #[test]
    fn the_next_engine_finds_what_the_one_before_had_counted() {
        let memory = memory(1 << 20);
        for (round, workers) in [2, 1, 3].into_iter().enumerate() {
            let id = round as u64 + 7;
            let counts = EndedByWorker::shared(memory.as_raw_fd(), workers, id).unwrap();
            let (known, earlier) = counts.earlier().unwrap();
            assert_eq!((known, total(earlier)), (7, round as u64 * 5));
            assert_eq!(counts.all().len(), workers);
            assert_eq!(counts.all().iter().map(total).sum::<u64>(), 0);
            counts.all()[workers - 1].all[1][2].fetch_add(5, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_another_version_has_left_is_not_misread() {
        let memory = memory(1 << 20);
        let counts = EndedByWorker::shared(memory.as_raw_fd(), 1, 1).unwrap();
        counts.all()[0].all[0][0].fetch_add(5, Ordering::Relaxed);
        let EndedByWorker::Shared(shared) = &counts else { panic!("it is shared") };
        shared.header().layout.store(3, Ordering::Relaxed);
        let counts = EndedByWorker::shared(memory.as_raw_fd(), 1, 2).unwrap();
        let (id, earlier) = counts.earlier().unwrap();
        assert_eq!((id, total(earlier), total(&counts.all()[0])), (2, 0, 0));
    }

    #[test]
    fn memory_that_is_too_small_or_none_is_an_error() {
        assert!(EndedByWorker::shared(memory(4096).as_raw_fd(), 64, 1).is_err());
        assert!(EndedByWorker::shared(-1, 1, 1).is_err());
    }
}
