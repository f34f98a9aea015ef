//! How much of a table each client uses.
//!
//! A full table takes a place from whoever has the most, so that a client that fills it pushes out
//! its own entries and not those of the others.

use std::sync::atomic::{AtomicU32, Ordering};

/// Clients that are told apart here; others share a number. A power of two.
pub(super) const CLIENTS: usize = 1 << 15;

/// The number of a client.
#[inline]
pub(super) fn number(client: u64) -> u16 {
    (client as usize & (CLIENTS - 1)) as u16
}

/// How many places each client has.
pub(super) struct Held(Box<[AtomicU32]>);

impl Held {
    pub(super) fn new() -> Self {
        Self((0..CLIENTS).map(|_| AtomicU32::new(0)).collect())
    }

    #[inline]
    pub(super) fn of(&self, client: u16) -> u32 {
        self.0[usize::from(client)].load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, client: u16) {
        self.0[usize::from(client)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn take(&self, client: u16) {
        let less = |held: u32| Some(held.saturating_sub(1));
        let _ =
            self.0[usize::from(client)].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.0)
    }
}
